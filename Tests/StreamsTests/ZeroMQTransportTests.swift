import Foundation
import Messages
import Model
import Streams
import StreamsTestKit
import SwiftProtobuf
import TestKit
import Testing
import Wire
import ZeroMQ

/// What only sockets can do wrong.
@Suite(.serialized)
struct ZeroMQTransportTests {
    private static let contract = ContractCase(provider: .zeroMQ, partitions: 1)

    @Test func `a head alone repairs a tail that was lost`() async throws {
        try await onThread {
            let deployment = try Deployment(Self.contract)
            var publisher = try HandmadePublisher(deployment)
            let reader = try deployment.startReader("reader")
            try publisher.append(1)
            try publisher.serve { try reader.isLive(at: 1) }
            // The block never goes out: its loss shows only in the head.
            try publisher.append(2)
            try publisher.serve { try reader.isLive(at: 2) }
            #expect(try reader.records { try $0.numbers(in: 0) } == [1, 2])
            try reader.stop()
        }
    }

    @Test func `a gap is filled by a page, without applying anything twice`() async throws {
        try await onThread {
            let deployment = try Deployment(Self.contract)
            var publisher = try HandmadePublisher(deployment)
            let reader = try deployment.startReader("reader")
            try publisher.append(1)
            try publisher.serve { try reader.isLive(at: 1) }
            try publisher.append(2)
            try publisher.append(3)
            try publisher.sendBlock(3)
            try publisher.sendBlock(2)
            try publisher.sendBlock(1)
            try publisher.serve(heads: false) { try reader.isLive(at: 3) }
            #expect(try reader.records { try $0.numbers(in: 0) } == [1, 2, 3])
            try reader.stop()
        }
    }

    @Test func `a page that is never answered is asked for again`() async throws {
        try await onThread {
            let deployment = try Deployment(Self.contract)
            var publisher = try HandmadePublisher(deployment)
            let reader = try deployment.startReader("reader")
            try publisher.append(1)
            publisher.questionsToIgnore = 2
            try publisher.serve { try reader.isLive(at: 1) }
            #expect(publisher.questionsToIgnore == 0)
            try reader.stop()
        }
    }

    @Test func `what is no message of ours is dropped`() async throws {
        try await onThread {
            let deployment = try Deployment(Self.contract)
            var publisher = try HandmadePublisher(deployment)
            let reader = try deployment.startReader("reader")
            try publisher.append(1)
            try publisher.serve { try reader.isLive(at: 1) }
            try publisher.sendNonsense()
            let own = deployment.endpoints(of: "reader")
            for endpoint in [own.replay, own.request] {
                let socket = try Socket(.dealer, in: deployment.context, options: .requestClient)
                try socket.connect(to: endpoint)
                for message in [[[]], [[1], [2]], [[], [], []], [[0xFF]]] as [[[UInt8]]] {
                    #expect(try socket.send(message) == .sent)
                }
            }
            try publisher.append(2)
            try publisher.sendBlock(2)
            try publisher.serve { try reader.isLive(at: 2) }
            #expect(try reader.call(ShowTotal()).total == 2)
            try reader.stop()
        }
    }

    @Test func `one log published by two processes stops its readers`() async throws {
        try await onThread {
            let deployment = try Deployment(Self.contract)
            var publisher = try HandmadePublisher(deployment)
            let reader = try deployment.startReader("reader")
            try publisher.append(1)
            try publisher.serve { try reader.isLive(at: 1) }
            publisher.alternatesBoots = true
            try publisher.serve { try reader.status().inputs[0].state.hasPrefix("stopped") }
            #expect(try reader.status().inputs[0].state.contains("two processes"))
            try reader.stop()
        }
    }

    @Test func `an endpoint that cannot be had is an error at the start`() async throws {
        try await onThread {
            let deployment = try Deployment(Self.contract)
            try FileManager.default.createDirectory(
                atPath: deployment.folder.file("reader.r"), withIntermediateDirectories: false)
            #expect(throws: ZeroMQError.self) { try deployment.startReader("reader") }
        }
    }

