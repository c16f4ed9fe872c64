import Crypto
package import Messages

/// The fingerprint of a log up to a block's edge.
///
/// SHA-256(previous chain ‖ first ‖ count ‖ body), the two numbers as eight bytes, big-endian. The
/// chain before the first block is SHA-256(log id ‖ stream's name ‖ partition as eight bytes). One
/// mechanism finds forks, corruption and tampering. Neither recorded time nor trace enters it, so a
/// log rebuilt from the same inputs has the same chain.
package struct Chain: Hashable, Sendable {
    package let bytes: [UInt8]

    package static let byteCount = 32

    package init?(_ bytes: some Sequence<UInt8>) {
        let bytes = Array(bytes)
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = bytes
    }

    private init(_ digest: SHA256Digest) { bytes = Array(digest) }

    /// The chain of a log that holds nothing.
    package init(log: LogID, stream: StreamName, partition: Int) {
        var hash = SHA256()
        hash.update(data: log.bytes)
        hash.update(data: Array(stream.rawValue.utf8))
        hash.update(number: UInt64(partition))
        self.init(hash.finalize())
    }

    /// The chain after one more block.
    package func extended(first: UInt64, count: Int, body: [UInt8]) -> Chain {
        var hash = SHA256()
        hash.update(data: bytes)
        hash.update(number: first)
        hash.update(number: UInt64(count))
        hash.update(data: body)
        return Chain(hash.finalize())
    }
}

extension Chain: CustomStringConvertible {
    /// 64 hexadecimal digits.
    package var description: String { bytes.hexadecimal }
}

extension SHA256 {
    fileprivate mutating func update(number: UInt64) {
        withUnsafeBytes(of: number.bigEndian) { update(bufferPointer: $0) }
    }
}

extension Sequence<UInt8> {
    /// Two lower-case digits a byte.
    package var hexadecimal: String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in self {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}
