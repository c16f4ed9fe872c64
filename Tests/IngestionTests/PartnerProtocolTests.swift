import Foundation
import Ingestion
import Model
import Testing

/// GSP/1 at the level of frames.
@Suite struct PartnerProtocolTests {
    private var gsp: PartnerProtocol

    init() throws {
        gsp = PartnerProtocol(
            directory: PartnerDirectory([
                .init(
                    id: "qingju", publicKey: keyText("1"),
                    sources: ["urn:partner:qingju", "a\"b\\"],
                    behaviours: ["cycling"])
            ]),
            decoder: BatchDecoder(catalogue: try testCatalogue(), secrets: testSecrets()))
    }

    private func moment(_ uptime: Int64 = 0) -> PartnerProtocol.Moment {
        PartnerProtocol.Moment(uptime: uptime, instant: noon)
    }

    /// Sends a message and expects to be answered at once.
    private mutating func reply(
        _ frames: [String], at uptime: Int64 = 0, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> Answer {
        let step = gsp.receive(
            [[0, 1, 2, 3, 4]] + frames.map { Array($0.utf8) }, from: "qingju", at: moment(uptime))
        guard case .reply(let reply) = step else { throw NotThere(text: "a reply: \(step)") }
        return try Answer(reply, sourceLocation)
    }

    /// Publishes a body and expects it to be taken in.
    private mutating func submit(
        _ body: String, id: String = "r1", at uptime: Int64 = 0
    ) throws -> (PartnerBatch, UInt64) {
        let step = gsp.receive(
            [[9], Array("GSP1".utf8), Array("PUBLISH".utf8), Array(id.utf8), Array(body.utf8)],
            from: "qingju", at: moment(uptime))
        guard case .submit(let batch, let ticket) = step else {
            throw NotThere(text: "a batch: \(step)")
        }
        return (batch, ticket)
    }

    private struct Answer {
        var routingID: [UInt8]
        var verb: String
        var requestID: String
        var body: [String: Any]

        init(_ frames: [[UInt8]], _ sourceLocation: SourceLocation = #_sourceLocation) throws {
            try #require(frames.count == 5, sourceLocation: sourceLocation)
            #expect(frames[1] == Array("GSP1".utf8), sourceLocation: sourceLocation)
            routingID = frames[0]
            verb = String(decoding: frames[2], as: UTF8.self)
            requestID = String(decoding: frames[3], as: UTF8.self)
            let value = try JSONSerialization.jsonObject(with: Data(frames[4]))
            body = try #require(value as? [String: Any], sourceLocation: sourceLocation)
        }

        var code: String? { body["code"] as? String }
        var credit: [String: Int]? { body["credit"] as? [String: Int] }
    }

    @Test mutating func `who says hello is told everything`() throws {
        let answer = try reply(["GSP1", "HELLO", "r1", "not read"])
        #expect(answer.verb == "WELCOME")
        #expect(answer.requestID == "r1")
        #expect(answer.routingID == [0, 1, 2, 3, 4])
        #expect(answer.body["partner"] as? String == "qingju")
        #expect(answer.body["sources"] as? [String] == ["urn:partner:qingju", "a\"b\\"])
        #expect(answer.body["behaviours"] as? [String] == ["cycling"])
        #expect(answer.credit == ["events": 4_000, "bytes": 8 << 20])
        #expect(
            answer.body["limits"] as? [String: Int] == [
                "batchEventsMax": 1_000, "messageBytesMax": 1_048_576, "eventBytesMax": 16_384,
                "pastDaysMax": 30, "futureSecondsMax": 300,
            ])
        #expect(answer.body.count == 5)
    }

    @Test mutating func `a ping is answered with the credit`() throws {
        let answer = try reply(["GSP1", "PING", "r2", ""])
        #expect(answer.verb == "PONG")
        #expect(answer.requestID == "r2")
        #expect(answer.body.keys.sorted() == ["credit"])
    }

