/// The rule that ids, sources and subjects share, and the register's keys with them.
///
/// 1 to 128 bytes of UTF-8 without control characters and noncharacters: CloudEvents' own rule for
/// strings, with a bound. Identifiers are compared by their bytes.
package enum Identifier {
    package static let bytesMax = 128

    /// - Parameter bytes: Valid UTF-8, which has no surrogates.
    package static func isLegal(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard (1...bytesMax).contains(bytes.count) else { return false }
        for index in bytes.indices {
            let byte = bytes[index]
            if byte < 0x80 {
                if byte < 0x20 || byte == 0x7F { return false }
            } else if byte >= 0xC2, isForbidden(bytes, at: index) {
                return false
            }
        }
        return true
    }

    package static func isLegal(_ text: String) -> Bool {
        var text = text
        return text.withUTF8(isLegal)
    }

    /// Whether the character that begins at `index` is U+0080–009F, U+FDD0–FDEF or U+nFFFE–nFFFF.
    private static func isForbidden(_ bytes: UnsafeBufferPointer<UInt8>, at index: Int) -> Bool {
        switch bytes[index] {
        case 0xC2:
            return bytes[index + 1] < 0xA0
        case 0xEF:
            let (second, third) = (bytes[index + 1], bytes[index + 2])
            return (second == 0xB7 && (0x90...0xAF).contains(third))
                || (second == 0xBF && third >= 0xBE)
        case 0xF0...:
            return bytes[index + 1] & 0x0F == 0x0F && bytes[index + 2] == 0xBF
                && bytes[index + 3] >= 0xBE
        default:
            return false
        }
    }
}
