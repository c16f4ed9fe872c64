import Foundation
import TestKit
import Testing
import ZeroMQ

/// Partners that send nonsense: the documented answer, nothing lost, and nobody else disturbed.
@Suite(.serialized) struct BadInputTests {
    @Test func `nonsense gets its documented answer while others get all their receipts`()
        async throws
    {
        try await onThread {
            let deployment = try Deployment()
            try deployment.start()
            let city = City.recorded("ordinary-day")
            try deployment.order("city", "load", city.path)
            let noise = try Self.addPartner("noise-one", to: deployment)
            let quiet = try deployment.begin(
                "publish", city.path, "--json", "--rate", "1000",
                output: deployment.path + "/quiet.json")
            defer { if quiet.isRunning { quiet.terminate() } }

            let partner = try RawPartner(of: deployment, keys: noise)
            try Self.expectFrameErrors(partner)
            try Self.expectBodyErrors(partner)
            try Self.expectEventErrors(partner)
            try Self.expectTheCut(partner)
            try Self.expectSilenceForStrangers(of: deployment)

            try wait(for: "the other partners' receipts", seconds: 120) { !quiet.isRunning }
            #expect(quiet.terminationStatus == 0)
            try deployment.settle()
            try city.expectOracle(of: deployment)
            try deployment.order("audit", "--full")
        }
    }

    private static func addPartner(_ id: String, to deployment: Deployment) throws -> CurveKeys {
        let keys = try CurveKeys.generate()
        try deployment.order(
            "partner", "add", id, "--source", "urn:partner:\(id)", "--behaviours", "cycling",
            "--public-key", keys.publicKey.z85)
        return keys
    }

    private static func expectFrameErrors(_ partner: RawPartner) throws {
        let hello = try partner.ask("HELLO", "{}", requestID: "first")
        #expect(hello.verb == "WELCOME")
        #expect(hello.requestID == "first")
        let frames: [[[UInt8]]] = [
            [Array("GSP1".utf8)],
            [Array("GSP1".utf8), Array("PING".utf8), Array("r".utf8)],
            ["GSP1", "PING", "r", "{}", "more"].map { Array($0.utf8) },
            ["GSP9", "PING", "r", "{}"].map { Array($0.utf8) },
            ["GSP1", "PING", "", "{}"].map { Array($0.utf8) },
            ["GSP1", "PING", String(repeating: "r", count: 65), "{}"].map { Array($0.utf8) },
            [[], Array("GSP1".utf8), Array("PING".utf8), Array("r".utf8)],
        ]
        for frames in frames {
            try partner.send(frames)
            let reply = try partner.receive().orThrow("no answer to malformed frames")
            #expect(reply.verb == "ERROR")
            #expect(reply.code == "bad_frame")
            #expect(reply.requestID.isEmpty)
        }
        #expect(try partner.ask("PONG", "{}").code == "unknown_verb")
        #expect(try partner.ask("PING", "not even JSON").verb == "PONG")
    }

    private static func expectBodyErrors(_ partner: RawPartner) throws {
        for body in ["", "{", "[", "17", "\"text\"", "[{]", "\u{FEFF}[]", "[] []"] {
            #expect(try partner.ask("PUBLISH", body).code == "bad_json", "\(body)")
        }
        try partner.send([
            Array("GSP1".utf8), Array("PUBLISH".utf8), Array("r".utf8), [0x5B, 0xFF, 0x5D],
        ])
        #expect(try partner.receive()?.code == "bad_json")
        let many = "[" + Array(repeating: "{}", count: 1_001).joined(separator: ",") + "]"
        #expect(try partner.ask("PUBLISH", many).code == "too_large")
        let large = "[" + String(repeating: " ", count: 1_048_577) + "]"
        #expect(try partner.ask("PUBLISH", large).code == "too_large")
        let empty = try partner.publish("[]")
        #expect(empty.verb == "RECEIPTS")
        #expect(empty.receipts.isEmpty)
    }

    private static func event(id: String, source: String) -> String {
        """
        {"specversion":"1.0","id":"\(id)","source":"\(source)",\
        "type":"cn.greenseason.behaviour.v1","time":"2026-08-10T00:10:00+08:00",\
        "subject":"nobody","data":{"behaviour":"cycling","quantity":"1","unit":"km",\
        "startedAt":"2026-08-10T00:00:00+08:00","endedAt":"2026-08-10T00:10:00+08:00",\
        "evidence":{"kind":"operator_order"}}}
        """
    }

    private static func expectEventErrors(_ partner: RawPartner) throws {
        let own = event(id: "noise-1", source: "urn:partner:noise-one")
        let foreign = event(id: "noise-2", source: "urn:partner:bike-one")
        let reply = try partner.publish("[\(own),{\"id\":7},\(foreign),\(own)]")
        #expect(reply.statuses == ["rejected", "rejected", "rejected", "rejected"])
        #expect(
            reply.codes == ["no_consent", "invalid_event", "source_not_allowed", "no_consent"])
    }

    /// Above the frame limit libzmq cuts the connection; a new one is served as before.
    private static func expectTheCut(_ partner: RawPartner) throws {
        try partner.send([
            Array("GSP1".utf8), Array("PUBLISH".utf8), Array("r".utf8),
            Array(repeating: UInt8(ascii: " "), count: 10 << 20),
        ])
        #expect(try partner.receive(seconds: 1) == nil)
        try partner.connect()
        #expect(try partner.ask("PING", "{}").verb == "PONG")
    }

    private static func expectSilenceForStrangers(of deployment: Deployment) throws {
        let stranger = try RawPartner(of: deployment, keys: CurveKeys.generate())
        try stranger.send("HELLO", "{}")
        #expect(try stranger.receive(seconds: 1) == nil)
    }
}
