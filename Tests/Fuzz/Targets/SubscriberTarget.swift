import Messages
import Streams
import SwiftProtobuf
import Wire

extension FuzzTarget {
    /// A subscriber that hears true blocks, forged ones, heads and pages of any sort, at any time.
    ///
    /// Whatever it hears, what it delivers is one chain without gaps, and nothing after a stop.
    static let subscriber = FuzzTarget(
        "subscriber", bytesMax: 1_024,
        seeds: {
            let log = TrueLog()
            let header =
                try SLP.header(
                    of: log.blocks[2], stream: .points, log: log.identity.log, boot: 1
                ).serializedBytes() as [UInt8]
            return [
                [0, 1, 0, 1, 1, 1, 2, 1, 3, 0, 4, 255, 1, 4], [0, 3, 0, 6, 1, 5, 9, 1, 2, 1, 5, 0],
                [0, 7, 1] + FuzzBytes.chunk(header) + FuzzBytes.chunk(log.blocks[2].body) + [2, 9],
                [0, 1, 5, 3, 0, 1, 3, 64, 4, 4, 4, 4, 4, 4, 255, 255, 255, 1, 0],
            ]
        },
        run: { bytes in
            var script = SubscriberScript()
            var input = FuzzBytes(bytes)
            while !input.isEmpty { script.step(&input) }
        })
}

private struct SubscriberScript {
    private let log = TrueLog(blocks: 12)
    private var subscriber: Subscriber
    private var now: Int64 = 1_000
    private var delivered = Cursor.start
    private var pending: [Block] = []
    private var question: (from: Cursor, request: UInt64)?
    private var isStopped = false

    init() { subscriber = Subscriber(stream: .points, cursors: [.start], now: now, seed: 3) }

    mutating func step(_ input: inout FuzzBytes) {
        switch input.byte() % 10 {
        case 0:
            take(subscriber.connected(now: now))
        case 1:
            let block = log.blocks[Int(input.byte()) % log.blocks.count]
            take(subscriber.received(block, from: source(1), now: now))
        case 2:
            answer(with: input.byte())
        case 3:
            let heads = [(partition: 0, sequence: UInt64(input.byte()))]
            take(subscriber.received(heads: heads, from: source(1), now: now))
        case 4:
            now += Int64(input.byte()) * 40
            take(subscriber.tick(now: now))
        case 5:
            apply(Int(input.byte()))
        case 6:
            // The same words from another process, or of another log.
            let block = log.blocks[Int(input.byte()) % log.blocks.count]
            take(subscriber.received(block, from: source(UInt64(input.byte() % 4)), now: now))
        case 7:
            forged(&input)
        case 8:
            let header = input.chunk()
            if let (stream, source, heads) = SLP.heads(header: header), stream == .points {
                take(subscriber.received(heads: heads, from: source, now: now))
            }
        default:
            if input.byte() == 255 {
                take(subscriber.refused(partition: 0, reason: "the consumer refuses"))
            }
        }
    }

    private func source(_ boot: UInt64) -> Subscriber.Source {
        Subscriber.Source(log: log.identity.log, boot: boot)
    }

    /// Answers the last question as the publisher would, up to so many blocks.
    private mutating func answer(with count: UInt8) {
        guard let (from, request) = question else { return }
        let rest = log.blocks.drop { $0.first <= from.sequence }
        let isEdge = from.sequence == 0 || log.blocks.contains { $0.chain == from.chain }
        take(
            subscriber.received(
                Subscriber.PageReply(
                    partition: 0, request: request, status: isEdge ? .ok : .forked,
                    head: log.head.sequence, blocks: Array(rest.prefix(Int(count % 8)))),
                from: source(1), now: now))
    }

    private mutating func forged(_ input: inout FuzzBytes) {
        let isPage = input.byte() & 1 == 0
        let header = input.chunk()
        let body = input.chunk()
        if isPage {
            guard var page = SLP.page(header: header, body: body), page.stream == .points else {
                return
            }
            if let question { page.reply.request = question.request }
            take(subscriber.received(page.reply, from: page.source, now: now))
        } else if let (stream, source, block) = SLP.block(header: header, body: body),
            stream == .points
        {
            take(subscriber.received(block, from: source, now: now))
        }
    }

    /// The consumer has written the first `count` of what was delivered.
    private mutating func apply(_ count: Int) {
        for block in pending.prefix(count) {
            take(
                subscriber.applied(
                    partition: 0, through: block.last, bytes: block.body.count, now: now))
        }
        pending.removeFirst(min(count, pending.count))
    }

    private mutating func take(_ effects: [Subscriber.Effect]) {
        for effect in effects {
            switch effect {
            case .deliver(let received):
                require(!isStopped, "something is delivered after a stop")
                let block = received.block
                require(block.first == delivered.sequence + 1, "a delivery out of order")
                let before =
                    delivered.chain
                    ?? Chain(log: received.log, stream: received.stream, partition: 0)
                require(
                    before.extended(first: block.first, count: block.count, body: block.body)
                        == block.chain, "a delivery that breaks the chain")
                delivered = received.cursor
                pending.append(block)
            case .fetch(let partition, let from, _, let request):
                require(partition == 0 && from == delivered, "a question from elsewhere")
                require(request > question?.request ?? 0, "a question's number comes once")
                question = (from, request)
            case .stopped:
                require(!isStopped, "a partition stops once")
                isStopped = true
            case .renewReplay, .renewAll:
                break
            }
        }
        if case .stopped = subscriber.standing(of: 0) {
            require(isStopped, "a stop is told")
        }
    }
}
