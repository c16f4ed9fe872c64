import Foundation
import Messages
import Model
import Streams
import StreamsTestKit
import SwiftProtobuf
import Testing
import Wire

/// Everything that goes over the wire comes back as it was; everything else is refused, not
/// believed and never a reason to end.
struct SLPTests {
    private let identity: LogIdentity
    private let chain: Chain

    init() throws {
        identity = LogIdentity(
            log: try #require(LogID(0..<16)), stream: .redemption, partitions: 3)
        chain = Chain(log: identity.log, stream: identity.stream, partition: 0)
    }

    private func block(
        partition: Int = 2, first: UInt64 = 41, count: Int = 3, body: [UInt8] = [1, 2, 3]
    ) -> Block {
        Block(
            partition: partition, first: first, count: count,
            chain: chain.extended(first: first, count: count, body: body),
            recorded: Instant(milliseconds: -5),
            totals: ControlTotals(events: 43, milligrams: -7, points: 9), body: body)
    }

    private func header(_ block: Block) -> SLPBlockHeader {
        SLP.header(of: block, stream: .redemption, log: identity.log, boot: .max)
    }

    private func bytes(of message: some SwiftProtobuf.Message) throws -> [UInt8] {
        try message.serializedBytes()
    }

    @Test func `topics are one stream's alone`() {
        #expect(SLP.blockTopic(.points, partition: 0) == "Bpoints/00")
        #expect(SLP.blockTopic(.points, partition: 12) == "Bpoints/12")
        #expect(SLP.headTopic(.behaviour) == "Hbehaviour/")
        let topics = StreamName.allCases.map { SLP.headTopic($0) }
        for topic in topics {
            #expect(topics.filter { $0.hasPrefix(topic) } == [topic])
            #expect(topic.utf8.count <= 64)
        }
    }

    // MARK: Round trips

    @Test func `a block comes back with its source`() throws {
        let block = block()
        let received = try #require(
            SLP.block(header: bytes(of: header(block)), body: block.body))
        #expect(received.stream == .redemption)
        #expect(received.source == Subscriber.Source(log: identity.log, boot: .max))
        #expect(received.block == block)
    }

    @Test func `heads come back`() throws {
        let heads = (0..<3).map {
            EventLog.Head(
                partition: $0, sequence: UInt64($0) * 1_000, chain: chain, totals: ControlTotals())
        }
        let message = SLP.head(of: heads, identity: identity, boot: 5)
        let received = try #require(SLP.heads(header: bytes(of: message)))
        #expect(received.stream == .redemption)
        #expect(received.source == Subscriber.Source(log: identity.log, boot: 5))
        #expect(received.heads.map(\.partition) == [0, 1, 2])
        #expect(received.heads.map(\.sequence) == [0, 1_000, 2_000])
    }

