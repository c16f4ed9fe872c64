/// How much a resident did, in millionths of the behaviour's unit.
///
/// Partners write it as a decimal string of at most twelve digits before the point and six after
/// it, so every quantity is exact and fits 64 bits with room to spare.
package struct Quantity: RawRepresentable, Hashable, Comparable, Sendable, Codable {
    package var rawValue: Int64

    package init(rawValue: Int64) { self.rawValue = rawValue }

    package static let millionthsPerUnit: Int64 = 1_000_000
    package static let wholeDigitsMax = 12
    package static let fractionDigitsMax = 6

    /// Reads `(0|[1-9][0-9]{0,11})(\.[0-9]{1,6})?`, in ASCII and nothing else.
    package init?(decimal text: some Sequence<UInt8>) {
        var value: Int64 = 0
        var wholeDigits = 0
        var fractionDigits = -1  // -1: the point has not been met
        var startsWithZero = false
        for byte in text {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                if fractionDigits >= 0 {
                    fractionDigits += 1
                    guard fractionDigits <= Self.fractionDigitsMax else { return nil }
                } else {
                    guard !startsWithZero else { return nil }
                    startsWithZero = wholeDigits == 0 && byte == UInt8(ascii: "0")
                    wholeDigits += 1
                    guard wholeDigits <= Self.wholeDigitsMax else { return nil }
                }
                value = value * 10 + Int64(byte &- UInt8(ascii: "0"))
            case UInt8(ascii: "."):
                guard fractionDigits < 0, wholeDigits > 0 else { return nil }
                fractionDigits = 0
            default:
                return nil
            }
        }
        guard wholeDigits > 0, fractionDigits != 0 else { return nil }
        for _ in max(fractionDigits, 0)..<Self.fractionDigitsMax { value *= 10 }
        rawValue = value
    }

    package init?(decimal text: String) { self.init(decimal: text.utf8) }

    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

extension Quantity: CustomStringConvertible {
    /// The shortest decimal that reads back to the same quantity.
    package var description: String {
        let magnitude = rawValue.magnitude
        var text = String(magnitude / 1_000_000)
        var fraction = magnitude % 1_000_000
        if fraction != 0 {
            var digits = 6
            while fraction % 10 == 0 {
                fraction /= 10
                digits -= 1
            }
            let tail = String(fraction)
            text += "." + String(repeating: "0", count: digits - tail.utf8.count) + tail
        }
        return rawValue < 0 ? "-" + text : text
    }
}
