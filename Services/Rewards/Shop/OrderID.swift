import Crypto
import Messages
package import Streams

/// The identity of an order, made from the key of the command that placed it.
///
/// The first 16 bytes of SHA-256 over the caller's length as one byte, the caller and the key: the
/// same command names the same order in every run, and nobody draws numbers.
package struct OrderID: Hashable, Sendable {
    package let bytes: [UInt8]

    package static let byteCount = 16

    package init(of command: CommandMessage) {
        let caller = Array(command.caller.utf8)
        let digest = SHA256.hash(
            data: [UInt8(truncatingIfNeeded: caller.count)] + caller + command.key)
        bytes = Array(digest.prefix(Self.byteCount))
    }

    package init?(bytes: [UInt8]) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = bytes
    }

    /// Reads 32 hexadecimal digits.
    package init?(_ text: String) {
        let digits = Array(text.utf8)
        guard digits.count == 2 * Self.byteCount else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = Self.value(of: digits[index]),
                let low = Self.value(of: digits[index + 1])
            else { return nil }
            bytes.append(high << 4 | low)
        }
        self.bytes = bytes
    }

    private static func value(of digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

extension OrderID: CustomStringConvertible {
    /// 32 hexadecimal digits.
    package var description: String { bytes.hexadecimal }
}
