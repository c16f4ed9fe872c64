import Foundation
import Ingestion
import Messages
import Model
import Storage
import Streams
import Synchronization
import TestKit
import Testing
import ZeroMQ

/// The edge over real sockets: keys, handshakes, receipts.
@Suite(.serialized, .timeLimit(.minutes(1))) struct PartnerEdgeTests {
    private static let context = Result { try Context() }

    /// Ingestion behind an edge, its writer a queue of its own.
    private final class Service: Sendable {
        let folder: TemporaryFolder
        let keys: CurveKeys
        let partnerKeys: CurveKeys
        let edge: PartnerEdge

        init() throws {
            folder = try TemporaryFolder()
            let data = DataFolder(folder.path)
            for path in data.folders {
                try FileManager.default.createDirectory(
                    atPath: path, withIntermediateDirectories: true)
            }
            keys = try PartnerEdge.Settings.establishKeys(in: data)
            partnerKeys = try CurveKeys.generate()
            let ingestion = try TestIngestion.furnished()
            try ingestion.carryOut(
                AddPartner(
                    id: "real", sources: ["urn:partner:real"], behaviours: ["cycling"],
                    publicKey: partnerKeys.publicKey.z85))
            try ingestion.bind("s1", of: "real", to: "resident-1")
            let directory = ingestion.domain.directory
            // Confined to its queue from here on.
            nonisolated(unsafe) let confined = ingestion
            let queue = DispatchQueue(label: "writer")
            edge = try PartnerEdge(
                settings: .init(
                    endpoint: "tcp://127.0.0.1:0", keys: keys, storeFolder: folder.path),
                context: try PartnerEdgeTests.context.get(), directory: directory,
                catalogue: try testCatalogue(), secrets: testSecrets()
            ) { errand, completion in
                queue.async {
                    do {
                        let commit = try confined.commit([.errand(errand, 1)])
                        for (_, result) in commit.results { completion(result) }
                    } catch {
                        completion(.unavailable)
                    }
                }
                return true
            }
        }
    }

    /// Runs `body` on a thread of its own with a socket connected to `endpoint`.
    private func asPartner<Answer: Sendable>(
        _ keys: CurveKeys, of serverKey: PublicKey, at endpoint: String,
        _ body: @escaping @Sendable (borrowing Socket) throws -> Answer
    ) async throws -> Answer {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(
                    with: Result {
                        let socket = try Socket(
                            .dealer, in: try Self.context.get(),
                            options: .partnerClient(serverKey: serverKey, keys: keys))
                        try socket.connect(to: endpoint)
                        return try body(socket)
                    })
            }
        }
    }

    private static func exchange(
        _ verb: String, _ body: String, on socket: borrowing Socket
    ) throws -> [String] {
        _ = try socket.send([
            Array("GSP1".utf8), Array(verb.utf8), Array("r-\(verb)".utf8), Array(body.utf8),
        ])
        var poll = PollSet()
        _ = poll.add(socket)
        guard try poll.wait(milliseconds: 20_000) == .ready, let message = try socket.receive()
        else { throw NotThere(text: "an answer to \(verb)") }
        return message.frames.map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func `a partner says hello, publishes, and holds receipts`() async throws {
        let service = try Service()
        let endpoint = try await service.edge.start()
        #expect(endpoint.hasPrefix("tcp://127.0.0.1:"))
        let event = try ride.with("urn:partner:qingju", "urn:partner:real")
        let answers = try await asPartner(
            service.partnerKeys, of: service.keys.publicKey, at: endpoint
        ) { socket in
            try [
                Self.exchange("HELLO", "{}", on: socket),
                Self.exchange("PUBLISH", array([event, event]), on: socket),
                Self.exchange("PUBLISH", "nonsense", on: socket),
                Self.exchange("PING", "{}", on: socket),
            ]
        }
        #expect(answers.map { $0[1] } == ["WELCOME", "RECEIPTS", "ERROR", "PONG"])
        #expect(answers.map { $0[2] } == ["r-HELLO", "r-PUBLISH", "r-PUBLISH", "r-PING"])
        #expect(answers[0][3].contains("\"partner\":\"real\""))
        #expect(answers[1][3].contains("\"status\":\"accepted\",\"position\":\"0/1\""))
        #expect(answers[1][3].contains("\"status\":\"duplicate\",\"position\":\"0/1\""))
        #expect(answers[2][3].contains("bad_json"))
        try await service.edge.stop()
        let counters = service.edge.counters
        #expect((counters.messages, counters.batches, counters.events) == (4, 1, 2))
        #expect((counters.errors, counters.repliesDropped) == (1, 0))
    }

    @Test func `an unknown key is not let in`() async throws {
        let service = try Service()
        let endpoint = try await service.edge.start()
        let stranger = try CurveKeys.generate()
        // The stranger's socket dies without a word, so it waits only until the refusal is counted.
        let edge = service.edge
        let isSilent = try await asPartner(
            stranger, of: service.keys.publicKey, at: endpoint
        ) { socket in
            _ = try socket.send([
                Array("GSP1".utf8), Array("HELLO".utf8), Array("r".utf8), Array("{}".utf8),
            ])
            while edge.counters.handshakesRefused == 0 {
                var poll = PollSet()
                _ = poll.add(socket)
                if try poll.wait(milliseconds: 10) == .ready { return false }
            }
            return try socket.receive() == nil
        }
        #expect(isSilent)
        #expect(service.edge.counters.messages == 0)
        try await service.edge.stop()
    }

    @Test func `a place that is taken is an error, and stopping twice is none`() async throws {
        let service = try Service()
        let endpoint = try await service.edge.start()
        try await service.edge.stop()
        try await service.edge.stop()
        let again = try Service()
        let second = try PartnerEdge(
            settings: .init(
                endpoint: "tcp://256.0.0.1:7401", keys: again.keys, storeFolder: again.folder.path),
            context: try Self.context.get(), directory: PartnerDirectory(),
            catalogue: try testCatalogue(), secrets: testSecrets()
        ) { _, _ in false }
        await #expect(throws: ZeroMQError.self) { try await second.start() }
        #expect(endpoint != "tcp://256.0.0.1:7401")
    }

    @Test func `the edge's keys are made once`() throws {
        let folder = try TemporaryFolder()
        let data = DataFolder(folder.path)
        try FileManager.default.createDirectory(
            atPath: "\(folder.path)/keys", withIntermediateDirectories: true)
        let keys = try PartnerEdge.Settings.establishKeys(in: data)
        #expect(try PartnerEdge.Settings.establishKeys(in: data) == keys)
        #expect(try PublicKey.load(from: data.key("edge.public")) == keys.publicKey)
    }
}