    @Test func `a client whose service is not there says so`() async throws {
        try await onThread {
            let deployment = try Deployment(Self.contract)
            let endpoint = deployment.folder.endpoint("nobody")
            let client = RequestClient(
                context: deployment.context, endpoint: endpoint, caller: "test")
            #expect(throws: RequestFailure.noAnswer(endpoint: endpoint)) {
                try client.call(ShowTotal(), timeoutMilliseconds: 20)
            }
        }
    }

    @Test func `a client asks again when its service was restarted`() async throws {
        try await onThread {
            let deployment = try Deployment(Self.contract)
            var source = try deployment.startSource()
            let client = RequestClient(
                context: deployment.context,
                endpoint: deployment.endpoints(of: Deployment.source).request, caller: "test")
            #expect(try client.call(ShowTotal()).total == 0)
            try source.stop()
            source = try deployment.startSource()
            #expect(try client.call(ShowTotal()).total == 0)
            try source.stop()
        }
    }
}

extension Counter {
    fileprivate func isLive(at sequence: UInt64) throws -> Bool {
        let input = try status().inputs[0]
        return input.cursor == sequence && input.state == "live"
    }
}

/// The sockets of a publisher, moved by hand: it says only what a test has it say.
private struct HandmadePublisher: ~Copyable {
    private let live: Socket
    private let replay: Socket
    private var stream = RecordedStream(.behaviour)
    private var blocks: [Block] = []
    private let identity: LogIdentity
    private var boot: UInt64 = 1
    /// Fetches that will not be answered.
    var questionsToIgnore = 0
    /// Whether every head is from another of two processes.
    var alternatesBoots = false

    init(_ deployment: Deployment) throws {
        let endpoints = deployment.endpoints(of: Deployment.source)
        identity = LogIdentity(log: stream.log, stream: .behaviour, partitions: 1)
        let live = try Socket(.pub, in: deployment.context, options: .liveFeed)
        let replay = try Socket(.router, in: deployment.context, options: .replayService)
        try live.bind(to: endpoints.publish)
        try replay.bind(to: endpoints.replay)
        self.live = live
        self.replay = replay
    }

    /// Adds a block of one event to the log, and tells nobody.
    mutating func append(_ number: Int64) throws {
        blocks.append(try stream.block(of: [counted(number)]).block)
    }

    /// Sends the block that holds the `number`th event.
    func sendBlock(_ number: Int) throws {
        let block = blocks[number - 1]
        let header: [UInt8] = try SLP.header(
            of: block, stream: .behaviour, log: identity.log, boot: boot
        ).serializedBytes()
        _ = try live.send([
            bytes(SLP.blockTopic(.behaviour, partition: 0)), header, block.body,
        ])
    }

    func sendNonsense() throws {
        for frames in [[], [[]], [[1, 2, 3], []], [[], [], []]] as [[[UInt8]]] {
            _ = try live.send([bytes(SLP.blockTopic(.behaviour, partition: 0))] + frames)
            _ = try live.send([bytes(SLP.headTopic(.behaviour))] + frames)
        }
    }

    /// Answers fetches, and says where the log ends, until `condition` holds.
    mutating func serve(heads: Bool = true, until condition: () throws -> Bool) throws {
        let end = MonotonicClock.milliseconds() + 40_000
        var set = PollSet()
        while try !condition() {
            guard MonotonicClock.milliseconds() < end else {
                throw WaitedInVain(purpose: "the reader follows", state: "")
            }
            if heads { try sendHead() }
            set.removeAll()
            _ = set.add(replay)
            _ = set.add(live)
            _ = try set.wait(milliseconds: 20)
            while let message = try replay.receive() { try answer(message.frames) }
        }
    }

    private mutating func sendHead() throws {
        if alternatesBoots { boot = 3 - boot }
        let header: [UInt8] = try SLP.head(of: [head], identity: identity, boot: boot)
            .serializedBytes()
        _ = try live.send([bytes(SLP.headTopic(.behaviour)), header, []])
    }

    private var head: EventLog.Head {
        EventLog.Head(
            partition: 0, sequence: blocks.last?.last ?? 0,
            chain: blocks.last?.chain
                ?? Chain(log: identity.log, stream: .behaviour, partition: 0),
            totals: ControlTotals())
    }

    private mutating func answer(_ frames: [[UInt8]]) throws {
        guard questionsToIgnore == 0 else {
            questionsToIgnore -= 1
            return
        }
        let question = try #require(SLP.question(header: frames[1]))
        let page = LogPage(
            verdict: .ok, head: head,
            blocks: blocks.filter { $0.first > question.cursor.sequence })
        _ = try replay.send(
            [frames[0]]
                + SLP.frames(of: page, to: question, identity: identity, boot: boot))
    }
}
