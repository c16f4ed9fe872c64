import Foundation
import GRDB
import Messages
import Model
import Scoring
import Streams
import SwiftProtobuf
import Wire

extension FuzzTarget {
    /// Headers and bodies of SLP/1: what is understood says the same when it is written again.
    static let slp = FuzzTarget(
        "slp",
        seeds: {
            let log = TrueLog()
            let block = log.blocks[0]
            let header =
                try SLP.header(
                    of: block, stream: .points, log: log.identity.log, boot: 5
                ).serializedBytes() as [UInt8]
            let head =
                try SLP.head(
                    of: [log.head], identity: log.identity, boot: 5
                ).serializedBytes() as [UInt8]
            let fetch =
                try SLP.fetch(
                    partition: 0, from: log.cursor(after: 1), applied: 1, request: 9,
                    stream: .points,
                    subscriber: "rewards", schema: 1
                ).serializedBytes() as [UInt8]
            let question = try log.question(after: 0)
            let page = try SLP.frames(
                of: LogPage(verdict: .ok, head: log.head, blocks: log.blocks), to: question,
                identity: log.identity, boot: 5)
            return [
                [0] + FuzzBytes.chunk(header) + block.body, [1] + FuzzBytes.chunk(head),
                [2] + FuzzBytes.chunk(fetch), [3] + FuzzBytes.chunk(page[0]) + page[1],
                [4] + FuzzBytes.chunk([]) + block.body,
            ]
        },
        run: { bytes in
            var input = FuzzBytes(bytes)
            let kind = input.byte() % 5
            let header = input.chunk()
            let body = input.remainder()
            switch kind {
            case 0: try checkBlock(header, body)
            case 1: _ = SLP.heads(header: header)
            case 2: try checkQuestion(header)
            case 3: try checkPage(header, body)
            default: try checkBody(body)
            }
        })

    private static func checkBlock(_ header: [UInt8], _ body: [UInt8]) throws {
        guard let (stream, source, block) = SLP.block(header: header, body: body) else { return }
        require(block.last >= block.first, "a block ends where it begins or later")
        let written: [UInt8] = try SLP.header(
            of: block, stream: stream, log: source.log, boot: source.boot
        ).serializedBytes()
        guard let again = SLP.block(header: written, body: body) else {
            violated("a block's header cannot be read back")
        }
        require(
            again.stream == stream && again.source == source && again.block == block,
            "a block's header changes when it is written again")
    }

    private static func checkQuestion(_ header: [UInt8]) throws {
        guard let question = SLP.question(header: header) else { return }
        let written: [UInt8] = try SLP.fetch(
            partition: question.partition, from: question.cursor, applied: question.applied,
            request: question.request, stream: question.stream, subscriber: question.subscriber,
            schema: 1
        ).serializedBytes()
        guard var again = SLP.question(header: written) else {
            violated("a question cannot be read back")
        }
        again.bytesMax = question.bytesMax
        require(again == question, "a question changes when it is written again")
    }

    private static func checkPage(_ header: [UInt8], _ body: [UInt8]) throws {
        guard let page = SLP.page(header: header, body: body) else { return }
        let bytes = page.reply.blocks.reduce(0) { $0 + $1.body.count }
        require(bytes == body.count, "a page's blocks are its body")
    }

    private static func checkBody(_ body: [UInt8]) throws {
        var events: [[UInt8]] = []
        do {
            try BlockBody.forEachEvent(in: body) { events.append($0.withUnsafeBytes(Array.init)) }
        } catch {
            return
        }
        require(try BlockBody.count(in: body) == events.count, "events are counted as they come")
        var written: [UInt8] = []
        for event in events { BlockBody.append(event, to: &written) }
        var again: [[UInt8]] = []
        try BlockBody.forEachEvent(in: written) { again.append($0.withUnsafeBytes(Array.init)) }
        require(again == events, "a body changes when it is written again")
    }

    /// Any question to a real log: an answer that the asker understands and that takes it further.
    static let fetch = FuzzTarget(
        "fetch", bytesMax: 512,
        seeds: {
            let (identity, heads) = try publishedLog.copy().read { database in
                guard let identity = try LogIdentity.load(from: database) else {
                    violated("the log has a name")
                }
                return (identity, try EventLog.heads(of: identity, in: database))
            }
            let cursors = [
                Streams.Cursor.start,
                Streams.Cursor(
                    log: identity.log, sequence: heads[0].sequence, chain: heads[0].chain),
                Streams.Cursor(log: identity.log, sequence: 1, chain: heads[0].chain),
            ]
            return try cursors.map {
                try SLP.fetch(
                    partition: 0, from: $0, applied: 0, request: 1, stream: .points,
                    subscriber: "rewards", schema: 1
                ).serializedBytes()
            }
        },
        run: { bytes in
            guard let question = SLP.question(header: bytes) else { return }
            let page = try publishedQueue.read { database -> (LogIdentity, LogPage)? in
                guard let identity = try LogIdentity.load(from: database),
                    let page = try LogPage.read(
                        after: question.cursor, partition: question.partition,
                        bytesMax: question.bytesMax, of: identity, in: database)
                else { return nil }
                return (identity, page)
            }
            guard let (identity, page) = page else { return }
            let frames = try SLP.frames(of: page, to: question, identity: identity, boot: 1)
            guard let reply = SLP.page(header: frames[0], body: frames[1])?.reply else {
                violated("a page that its asker does not understand")
            }
            require(reply.blocks == page.blocks, "a page arrives as it was sent")
            if reply.status == .ok, reply.head > question.cursor.sequence {
                require(
                    reply.blocks.first?.first == question.cursor.sequence + 1,
                    "a page that takes the asker no further")
            }
        })

