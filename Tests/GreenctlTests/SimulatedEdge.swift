import Foundation
import Streams

/// An edge that keeps GSP/1's promises over a network that keeps none, on a clock of its own.
///
/// Messages are lost, doubled and delayed; the edge is busy and changes its credit; a request that
/// overdraws is answered `busy`. What it accepted it accepted for ever.
struct SimulatedEdge {
    /// How often things go wrong, in a thousand.
    struct Faults {
        var requestLost = 0
        var answerLost = 0
        var answerDoubled = 0
        /// Answers come after seconds, not milliseconds.
        var answerLate = 0
        var busy = 0
        /// The window is drawn anew with each answer.
        var creditMoves = false
    }

    private struct Delivery {
        var at: Int64
        var connection: Int
        var frames: [[UInt8]]
        var eventsReleased: Int
        var isFirst = true
    }

    let faults: Faults
    let window: Int
    private var generator: SplitMix64
    private var deliveries: [Delivery] = []
    private var connection = 0
    private var unreceipted = 0
    /// Ids in the order in which they were accepted.
    private(set) var accepted: [String] = []
    private var known: Set<String> = []
    private(set) var requests = 0
    private(set) var pings = 0
    private(set) var overdrafts = 0
    private(set) var unreceiptedMost = 0

    init(seed: UInt64, window: Int, faults: Faults = Faults()) {
        generator = SplitMix64(seed: seed)
        self.window = window
        self.faults = faults
    }

    /// A client has closed its socket, if it had one, and connected a new one.
    mutating func reconnected() { connection += 1 }

    mutating func received(_ frames: [[UInt8]], at now: Int64) {
        let texts = frames.map { String(decoding: $0, as: UTF8.self) }
        precondition(texts.count == 4 && texts[0] == "GSP1", "no GSP/1")
        if happens(faults.requestLost) { return }
        let credit = "{\"events\":\(drawWindow()),\"bytes\":10000000}"
        switch texts[1] {
        case "HELLO":
            answer(
                "WELCOME", texts[2],
                "{\"partner\":\"p\",\"credit\":\(credit),\"limits\":{\"batchEventsMax\":1000,"
                    + "\"messageBytesMax\":1048576,\"eventBytesMax\":16384}}",
                at: now)
        case "PING":
            pings += 1
            answer("PONG", texts[2], "{\"credit\":\(credit)}", at: now)
        case "PUBLISH":
            requests += 1
            publish(texts[2], texts[3], credit: credit, at: now)
        default:
            preconditionFailure("no such verb")
        }
    }

    private mutating func publish(
        _ id: String, _ body: String, credit: String, at now: Int64
    ) {
        guard !body.contains("poison"),
            let events = try? JSONDecoder().decode([Event].self, from: Data(body.utf8))
        else {
            return answer("ERROR", id, Self.refusal("bad_json", retryAfter: nil), at: now)
        }
        if happens(faults.busy) {
            return answer("ERROR", id, Self.refusal("busy", retryAfter: 200), at: now)
        }
        guard unreceipted + events.count <= window else {
            overdrafts += 1
            return answer("ERROR", id, Self.refusal("busy", retryAfter: 100), at: now)
        }
        unreceipted += events.count
        unreceiptedMost = max(unreceiptedMost, unreceipted)
        let receipts = events.map { event in
            let isNew = known.insert(event.id).inserted
            if isNew { accepted.append(event.id) }
            let status = isNew ? "accepted" : "duplicate"
            return "{\"id\":\"\(event.id)\",\"source\":\"s\",\"status\":\"\(status)\","
                + "\"position\":\"0/\(accepted.count)\"}"
        }
        answer(
            "RECEIPTS", id,
            "{\"receipts\":[\(receipts.joined(separator: ","))],\"credit\":\(credit)}", at: now,
            releasing: events.count)
    }

    private struct Event: Decodable {
        var id: String
    }

    private static func refusal(_ code: String, retryAfter: Int?) -> String {
        "{\"code\":\"\(code)\",\"message\":\"no\",\"retryable\":\(retryAfter != nil),"
            + "\"retryAfterMs\":\(retryAfter.map(String.init) ?? "null")}"
    }

    private mutating func answer(
        _ verb: String, _ id: String, _ body: String, at now: Int64, releasing events: Int = 0
    ) {
        let late = happens(faults.answerLate)
        let at = now + (late ? draw(3_000...20_000) : draw(1...40))
        let frames = ["GSP1", verb, id, body].map { Array($0.utf8) }
        let isLost = happens(faults.answerLost)
        deliveries.append(
            Delivery(
                at: at, connection: isLost ? -1 : connection, frames: frames,
                eventsReleased: events))
        if happens(faults.answerDoubled) {
            deliveries.append(
                Delivery(
                    at: at + draw(0...5_000), connection: connection, frames: frames,
                    eventsReleased: 0))
        }
        deliveries.sort { $0.at < $1.at }
    }

    /// When the next answer arrives.
    var nextDelivery: Int64? { deliveries.first?.at }

    /// The answers that have arrived by `now` on the connection that is open.
    ///
    /// Receipts are made whether anybody gets them or not: credit is free again from then on.
    mutating func delivered(at now: Int64) -> [[[UInt8]]] {
        let due = deliveries.prefix { $0.at <= now }
        deliveries.removeFirst(due.count)
        for delivery in due { unreceipted -= delivery.eventsReleased }
        return due.filter { $0.connection == connection }.map(\.frames)
    }

    private mutating func drawWindow() -> Int {
        faults.creditMoves ? Int(draw(0...Int64(window))) : window
    }

    private mutating func happens(_ thousandths: Int) -> Bool {
        draw(0...999) < thousandths
    }

    private mutating func draw(_ range: ClosedRange<Int64>) -> Int64 {
        .random(in: range, using: &generator)
    }
}