    @Test(arguments: [
        [], ["GSP1"], ["GSP1", "PING", "r"], ["GSP1", "PING", "r", "{}", ""],
        ["", "GSP1", "PING", "r", "{}"], ["GSP2", "PING", "r", "{}"], ["", "PING", "r", "{}"],
        ["GSP1", "PING", "", "{}"], ["GSP1", "PING", String(repeating: "r", count: 65), "{}"],
    ])
    mutating func `a message of another form is a bad frame, with an empty request id`(
        frames: [String]
    ) throws {
        let answer = try reply(frames)
        #expect(answer.verb == "ERROR")
        #expect(answer.requestID.isEmpty)
        #expect(answer.code == "bad_frame")
        #expect(answer.body["retryable"] as? Bool == false)
        #expect(answer.body["retryAfterMs"] is NSNull)
        #expect(answer.body["message"] is String)
    }

    @Test mutating func `the longest request id comes back whole`() throws {
        let id = String(repeating: "r", count: 64)
        #expect(try reply(["GSP1", "PING", id, ""]).requestID == id)
    }

    @Test(arguments: [
        ("hello", "", "unknown_verb"), ("", "", "unknown_verb"), ("RECEIPTS", "[]", "unknown_verb"),
        ("PUBLISH", "", "bad_json"), ("PUBLISH", "7", "bad_json"), ("PUBLISH", "[{}", "bad_json"),
        ("PUBLISH", "\u{FEFF}[]", "bad_json"),
        ("PUBLISH", "[" + String(repeating: "{},", count: 1_000) + "{}]", "too_large"),
        ("PUBLISH", "[" + String(repeating: " ", count: 1_048_575) + "]", "too_large"),
    ])
    mutating func `a message that fails as a whole has its code`(
        verb: String, body: String, code: String
    ) throws {
        let answer = try reply(["GSP1", verb, "r1", body])
        #expect(answer.verb == "ERROR")
        #expect(answer.requestID == "r1")
        #expect(answer.code == code)
        #expect(answer.body["retryable"] as? Bool == false)
        #expect(gsp.pendingCount == 0)
    }

    @Test mutating func `the largest body is taken`() throws {
        let (batch, _) = try submit("[" + String(repeating: " ", count: 1_048_574) + "]")
        #expect(batch.items.isEmpty)
    }