    static let publishedLog: StoreTemplate = {
        do {
            return try StoreTemplate(ScoringStore.migrations) { queue in
                let writer = try scoring(on: queue)
                var blocks = RawBlocks(.behaviour)
                for count in 1...4 {
                    let events = try (0..<count).map { number -> [UInt8] in
                        try scoringEvent(quantity: Int64(number) * 1_000_000).serializedBytes()
                    }
                    _ = try writer.commit([.block(blocks.block(of: events))])
                }
            }
        } catch {
            violated("the log is made: \(error)")
        }
    }()

    private static let publishedQueue: DatabaseQueue = {
        do { return try publishedLog.copy() } catch { violated("the log is copied: \(error)") }
    }()

    /// Frames of requests and replies.
    static let exchange = FuzzTarget(
        "exchange",
        seeds: {
            let request = try Exchange.frames(
                method: "rewards.points.show", body: Array("{\"resident\":7}".utf8),
                caller: "greenctl", key: nil, requestID: [1, 2, 3])
            let command = try Exchange.frames(
                method: "ingestion.clock.move", body: Array("{\"move\":{}}".utf8),
                caller: "greenctl", key: Array(repeating: 9, count: 16), requestID: [1])
            let reply = try Exchange.frames(
                of: .refused("unknown", "nobody"), requestID: [1, 2])
            return [request, command, reply].map { $0.flatMap { FuzzBytes.chunk($0) } }
        },
        run: { bytes in
            var input = FuzzBytes(bytes)
            var frames: [[UInt8]] = []
            while !input.isEmpty, frames.count < 4 { frames.append(input.chunk()) }
            if let incoming = Exchange.request(frames) {
                require(
                    incoming.requestID.count <= Exchange.Limits.requestIDBytesMax,
                    "a request's id is bounded")
            }
            if let (requestID, reply) = Exchange.reply(frames) {
                let written = try Exchange.frames(of: reply, requestID: requestID)
                guard let again = Exchange.reply(written) else {
                    violated("a reply cannot be read back")
                }
                require(
                    again.reply == reply && again.requestID == requestID,
                    "a reply changes when it is written again")
            }
        })
}

/// Blocks of a stream whose events are any bytes, with a true chain.
struct RawBlocks {
    let stream: StreamName
    let log: LogID
    private var sequence: UInt64 = 0
    private var chain: Chain

    init(_ stream: StreamName) {
        guard let log = LogID(Array(repeating: 0x11, count: LogID.byteCount)) else {
            violated("sixteen bytes name a log")
        }
        self.stream = stream
        self.log = log
        chain = Chain(log: log, stream: stream, partition: 0)
    }

    mutating func block(of events: [[UInt8]]) -> ReceivedBlock {
        var body: [UInt8] = []
        for event in events { BlockBody.append(event, to: &body) }
        return block(body, count: events.count)
    }

    /// A block that says it holds `count` events, whatever its body is.
    mutating func block(_ body: [UInt8], count: Int) -> ReceivedBlock {
        let first = sequence + 1
        chain = chain.extended(first: first, count: count, body: body)
        sequence += UInt64(count)
        return ReceivedBlock(
            stream: stream, log: log,
            block: Block(
                partition: 0, first: first, count: count, chain: chain,
                recorded: Instant(milliseconds: 0), totals: ControlTotals(), body: body))
    }
}

/// A publisher's log of a few blocks, and what can be asked of it.
struct TrueLog {
    let identity: LogIdentity
    let blocks: [Block]

    init(blocks count: Int = 6) {
        var raw = RawBlocks(.points)
        identity = LogIdentity(log: raw.log, stream: .points, partitions: 1)
        blocks = (1...count).map { number in
            raw.block(of: (0..<number % 3 + 1).map { [UInt8(number), UInt8($0)] }).block
        }
    }

    var head: EventLog.Head {
        let last = blocks[blocks.count - 1]
        return EventLog.Head(
            partition: 0, sequence: last.last, chain: last.chain, totals: ControlTotals())
    }

    /// The cursor of whoever has applied so many blocks.
    func cursor(after count: Int) -> Streams.Cursor {
        guard count > 0 else { return .start }
        let block = blocks[count - 1]
        return Streams.Cursor(log: identity.log, sequence: block.last, chain: block.chain)
    }

    func question(after count: Int) throws -> SLP.Question {
        SLP.Question(
            subscriber: "rewards", stream: .points, partition: 0, cursor: cursor(after: count),
            bytesMax: 1_000, request: 1, applied: 0)
    }
}