    @Test func `a question comes back, from the start and from an edge`() throws {
        for cursor in [.start, Cursor(log: identity.log, sequence: 7, chain: chain)] {
            let fetch = SLP.fetch(
                partition: 2, from: cursor, applied: 5, request: 99, stream: .redemption,
                subscriber: "rewards", schema: 4)
            #expect(
                SLP.question(header: try bytes(of: fetch))
                    == SLP.Question(
                        subscriber: "rewards", stream: .redemption, partition: 2, cursor: cursor,
                        bytesMax: Subscriber.Limits.pageBytesMax, request: 99, applied: 5))
        }
    }

    private func page(
        _ verdict: LogPage.Verdict, _ blocks: [Block]
    ) throws -> (frames: [[UInt8]], question: SLP.Question) {
        let question = SLP.Question(
            subscriber: "s", stream: .redemption, partition: 2, cursor: .start, bytesMax: 10,
            request: 77, applied: 0)
        let head = EventLog.Head(
            partition: 2, sequence: 50, chain: chain, totals: ControlTotals())
        let frames = try SLP.frames(
            of: LogPage(verdict: verdict, head: head, blocks: blocks), to: question,
            identity: identity, boot: 6)
        return (frames, question)
    }

    @Test func `a page comes back with its blocks cut where they were`() throws {
        let blocks = [
            block(body: [1, 2, 3]), block(first: 44, body: []),
            block(first: 47, body: Array(repeating: 5, count: 100_000)),
        ]
        let (frames, _) = try page(.ok, blocks)
        #expect(frames.count == 2)
        let received = try #require(SLP.page(header: frames[0], body: frames[1]))
        #expect(received.stream == .redemption)
        #expect(received.source == Subscriber.Source(log: identity.log, boot: 6))
        #expect(received.reply.partition == 2)
        #expect(received.reply.request == 77)
        #expect(received.reply.head == 50)
        #expect(received.reply.status == .ok)
        #expect(received.reply.blocks == blocks)
    }

    @Test func `a verdict comes back`() throws {
        let ahead = try page(.ahead, []).frames
        #expect(SLP.page(header: ahead[0], body: ahead[1])?.reply.status == .ahead)
        let forked = try page(.forked, []).frames
        #expect(SLP.page(header: forked[0], body: forked[1])?.reply.status == .forked)
    }

    // MARK: Refused

    @Test func `a block header that says anything impossible is refused`() throws {
        let block = block()
        let changes: [(inout SLPBlockHeader) -> Void] = [
            { $0.version = 2 }, { $0.stream = "rumours" }, { $0.stream = "" },
            { $0.logID = Data([1]) }, { $0.chain = Data(count: 31) }, { $0.first = 0 },
            { $0.count = 0 }, { $0.first = .max }, { $0.partition = 1 << 16 },
            { $0.bodyBytes += 1 }, { $0.bodyBytes = 0 },
        ]
        for change in changes {
            var header = header(block)
            change(&header)
            #expect(SLP.block(header: try bytes(of: header), body: block.body) == nil)
        }
        #expect(SLP.block(header: [0xFF], body: []) == nil)
        #expect(SLP.block(header: [], body: []) == nil)
    }

    @Test func `a question that says anything impossible is refused`() throws {
        let changes: [(inout SLPFetch) -> Void] = [
            { $0.version = 0 }, { $0.stream = "x" }, { $0.partition = .max },
            { $0.subscriber = String(repeating: "s", count: 65) },
            { $0.logID = Data() }, { $0.chain = Data() }, { $0.chain = Data(count: 33) },
        ]
        for change in changes {
            var fetch = SLP.fetch(
                partition: 0, from: Cursor(log: identity.log, sequence: 7, chain: chain),
                applied: 7, request: 1, stream: .points, subscriber: "s", schema: 1)
            change(&fetch)
            #expect(SLP.question(header: try bytes(of: fetch)) == nil)
        }
    }

    @Test func `nobody may ask for more than a page`() throws {
        var fetch = SLP.fetch(
            partition: 0, from: .start, applied: 0, request: 1, stream: .points, subscriber: "s",
            schema: 1)
        fetch.bytesMax = .max
        #expect(
            SLP.question(header: try bytes(of: fetch))?.bytesMax == SLP.Limits.pageBytesMax)
    }

    @Test func `a page whose body is not its blocks' bodies is refused`() throws {
        let (frames, _) = try page(.ok, [block(), block(first: 44)])
        #expect(SLP.page(header: frames[0], body: frames[1].dropLast()) == nil)
        #expect(SLP.page(header: frames[0], body: frames[1] + [0]) == nil)
        #expect(SLP.page(header: frames[0], body: []) == nil)
    }

    @Test func `a page without a known status is refused`() throws {
        let (frames, _) = try page(.ok, [])
        var message = try SLPPage(serializedBytes: frames[0])
        message.status = .unspecified
        #expect(SLP.page(header: try bytes(of: message), body: []) == nil)
        message.status = .UNRECOGNIZED(9)
        #expect(SLP.page(header: try bytes(of: message), body: []) == nil)
    }

    @Test func `fields that a later version adds are passed over`() throws {
        // Field 100, a varint.
        let added: [UInt8] = [0xA0, 0x06, 0x01]
        let block = block()
        #expect(
            SLP.block(header: try bytes(of: header(block)) + added, body: block.body)?.block
                == block)
    }

    // MARK: Fuzz

    @Test(arguments: 0..<16)
    func `mutated messages are read or refused, and never trap`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let block = block()
        let heads = SLP.head(
            of: [EventLog.Head(partition: 0, sequence: 1, chain: chain, totals: ControlTotals())],
            identity: identity, boot: 1)
        let fetch = SLP.fetch(
            partition: 1, from: Cursor(log: identity.log, sequence: 7, chain: chain), applied: 7,
            request: 1, stream: .points, subscriber: "s", schema: 1)
        let page = try page(.ok, [block, self.block(first: 44)]).frames
        let request = try Exchange.frames(
            method: "m", body: [1], caller: "c", key: Array(repeating: 1, count: 16),
            requestID: [1])
        let reply = try Exchange.frames(of: .refused("code", "message"), requestID: [1, 2])
        let originals = [
            [try bytes(of: header(block)), block.body], [try bytes(of: heads), []],
            [try bytes(of: fetch), []], page, request, reply,
        ]
        for _ in 0..<2_000 {
            var frames = originals[Int.random(in: originals.indices, using: &random)]
            let frame = Int.random(in: frames.indices, using: &random)
            random.mutate(&frames[frame])
            _ = SLP.block(header: frames[0], body: frames[1])
            _ = SLP.heads(header: frames[0])
            _ = SLP.question(header: frames[0])
            _ = SLP.page(header: frames[0], body: frames[1])
            _ = Exchange.request(frames)
            _ = Exchange.reply(frames)
        }
    }

    /// What decodes, however it came about, must not trap a subscriber either.
    @Test(arguments: 0..<16)
    func `mutated messages never trap a subscriber`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let block = block(partition: 0, first: 1)
        let page = try page(.ok, [block]).frames
        for _ in 0..<500 {
            var subscriber = Subscriber(
                stream: .redemption, cursors: [.start], now: 0, seed: seed)
            _ = subscriber.connected(now: 0)
            for now in 1...6 {
                var frames = random.once(in: 2) ? page : [try bytes(of: header(block)), block.body]
                random.mutate(&frames[0])
                if let (_, source, block) = SLP.block(header: frames[0], body: frames[1]) {
                    _ = subscriber.received(block, from: source, now: Int64(now))
                }
                if let (_, source, heads) = SLP.heads(header: frames[0]) {
                    _ = subscriber.received(heads: heads, from: source, now: Int64(now))
                }
                if let (_, source, reply) = SLP.page(header: frames[0], body: frames[1]) {
                    _ = subscriber.received(reply, from: source, now: Int64(now))
                }
                _ = subscriber.tick(now: Int64(now) * 1_000)
            }
        }
    }
}

extension SplitMix64 {
    /// Changes, cuts, repeats or adds a few bytes.
    fileprivate mutating func mutate(_ bytes: inout [UInt8]) {
        for _ in 0..<Int.random(in: 1...3, using: &self) {
            guard !bytes.isEmpty else {
                bytes.append(.random(in: .min ... .max, using: &self))
                continue
            }
            let index = Int.random(in: bytes.indices, using: &self)
            switch Int.random(in: 0..<5, using: &self) {
            case 0: bytes[index] = .random(in: .min ... .max, using: &self)
            case 1: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &self)
            case 2: bytes.removeLast(bytes.count - index)
            case 3: bytes.insert(.random(in: .min ... .max, using: &self), at: index)
            default: bytes += bytes[index...]
            }
        }
    }
}
