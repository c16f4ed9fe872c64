package import Crypto
package import Model

/// The first 128 bits of a keyed SHA-256: names a thing without telling what it is.
package struct Digest128: Hashable, Sendable {
    package var high: UInt64
    package var low: UInt64

    package static let byteCount = 16

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Reads sixteen bytes, big-endian.
    package init(_ bytes: UnsafeRawBufferPointer) {
        precondition(bytes.count >= Self.byteCount, "a digest has sixteen bytes")
        high = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self))
        low = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    }

    package func append(to bytes: inout [UInt8]) {
        withUnsafeBytes(of: (high.bigEndian, low.bigEndian)) { bytes.append(contentsOf: $0) }
    }

    /// The bits are as good as random already.
    package func hash(into hasher: inout Hasher) { hasher.combine(low) }
}

/// Makes the digests by which events are told apart, for ever.
///
/// Each is SHA-256(event key, 32 bytes ‖ tag, 1 byte ‖ what follows), cut to 128 bits. The key
/// keeps whoever reads a log from trying out order numbers; the cut keeps anyone from extending a
/// digest.
/// Numbers are big-endian; a text is its length in four bytes and then its bytes.
///
///     1  identity   text source, text id
///     2  content    time, startedAt, endedAt, quantity: 8 bytes each, 0 if absent;
///                   evidence: 1 byte; presence of startedAt, endedAt, reference, vehicle, serial:
///                   1 byte, bits 0 to 4; texts type, subject, behaviour, unit, reference, vehicle,
///                   serial, empty if absent
///     3  subject    text partner, text subject
///     4  decision   text what, 8 bytes number
///
/// Digests of kinds 1 and 2 are stored, so this layout can never change.
package struct EventHasher {
    package enum Tag: UInt8 {
        case identity = 1
        case content = 2
        case subject = 3
        case decision = 4
    }

    private static let keyByteCount = 32
    private var buffer: [UInt8]

    /// - Parameter key: The deployment's event key, 256 bits.
    package init(key: SymmetricKey) {
        precondition(key.bitCount == Self.keyByteCount * 8, "the event key has 256 bits")
        buffer = key.withUnsafeBytes { Array($0) }
        buffer.reserveCapacity(1_024)
    }

    package mutating func begin(_ tag: Tag) {
        buffer.removeSubrange(Self.keyByteCount...)
        buffer.append(tag.rawValue)
    }

    package mutating func add(_ number: Int64) {
        withUnsafeBytes(of: number.bigEndian) { buffer.append(contentsOf: $0) }
    }

    package mutating func add(_ byte: UInt8) { buffer.append(byte) }

    package mutating func add(_ text: UnsafeBufferPointer<UInt8>) {
        withUnsafeBytes(of: UInt32(text.count).bigEndian) { buffer.append(contentsOf: $0) }
        buffer.append(contentsOf: text)
    }

    package mutating func add(_ text: String) {
        var text = text
        text.withUTF8 { add($0) }
    }

    package func finish() -> Digest128 {
        var hash = SHA256()
        buffer.withUnsafeBytes { hash.update(bufferPointer: $0) }
        return hash.finalize().withUnsafeBytes { Digest128($0) }
    }

    /// Names the subject that a partner uses for a resident.
    package mutating func subject(_ subject: String, of partner: String) -> Digest128 {
        begin(.subject)
        add(partner)
        add(subject)
        return finish()
    }

    /// Names an event that ingestion's own clock caused.
    package mutating func dayEnded(_ day: LocalDay) -> Digest128 {
        begin(.decision)
        add("day-ended")
        add(Int64(day.rawValue))
        return finish()
    }
}
