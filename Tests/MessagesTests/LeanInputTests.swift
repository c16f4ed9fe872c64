import Messages
import SwiftProtobuf
import Testing
import Wire

/// Lean inputs read what SwiftProtobuf reads: the same bytes are events, and they say the same.
@Suite struct LeanInputTests {
    private static let trials = 60_000

    /// Reads random messages of `schema` both ways, as they were made and with bytes spoiled.
    private func compare(
        _ schema: WireSchema, _ read: ([UInt8]) -> (known: Facts?, lean: Facts?)
    ) {
        let seed = UInt64.random(in: 1...UInt64.max)
        var maker = WireMaker(seed: seed)
        var accepted = 0
        for trial in 0..<Self.trials {
            var bytes = maker.message(schema)
            if !trial.isMultiple(of: 3) { maker.spoil(&bytes) }
            let (known, lean) = read(bytes)
            #expect(known == lean, "seed \(seed), trial \(trial): \(bytes)")
            if known != nil { accepted += 1 }
            guard known == lean else { return }
        }
        #expect(
            (Self.trials / 10...Self.trials * 9 / 10).contains(accepted),
            "seed \(seed): \(accepted) of \(Self.trials) were events: both kinds are to be tried")
    }

    @Test func `points are read as SwiftProtobuf reads them, whatever the bytes`() {
        compare(.points) { bytes in
            (
                (try? PointsEvent(serializedBytes: bytes)).map { Facts($0) },
                bytes.withUnsafeBytes {
                    (try? PointsInput(reading: EventBytes($0))).map { Facts($0) }
                }
            )
        }
    }

    @Test func `behaviours are read as SwiftProtobuf reads them, whatever the bytes`() {
        compare(.behaviour) { bytes in
            (
                (try? BehaviourEvent(serializedBytes: bytes)).map { Facts($0) },
                bytes.withUnsafeBytes {
                    (try? BehaviourInput(reading: EventBytes($0))).map { Facts($0) }
                }
            )
        }
    }

    @Test func `groups nest as deep as SwiftProtobuf lets them, and no deeper`() throws {
        for depth in 95...102 {
            for inside in [false, true] {
                var bytes = [UInt8](repeating: 0x7B, count: depth) + [0x08, 0x01]
                bytes += [UInt8](repeating: 0x7C, count: depth)
                if inside {
                    bytes =
                        [0x52, 0x80 | UInt8(bytes.count & 0x7F), UInt8(bytes.count >> 7)] + bytes
                }
                let known = try? PointsEvent(serializedBytes: bytes)
                let lean = bytes.withUnsafeBytes { try? PointsInput(reading: EventBytes($0)) }
                #expect((known == nil) == (lean == nil), "depth \(depth), inside \(inside)")
            }
        }
    }

    @Test func `a message is what the schema makes of the same bytes`() throws {
        var event = BehaviourEvent()
        event.schema = 1
        event.critical = true
        event.dayEnded.day = -3
        let bytes: [UInt8] = try event.serializedBytes()
        try bytes.withUnsafeBytes {
            let input = try BehaviourInput(reading: EventBytes($0))
            #expect(try input.message() == event)
        }
    }

    @Test func `what is malformed is explained as SwiftProtobuf explains it`() {
        let bytes: [UInt8] = [0x52, 0x05]
        #expect(throws: BinaryDecodingError.truncated) {
            try bytes.withUnsafeBytes { _ = try PointsInput(reading: EventBytes($0)) }
        }
    }
}

/// What both readings of an event have to agree on.
private struct Facts: Equatable {
    var critical: Bool
    var resident: Int64
    var time: Int64 = 0
    var payload = ""
    var texts: [String] = []
    var numbers: [Int64] = []

    init(_ event: PointsEvent) {
        (critical, resident) = (event.critical, event.resident)
        switch event.payload {
        case .scored(let scored):
            payload = "scored"
            texts = [scored.behaviour]
            numbers = [
                Int64(scored.day), scored.milligrams, scored.points, Int64(scored.evidence),
            ]
        case .refused: payload = "refused"
        case .residentErased: payload = "residentErased"
        case .dayEnded(let ended):
            payload = "dayEnded"
            numbers = [Int64(ended.day)]
        case nil: break
        }
    }

    init(_ input: PointsInput) {
        (critical, resident) = (input.critical, input.resident)
        switch input.payload {
        case .scored(let award):
            payload = "scored"
            texts = [award.behaviour.string]
            numbers = [Int64(award.day), award.milligrams, award.points, Int64(award.evidence)]
        case .refused: payload = "refused"
        case .residentErased: payload = "residentErased"
        case .dayEnded(let day):
            payload = "dayEnded"
            numbers = [Int64(day)]
        case nil: break
        }
    }

    init(_ event: BehaviourEvent) {
        (critical, resident, time) = (event.critical, event.resident, event.eventTimeMs)
        switch event.payload {
        case .accepted(let accepted):
            payload = "accepted"
            texts = [accepted.behaviour, accepted.unit]
            numbers = [accepted.quantityMillionths, Int64(accepted.evidence)]
        case .residentErased: payload = "residentErased"
        case .dayEnded: payload = "dayEnded"
        case nil: break
        }
    }

    init(_ input: BehaviourInput) {
        (critical, resident, time) = (input.critical, input.resident, input.eventTimeMs)
        switch input.payload {
        case .accepted(let accepted):
            payload = "accepted"
            texts = [accepted.behaviour.string, accepted.unit.string]
            numbers = [accepted.quantityMillionths, Int64(accepted.evidence)]
        case .residentErased: payload = "residentErased"
        case .dayEnded: payload = "dayEnded"
        case nil: break
        }
    }
}
