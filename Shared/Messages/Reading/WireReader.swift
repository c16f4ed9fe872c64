/// Reads protobuf's wire format where it lies: no message, no String, nothing allocated.
///
/// After https://protobuf.dev/programming-guides/encoding. It accepts exactly the bytes that
/// SwiftProtobuf accepts, odd ones included (long tags, bits beyond the 64th, groups), so that a
/// log means the same to whoever reads it. Whatever the bytes, it reads none beyond their end.
struct WireReader {
    private let bytes: UnsafeRawBufferPointer
    private var position = 0
    /// How many groups may lie in each other from here on.
    private let groupsMax: Int

    private enum Limits {
        /// SwiftProtobuf's `messageDepthLimit` is 100, of which the event itself is one.
        static let depthMax = 99
        static let tagBytesMax = 5
    }

    init(_ bytes: EventBytes) { self.init(bytes.bytes, groupsMax: Limits.depthMax) }

    private init(_ bytes: UnsafeRawBufferPointer, groupsMax: Int) {
        self.bytes = bytes
        self.groupsMax = groupsMax
    }

    /// The next field's tag; nil at the end.
    @inline(__always)
    mutating func next() throws(MalformedEvent) -> WireTag? {
        guard position < bytes.count else { return nil }
        let start = position
        let value = try varint()
        guard position - start <= Limits.tagBytesMax, let tag = WireTag(value),
            tag.type != .groupEnd
        else { throw MalformedEvent() }
        return tag
    }

    // MARK: Values

    @inline(__always)
    mutating func varint() throws(MalformedEvent) -> UInt64 {
        let first = try byte()
        return first < 0x80 ? UInt64(first) : try varint(after: first)
    }

    private mutating func varint(after first: UInt8) throws(MalformedEvent) -> UInt64 {
        var value = UInt64(first & 0x7F)
        for shift in stride(from: UInt64(7), to: 64, by: 7) {
            let byte = try byte()
            value |= UInt64(byte & 0x7F) &<< shift
            if byte < 0x80 { return value }
        }
        throw MalformedEvent()
    }

    @inline(__always)
    private mutating func byte() throws(MalformedEvent) -> UInt8 {
        guard position < bytes.count else { throw MalformedEvent() }
        defer { position += 1 }
        return bytes[position]
    }

    mutating func int64() throws(MalformedEvent) -> Int64 { Int64(bitPattern: try varint()) }

    mutating func int32() throws(MalformedEvent) -> Int32 {
        Int32(truncatingIfNeeded: try varint())
    }

    mutating func bool() throws(MalformedEvent) -> Bool { try varint() != 0 }

    mutating func sint64() throws(MalformedEvent) -> Int64 {
        let value = try varint()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    mutating func sint32() throws(MalformedEvent) -> Int32 {
        let value = UInt32(truncatingIfNeeded: try varint())
        return Int32(bitPattern: value >> 1) ^ -Int32(bitPattern: value & 1)
    }

    /// A `string`: its bytes, known to be UTF-8.
    mutating func text() throws(MalformedEvent) -> TextSlice {
        guard let text = TextSlice(validating: try lengthDelimited()) else {
            throw MalformedEvent()
        }
        return text
    }

    /// A reader of the message that lies here.
    mutating func message() throws(MalformedEvent) -> WireReader {
        WireReader(try lengthDelimited(), groupsMax: groupsMax - 1)
    }

    private mutating func lengthDelimited() throws(MalformedEvent) -> UnsafeRawBufferPointer {
        let length = try varint()
        let start = position
        try advance(by: length)
        return UnsafeRawBufferPointer(rebasing: bytes[start..<position])
    }

    private mutating func advance(by count: UInt64) throws(MalformedEvent) {
        guard count <= UInt64(bytes.count - position) else { throw MalformedEvent() }
        position += Int(count)
    }

    // MARK: What is not known

    /// Passes over the value of `tag`.
    mutating func skip(_ tag: WireTag) throws(MalformedEvent) {
        try skip(tag, groupsLeft: groupsMax)
    }

    /// Passes over the rest of a message that has no fields this program knows.
    mutating func skipAll() throws(MalformedEvent) {
        while let tag = try next() { try skip(tag) }
    }

    private mutating func skip(_ tag: WireTag, groupsLeft: Int) throws(MalformedEvent) {
        switch tag.type {
        case .varint: _ = try varint()
        case .fixed64: try advance(by: 8)
        case .lengthDelimited: _ = try lengthDelimited()
        case .fixed32: try advance(by: 4)
        case .groupEnd: throw MalformedEvent()
        case .groupStart:
            guard groupsLeft > 0 else { throw MalformedEvent() }
            while true {
                guard let inner = WireTag(try varint()) else { throw MalformedEvent() }
                if inner.type == .groupEnd {
                    guard inner.field == tag.field else { throw MalformedEvent() }
                    return
                }
                try skip(inner, groupsLeft: groupsLeft - 1)
            }
        }
    }
}

/// A field's number and how its value is written, as one integer.
///
/// A known field that is written in another way matches no tag, and so is passed over like an
/// unknown one.
struct WireTag: Equatable {
    private let rawValue: UInt32

    enum WireType: UInt32 {
        case varint = 0
        case fixed64 = 1
        case lengthDelimited = 2
        case groupStart = 3
        case groupEnd = 4
        case fixed32 = 5
    }

    @inline(__always)
    init?(_ value: UInt64) {
        guard value <= UInt64(UInt32.max), value >= 8, value & 7 <= 5 else { return nil }
        rawValue = UInt32(value)
    }

    private init(_ field: UInt32, _ type: WireType) { rawValue = field << 3 | type.rawValue }

    static func varint(_ field: UInt32) -> Self { Self(field, .varint) }
    static func lengthDelimited(_ field: UInt32) -> Self { Self(field, .lengthDelimited) }

    var field: UInt32 { rawValue >> 3 }

    var type: WireType {
        switch rawValue & 7 {
        case 0: .varint
        case 1: .fixed64
        case 2: .lengthDelimited
        case 3: .groupStart
        case 4: .groupEnd
        default: .fixed32
        }
    }
}

/// Bytes that are no message of the schema.
package struct MalformedEvent: Error {}