    @Test mutating func `every event has its receipt, in order`() throws {
        let (batch, ticket) = try submit(
            array([
                ride, try ride.with("\"e1\"", "\"a\\\"b\\\\c\\u00e9\""), "{\"source\":\"s\"}", "7",
                try ride.named("e4"),
            ]), id: "request")
        #expect(batch.partner == "qingju")
        #expect(batch.arrived == noon)
        #expect(gsp.pendingCount == 1)
        let refused = batch.items.compactMap { item -> Rejection? in
            guard case .refused(let refused) = item else { return nil }
            return refused.rejection
        }
        #expect(refused.count == 2)
        let answer = try Answer(
            gsp.finish(
                ticket,
                with: .receipts([
                    .accepted(partition: 0, sequence: 17),
                    .duplicate(partition: 12, sequence: .max),
                    .rejected(refused[0]), .rejected(refused[1]),
                    .rejected(Rejection(.noConsent, field: "subject", "say \"please\"")),
                ]), at: moment()))
        #expect(answer.routingID == [9])
        #expect(answer.verb == "RECEIPTS")
        #expect(answer.requestID == "request")
        #expect(answer.credit == ["events": 4_000, "bytes": 8 << 20])
        #expect(gsp.pendingCount == 0)
        let receipts = try #require(answer.body["receipts"] as? [[String: Any]])
        #expect(receipts.count == 5)
        #expect(
            receipts[0] as? [String: String] == [
                "id": "e1", "source": "urn:partner:qingju", "status": "accepted",
                "position": "0/17",
            ])
        #expect(receipts[1]["id"] as? String == "a\"b\\cé")
        #expect(receipts[1]["status"] as? String == "duplicate")
        #expect(receipts[1]["position"] as? String == "12/18446744073709551615")
        #expect(receipts[2]["id"] is NSNull)
        #expect(receipts[2]["source"] as? String == "s")
        #expect(receipts[2]["status"] as? String == "rejected")
        #expect(receipts[2]["code"] as? String == "invalid_event")
        #expect(receipts[2]["field"] as? String == "specversion")
        #expect(receipts[3].keys.sorted() == ["code", "id", "message", "status"])
        #expect(
            receipts[4] as? [String: String] == [
                "id": "e4", "source": "urn:partner:qingju", "status": "rejected",
                "code": "no_consent", "field": "subject", "message": "say \"please\"",
            ])
    }

    @Test mutating func `an empty array has no receipts`() throws {
        let (_, ticket) = try submit("[]")
        let answer = try Answer(gsp.finish(ticket, with: .receipts([]), at: moment()))
        #expect((answer.body["receipts"] as? [Any])?.isEmpty == true)
    }

    @Test mutating func `what the writer has no room for can be sent again`() throws {
        for _ in 0..<50 {
            let (_, ticket) = try submit(ride)
            let answer = try Answer(gsp.refuse(ticket))
            #expect(answer.code == "busy")
            #expect(answer.body["retryable"] as? Bool == true)
            #expect((answer.body["retryAfterMs"] as? Int ?? 0) > 0)
        }
        _ = try submit(ride)
    }

    @Test mutating func `a stopped clock makes the service unavailable`() throws {
        let (_, ticket) = try submit(ride)
        let answer = try Answer(gsp.finish(ticket, with: .unavailable, at: moment()))
        #expect(answer.code == "unavailable")
        #expect(answer.body["retryable"] as? Bool == true)
    }

    @Test mutating func `beyond its credit a partner is busy, and at last suspended`() throws {
        let thousand = array(try (1...1_000).map { try ride.named("e\($0)") })
        _ = try reply(["GSP1", "HELLO", "r", ""])
        var tickets: [UInt64] = []
        for _ in 1...4 { tickets.append(try submit(thousand).1) }
        for number in 1...9 {
            let answer = try reply(["GSP1", "PUBLISH", "r\(number)", ride], at: Int64(number))
            #expect(answer.code == "busy")
            #expect(answer.requestID == "r\(number)")
        }
        let last = try reply(["GSP1", "PUBLISH", "r10", ride], at: 10)
        #expect(last.code == "busy")
        #expect(last.body["retryAfterMs"] as? Int == 60_000)
        let later = try reply(["GSP1", "PUBLISH", "r11", "nonsense"], at: 30_010)
        #expect(later.code == "busy", "it is not even read")
        #expect(later.body["retryAfterMs"] as? Int == 30_000)
        #expect(try reply(["GSP1", "PING", "p", ""], at: 30_010).credit?["events"] == 0)
        for ticket in tickets {
            let receipts = (1...1_000).map { Receipt.accepted(partition: 0, sequence: $0) }
            _ = gsp.finish(ticket, with: .receipts(receipts), at: moment(30_010))
        }
        #expect(try reply(["GSP1", "PING", "p", ""], at: 60_010).credit?["events"] == 4_000)
        _ = try submit(ride, at: 60_010)
    }

    @Test mutating func `who stops takes nothing more in and answers what waits`() throws {
        let (_, ticket) = try submit(ride)
        gsp.close()
        gsp.throttle(to: 1_000)
        #expect(try reply(["GSP1", "PUBLISH", "r", ride]).code == "unavailable")
        #expect(try reply(["GSP1", "PING", "r", ""]).credit == ["events": 0, "bytes": 0])
        let answer = try Answer(
            gsp.finish(
                ticket, with: .receipts([.accepted(partition: 0, sequence: 1)]), at: moment()))
        #expect(answer.verb == "RECEIPTS")
        #expect(gsp.pendingCount == 0)
    }

    @Test mutating func `who is not known is not answered`() {
        let frames = [[1], Array("GSP1".utf8), Array("HELLO".utf8), [1], []]
        for partner in [nil, "stranger"] {
            guard case .ignore = gsp.receive(frames, from: partner, at: moment()) else {
                Issue.record("answered")
                continue
            }
        }
    }
}
