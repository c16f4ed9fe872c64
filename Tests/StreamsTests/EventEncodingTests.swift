import Messages
import Streams
import SwiftProtobuf
import Testing
import Wire

/// What is written by hand is what SwiftProtobuf writes, to the byte: logs are compared by it.
struct EventEncodingTests {
    private enum Limits {
        static let events = 20_000
    }

    @Test func `random events are written as SwiftProtobuf writes them`() throws {
        let seed = UInt64.random(in: .min ... .max)
        var chance = SplitMix64(seed: seed)
        for number in 0..<Limits.events {
            let what: Comment = "event \(number) of seed \(seed)"
            let behaviour = try chance.behaviourEvent()
            try #require(try written(behaviour) == behaviour.serializedBytes(), what)
            let points = try chance.pointsEvent()
            try #require(try written(points) == points.serializedBytes(), what)
        }
    }

    @Test func `events of the other streams are written as SwiftProtobuf writes them`() throws {
        var redemption = RedemptionEvent()
        redemption.schema = 1
        #expect(try written(redemption) == redemption.serializedBytes())
        var profile = ProfileEvent()
        profile.schema = 1
        #expect(try written(profile) == profile.serializedBytes())
    }

    @Test func `an event that says nothing has no bytes`() throws {
        #expect(try written(BehaviourEvent()) == [])
        #expect(try written(PointsEvent()) == [])
    }

    @Test(arguments: [0, 1, 126, 127, 128, 129, 16_382, 16_383, 16_384, 16_385, 70_000])
    func `a message of any length has the shortest length before it`(count: Int) throws {
        var event = BehaviourEvent()
        event.accepted.behaviour = String(repeating: "x", count: count)
        #expect(try written(event) == event.serializedBytes())
        var expected: [UInt8] = []
        for event in [event, event] {
            BlockBody.append(try event.serializedBytes(), to: &expected)
        }
        var body = WireBuffer(capacity: 1)
        for event in [event, event] { try BlockBody.append(event, to: &body) }
        #expect(body.withBytes { Array($0) } == expected)
    }

    @Test func `what is left after the first bytes begins the buffer`() throws {
        var wire = WireBuffer(capacity: 1)
        wire.write("abc", field: 1)
        wire.write("de", field: 2)
        wire.removeFirst(5)
        #expect(wire.withBytes { Array($0) } == [0x12, 2] + bytes("de"))
        wire.removeFirst(4)
        #expect(wire.count == 0)
    }

    private func written(_ event: some StreamEvent) throws -> [UInt8] {
        var wire = WireBuffer(capacity: 1)
        try event.write(to: &wire)
        return wire.withBytes { Array($0) }
    }
}

extension SplitMix64 {
    fileprivate mutating func behaviourEvent() throws -> BehaviourEvent {
        var event = BehaviourEvent()
        event.schema = UInt32(truncatingIfNeeded: number())
        event.critical = next() & 1 == 0
        event.resident = number()
        event.eventTimeMs = number()
        event.idHigh = UInt64(bitPattern: number())
        event.idLow = UInt64(bitPattern: number())
        switch next() % 4 {
        case 0:
            var accepted = Accepted()
            accepted.behaviour = text()
            accepted.unit = text()
            accepted.quantityMillionths = number()
            accepted.endedMs = number()
            accepted.evidence = Int32(truncatingIfNeeded: number())
            event.accepted = try withUnknownFields(accepted)
        case 1: event.residentErased = try withUnknownFields(ResidentErased())
        case 2: event.dayEnded = try withUnknownFields(dayEnded())
        default: break
        }
        return try withUnknownFields(event)
    }

    fileprivate mutating func pointsEvent() throws -> PointsEvent {
        var event = PointsEvent()
        event.schema = UInt32(truncatingIfNeeded: number())
        event.critical = next() & 1 == 0
        event.resident = number()
        event.eventTimeMs = number()
        event.cause = UInt64(bitPattern: number())
        switch next() % 5 {
        case 0:
            var scored = Scored()
            scored.behaviour = text()
            scored.method = text()
            scored.version = text()
            scored.day = Int32(truncatingIfNeeded: number())
            scored.milligrams = number()
            scored.points = number()
            scored.milligramsBeforeCap = number()
            scored.reason =
                AwardReason(rawValue: Int(Int32(truncatingIfNeeded: number()))) ?? .unspecified
            scored.evidence = Int32(truncatingIfNeeded: number())
            event.scored = try withUnknownFields(scored)
        case 1:
            var refused = Refused()
            refused.behaviour = text()
            refused.day = Int32(truncatingIfNeeded: number())
            refused.reason = text()
            event.refused = try withUnknownFields(refused)
        case 2: event.residentErased = try withUnknownFields(ResidentErased())
        case 3: event.dayEnded = try withUnknownFields(dayEnded())
        default: break
        }
        return try withUnknownFields(event)
    }

    private mutating func dayEnded() -> DayEnded {
        var ended = DayEnded()
        ended.day = Int32(truncatingIfNeeded: number())
        return ended
    }

    /// Of any length in bits, and of either sign: each length on the wire comes up.
    private mutating func number() -> Int64 {
        let bits = next() % 65
        if bits == 0 { return 0 }
        let value = Int64(bitPattern: next() >> (64 - bits))
        return next() & 1 == 0 ? value : 0 &- value
    }

    private mutating func text() -> String {
        let alphabet = Array("a-z9é步🚲\u{0}")
        let count = next() % 8 == 0 ? Int(next() % 200) : Int(next() % 20)
        return String((0..<count).map { _ in alphabet[Int(next() % UInt64(alphabet.count))] })
    }

    /// Now and then the message holds a field that this program does not know.
    private mutating func withUnknownFields<Message: SwiftProtobuf.Message>(
        _ message: Message
    ) throws -> Message {
        guard next() % 8 == 0 else { return message }
        // Field 200, a varint.
        let unknown: [UInt8] = [0xC0, 0x0C, UInt8(next() % 128)]
        return try Message(serializedBytes: message.serializedBytes() + unknown)
    }
}
