import SwiftProtobuf
package import Wire

/// A `BehaviourEvent` as scoring reads it.
///
/// It holds what decides; the rest is checked and passed over. What is passed on whole is decoded
/// whole, by `message()`.
package struct BehaviourInput: LeanInput {
    typealias Schema = BehaviourEvent

    private let bytes: EventBytes
    package private(set) var critical = false
    package var resident: Int64 = 0
    package var eventTimeMs: Int64 = 0
    package var payload: Payload?

    package enum Payload {
        case accepted(Accepted)
        case residentErased
        case dayEnded
    }

    /// What is used of an `Accepted`.
    package struct Accepted {
        package var behaviour = TextSlice.empty
        package var unit = TextSlice.empty
        package var quantityMillionths: Int64 = 0
        package var evidence: Int32 = 0
    }

    init(_ bytes: EventBytes) { self.bytes = bytes }

    package var isUnderstood: Bool { payload != nil }

    /// The event with all that it says, unknown fields included.
    package func message() throws -> BehaviourEvent { try BehaviourEvent(serializedBytes: bytes) }

    mutating func merge(_ reader: WireReader) throws(MalformedEvent) {
        var reader = reader
        while let tag = try reader.next() {
            switch tag {
            case .varint(2): critical = try reader.bool()
            case .varint(3): resident = try reader.int64()
            case .varint(4): eventTimeMs = try reader.sint64()
            case .lengthDelimited(10):
                // A message that comes again is merged, unless another payload came between.
                var accepted = Accepted()
                if case .accepted(let earlier) = payload { accepted = earlier }
                try accepted.merge(reader.message())
                payload = .accepted(accepted)
            case .lengthDelimited(13):
                var erased = try reader.message()
                try erased.skipAll()
                payload = .residentErased
            case .lengthDelimited(14):
                var ended = try reader.message()
                try ended.skipAll()
                payload = .dayEnded
            default: try reader.skip(tag)
            }
        }
    }
}

extension BehaviourInput.Accepted {
    fileprivate mutating func merge(_ reader: WireReader) throws(MalformedEvent) {
        var reader = reader
        while let tag = try reader.next() {
            switch tag {
            case .lengthDelimited(1): behaviour = try reader.text()
            case .lengthDelimited(2): unit = try reader.text()
            case .varint(3): quantityMillionths = try reader.int64()
            case .varint(5): evidence = try reader.int32()
            default: try reader.skip(tag)
            }
        }
    }
}
