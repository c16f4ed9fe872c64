import CZeroMQ

/// The public half of a CURVE key pair: who a peer is.
///
/// Written as 40 characters of Z85 (zeromq RFC 32); on the wire and in comparisons, 32 bytes.
package struct PublicKey: Sendable, Hashable {
    package static let bytesCount = 32
    package static let charactersCount = 40

    package let bytes: [UInt8]

    /// The key of these bytes, or nil if they are not 32.
    package init?(bytes: [UInt8]) {
        guard bytes.count == Self.bytesCount else { return nil }
        self.bytes = bytes
    }

    /// The key that `z85` spells, or nil if it spells none.
    package init?(z85: String) {
        guard let bytes = Z85.decode(z85), let key = PublicKey(bytes: bytes) else { return nil }
        self = key
    }

    package var z85: String { Z85.encode(bytes) }
}

extension PublicKey: CustomStringConvertible {
    package var description: String { z85 }
}

/// The secret half of a CURVE key pair.
///
/// It never describes itself: neither in a log, nor in a failed test, nor to a mirror. Who must
/// have it says `z85`.
package struct SecretKey: Sendable, Equatable {
    let bytes: [UInt8]

    /// The key that `z85` spells, or nil if it spells none.
    package init?(z85: String) {
        guard let bytes = Z85.decode(z85), bytes.count == PublicKey.bytesCount else { return nil }
        self.bytes = bytes
    }

    package var z85: String { Z85.encode(bytes) }
}

extension SecretKey: CustomStringConvertible, CustomReflectable {
    package var description: String { "SecretKey(hidden)" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// A CURVE key pair; the two halves always belong together.
package struct CurveKeys: Sendable, Equatable {
    package let publicKey: PublicKey
    package let secretKey: SecretKey

    /// Makes a new pair from the system's random source.
    package static func generate() throws(ZeroMQError) -> CurveKeys {
        var secret = ""
        let made = withTwoKeys { publicZ85, secretZ85 in
            let code = zmq_curve_keypair(publicZ85, secretZ85)
            secret = String(cString: secretZ85)
            return code
        }
        guard made != nil, let secretKey = SecretKey(z85: secret) else {
            throw ZeroMQError(during: .makeKeys)
        }
        return try CurveKeys(secretKey: secretKey)
    }

    /// The pair that `secretKey` belongs to.
    package init(secretKey: SecretKey) throws(ZeroMQError) {
        let derived = Self.withTwoKeys { publicZ85, _ in
            zmq_curve_public(publicZ85, secretKey.z85)
        }
        guard let derived, let publicKey = PublicKey(z85: derived) else {
            throw ZeroMQError(during: .makeKeys)
        }
        self.publicKey = publicKey
        self.secretKey = secretKey
    }

    /// Lends two buffers for zero-terminated keys, and answers the first when `body` answers 0.
    private static func withTwoKeys(
        _ body: (UnsafeMutablePointer<CChar>, UnsafeMutablePointer<CChar>) -> Int32
    ) -> String? {
        let size = PublicKey.charactersCount + 1
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 2 * size) { buffer in
            buffer.initialize(repeating: 0)
            guard let first = buffer.baseAddress else { return nil }
            return body(first, first + size) == 0 ? String(cString: first) : nil
        }
    }
}

/// Z85 (zeromq RFC 32): 4 bytes in 5 printable characters.
enum Z85 {
    private static let alphabet = [UInt8](
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#".utf8
    )

    private static let digits: [UInt8: UInt32] = Dictionary(
        uniqueKeysWithValues: zip(alphabet, 0...))

    static func encode(_ bytes: [UInt8]) -> String {
        precondition(bytes.count.isMultiple(of: 4), "Z85 spells whole groups of four bytes")
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count / 4 * 5)
        for group in stride(from: 0, to: bytes.count, by: 4) {
            let value = bytes[group..<group + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            for divisor: UInt32 in [85 * 85 * 85 * 85, 85 * 85 * 85, 85 * 85, 85, 1] {
                text.append(alphabet[Int(value / divisor % 85)])
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The bytes that `text` spells, or nil if a character, the length or a group's value is wrong.
    static func decode(_ text: String) -> [UInt8]? {
        let characters = [UInt8](text.utf8)
        guard characters.count.isMultiple(of: 5) else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(characters.count / 5 * 4)
        for group in stride(from: 0, to: characters.count, by: 5) {
            var value: UInt32 = 0
            for character in characters[group..<group + 5] {
                guard let digit = digits[character] else { return nil }
                let (product, productOverflows) = value.multipliedReportingOverflow(by: 85)
                let (sum, sumOverflows) = product.addingReportingOverflow(digit)
                if productOverflows || sumOverflows { return nil }
                value = sum
            }
            bytes.append(contentsOf: withUnsafeBytes(of: value.bigEndian) { [UInt8]($0) })
        }
        return bytes
    }
}
