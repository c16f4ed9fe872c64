/// The rule for partners' ids, which name keys' files too: 1 to 64 of `a-z 0-9 -`, a letter first.
package enum PartnerID {
    package static let bytesMax = 64
    package static let rule = "1 to \(bytesMax) of a-z 0-9 -, a letter first"

    package static func isLegal(_ id: String) -> Bool {
        let letters = UInt8(ascii: "a")...UInt8(ascii: "z")
        guard let first = id.utf8.first, letters.contains(first), id.utf8.count <= bytesMax else {
            return false
        }
        return id.utf8.allSatisfy {
            letters.contains($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                || $0 == UInt8(ascii: "-")
        }
    }
}
