import Wire

/// A `PointsEvent` as those read it who only add up.
///
/// It holds what they use; the rest is checked and passed over.
package struct PointsInput: LeanInput {
    typealias Schema = PointsEvent

    package private(set) var critical = false
    package var resident: Int64 = 0
    package var payload: Payload?

    package enum Payload {
        case scored(Award)
        case refused
        case residentErased
        case dayEnded(Int32)
    }

    /// What is used of a `Scored`.
    package struct Award {
        package var behaviour = TextSlice.empty
        /// Days since 1970-01-01.
        package var day: Int32 = 0
        package var milligrams: Int64 = 0
        package var points: Int64 = 0
        package var evidence: Int32 = 0
    }

    init(_ bytes: EventBytes) {}

    package var isUnderstood: Bool { payload != nil }

    mutating func merge(_ reader: WireReader) throws(MalformedEvent) {
        var reader = reader
        while let tag = try reader.next() {
            switch tag {
            case .varint(2): critical = try reader.bool()
            case .varint(3): resident = try reader.int64()
            case .lengthDelimited(10):
                // A message that comes again is merged, unless another payload came between.
                var award = Award()
                if case .scored(let earlier) = payload { award = earlier }
                try award.merge(reader.message())
                payload = .scored(award)
            case .lengthDelimited(11):
                try Self.check(refused: reader.message())
                payload = .refused
            case .lengthDelimited(13):
                var erased = try reader.message()
                try erased.skipAll()
                payload = .residentErased
            case .lengthDelimited(14):
                var day: Int32 = 0
                if case .dayEnded(let earlier) = payload { day = earlier }
                var ended = try reader.message()
                try ended.readDay(into: &day)
                payload = .dayEnded(day)
            default: try reader.skip(tag)
            }
        }
    }

    private static func check(refused reader: WireReader) throws(MalformedEvent) {
        var reader = reader
        while let tag = try reader.next() {
            switch tag {
            case .lengthDelimited(1), .lengthDelimited(3): _ = try reader.text()
            default: try reader.skip(tag)
            }
        }
    }
}

extension PointsInput.Award {
    fileprivate mutating func merge(_ reader: WireReader) throws(MalformedEvent) {
        var reader = reader
        while let tag = try reader.next() {
            switch tag {
            case .lengthDelimited(1): behaviour = try reader.text()
            case .lengthDelimited(2), .lengthDelimited(3): _ = try reader.text()
            case .varint(4): day = try reader.sint32()
            case .varint(5): milligrams = try reader.sint64()
            case .varint(6): points = try reader.sint64()
            case .varint(9): evidence = try reader.int32()
            default: try reader.skip(tag)
            }
        }
    }
}

extension WireReader {
    /// Reads a `DayEnded`, leaving `day` as it is if none is written.
    mutating func readDay(into day: inout Int32) throws(MalformedEvent) {
        while let tag = try next() {
            switch tag {
            case .varint(1): day = try sint32()
            default: try skip(tag)
            }
        }
    }
}
