import Foundation
import SwiftProtobuf

/// Bytes that grow, written as protobuf's wire format, field after field.
///
/// An event is written straight into the body of its block: SwiftProtobuf measures a message, makes
/// an array for it and fills that, three passes and an allocation where one pass does. What is
/// written is what SwiftProtobuf writes, to the byte: fields in ascending order, integers as short
/// as they come, and nothing for zero, false and the empty text.
///
/// Field numbers are 1 to 15 (a tag of one byte), which is all that hot events have.
package struct WireBuffer: ~Copyable {
    private var start: UnsafeMutableRawPointer
    package private(set) var count = 0
    private var capacity: Int

    private enum Limits {
        static let varintBytesMax = 10
        /// A tag and the longest number behind it.
        static let numberBytesMax = 1 + varintBytesMax
    }

    /// - Parameter capacity: Bytes to hold without growing, at least one.
    package init(capacity: Int) {
        precondition(capacity > 0, "a buffer has room for something")
        start = .allocate(byteCount: capacity, alignment: 16)
        self.capacity = capacity
    }

    deinit { start.deallocate() }

    /// Lends the bytes written so far.
    package func withBytes<Answer>(
        _ body: (UnsafeRawBufferPointer) throws -> Answer
    ) rethrows -> Answer {
        try body(UnsafeRawBufferPointer(start: start, count: count))
    }

    /// Drops the first `count` bytes and keeps the room they had.
    package mutating func removeFirst(_ count: Int) {
        precondition(count <= self.count, "no more than there are")
        memmove(start, start + count, self.count - count)
        self.count -= count
    }

    // MARK: Fields

    /// `uint64` and `uint32`.
    package mutating func write(_ value: UInt64, field: UInt8) {
        if value == 0 { return }
        reserve(Limits.numberBytesMax)
        put(field << 3)
        put(varint: value)
    }

    /// `int64`, `int32` and enums: a negative number takes ten bytes.
    package mutating func write(_ value: Int64, field: UInt8) {
        write(UInt64(bitPattern: value), field: field)
    }

    /// `sint64` and `sint32`: what is near zero is short, whatever its sign.
    package mutating func write(zigzag value: Int64, field: UInt8) {
        write(UInt64(bitPattern: value << 1 ^ value >> 63), field: field)
    }

    package mutating func write(_ value: Bool, field: UInt8) {
        write(value ? 1 as UInt64 : 0, field: field)
    }

    /// `fixed64`.
    package mutating func write(fixed value: UInt64, field: UInt8) {
        if value == 0 { return }
        reserve(Limits.numberBytesMax)
        put(field << 3 | 1)
        (start + count).storeBytes(of: value.littleEndian, as: UInt64.self)
        count += 8
    }

    package mutating func write(_ text: String, field: UInt8) {
        if text.isEmpty { return }
        var text = text
        text.withUTF8 {
            reserve(Limits.numberBytesMax + $0.count)
            put(field << 3 | 2)
            put(varint: UInt64($0.count))
            put(UnsafeRawBufferPointer($0))
        }
    }

    /// A message, or anything else of a length that is known once it has been written.
    package mutating func write<Failure: Error>(
        field: UInt8, _ body: (inout WireBuffer) throws(Failure) -> Void
    ) throws(Failure) {
        reserve(2)
        put(field << 3 | 2)
        // Nearly all lengths have one byte; what is longer is moved to make room for more.
        let place = count
        count += 1
        try body(&self)
        let length = count - place - 1
        if length < 0x80 {
            (start + place).storeBytes(of: UInt8(length), as: UInt8.self)
            return
        }
        reserve(Limits.varintBytesMax)
        let width = (Int.bitWidth - length.leadingZeroBitCount + 6) / 7
        memmove(start + place + width, start + place + 1, length)
        count = place
        put(varint: UInt64(length))
        count += length
    }

    /// Bytes that are fields already.
    package mutating func write(fields bytes: UnsafeRawBufferPointer) {
        reserve(bytes.count)
        put(bytes)
    }

    // MARK: Bytes

    private mutating func reserve(_ more: Int) {
        if capacity - count < more { grow(by: more) }
    }

    @inline(never)
    private mutating func grow(by more: Int) {
        let wider = max(capacity * 2, count + more)
        let moved = UnsafeMutableRawPointer.allocate(byteCount: wider, alignment: 16)
        moved.copyMemory(from: start, byteCount: count)
        start.deallocate()
        start = moved
        capacity = wider
    }

    private mutating func put(_ byte: UInt8) {
        (start + count).storeBytes(of: byte, as: UInt8.self)
        count += 1
    }

    private mutating func put(varint value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            put(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        put(UInt8(rest))
    }

    private mutating func put(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress else { return }
        (start + count).copyMemory(from: source, byteCount: bytes.count)
        count += bytes.count
    }
}

extension WireBuffer {
    /// What a message held that this program does not know: it comes last.
    mutating func write(_ unknown: UnknownStorage) {
        if unknown.data.isEmpty { return }
        unknown.data.withUnsafeBytes { write(fields: $0) }
    }
}
