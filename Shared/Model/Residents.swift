package import Crypto

/// A resident, known by a number that says nothing about the person.
///
/// A positive 63-bit integer: the top bits of HMAC-SHA256(deployment secret, registration key).
package struct ResidentID: RawRepresentable, Hashable, Comparable, Sendable, Codable {
    package let rawValue: Int64

    /// Refuses zero and negative numbers, which no resident can have.
    package init?(rawValue: Int64) {
        guard rawValue > 0 else { return nil }
        self.rawValue = rawValue
    }

    /// The identity of the resident who registered under `key`, in the deployment of `secret`.
    ///
    /// Two registration keys may collide, once in 2⁶³; the register refuses the second.
    package init(registrationKey key: String, secret: SymmetricKey) {
        let digest = HMAC<SHA256>.authenticationCode(for: Array(key.utf8), using: secret)
        var value: UInt64 = 0
        for byte in digest.prefix(8) { value = value << 8 | UInt64(byte) }
        rawValue = max(1, Int64(value >> 1))
    }

    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

    /// The partition, in a deployment of `count`, that holds everything of this resident.
    ///
    /// The first eight bytes of SHA-256 over the identity's eight, both big-endian, modulo `count`:
    /// stable across processes, languages and years, unlike a hash table's hash.
    package func partition(of count: Int) -> Int {
        precondition(count > 0, "a deployment has at least one partition")
        if count == 1 { return 0 }
        let digest = SHA256.hash(
            data: withUnsafeBytes(of: rawValue.bigEndian) { Array($0) })
        var value: UInt64 = 0
        for byte in digest.prefix(8) { value = value << 8 | UInt64(byte) }
        return Int(value % UInt64(count))
    }
}

extension ResidentID: CustomStringConvertible {
    package var description: String { String(rawValue) }

    package init?(_ text: String) {
        guard let value = Int64(text) else { return nil }
        self.init(rawValue: value)
    }
}
