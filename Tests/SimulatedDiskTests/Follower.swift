import GRDB
import Messages
import Scoring
import Streams

/// A real subscriber between the log of one process and the writer of another.
struct Follower {
    private(set) var subscriber: Subscriber
    /// Blocks that the subscriber has delivered and the consumer has not applied.
    private(set) var waiting: [ReceivedBlock] = []
    /// Why a partition was stopped.
    private(set) var stops: [Int: String] = [:]
    /// What the publisher answered to cursors that were not on its log.
    private(set) var verdicts: Set<String> = []
    private var now: Int64 = 0

    init(consumer: Writer<ScoringDomain>, seed: UInt64) {
        subscriber = Subscriber(
            stream: .behaviour,
            cursors: (0..<ReportsDomain.partitions).map {
                consumer.cursor(of: .behaviour, partition: $0)
            }, now: 0, seed: seed)
    }

    /// What the publisher has just committed arrives by itself.
    mutating func receive(
        _ blocks: [Block], from publisher: SimulatedProcess<ReportsDomain>
    ) throws {
        for block in blocks {
            try carryOut(
                subscriber.received(block, from: try source(publisher), now: now),
                asking: publisher)
        }
    }

    /// Hears where the publisher stands, and asks it for what is missing.
    mutating func pull(from publisher: SimulatedProcess<ReportsDomain>) throws {
        now += 2_500
        let heads = try publisher.running.heads.map { ($0.partition, $0.sequence) }
        try carryOut(
            subscriber.received(heads: heads, from: try source(publisher), now: now),
            asking: publisher)
        try carryOut(subscriber.tick(now: now), asking: publisher)
    }

    /// Lets the consumer apply what has come, in one transaction; answers what that was.
    mutating func apply(to consumer: Writer<ScoringDomain>) throws -> [Block] {
        guard !waiting.isEmpty else { return [] }
        let blocks = waiting
        waiting = []
        let commit = try consumer.commit(blocks.map { .block($0) })
        guard commit.stopped.isEmpty, commit.deadLetters == 0 else {
            throw Broken("\(commit.deadLetters) dead letters, stops: \(commit.stopped)")
        }
        for block in blocks {
            // What it would ask for now is lost on the way, and asked for again.
            _ = subscriber.applied(
                partition: block.block.partition, through: block.block.last,
                bytes: block.block.body.count, now: now)
        }
        return blocks.map(\.block)
    }

    private func source(
        _ publisher: SimulatedProcess<ReportsDomain>
    ) throws -> Subscriber.Source {
        Subscriber.Source(log: try publisher.running.identity.log, boot: publisher.boot)
    }

    private mutating func carryOut(
        _ effects: [Subscriber.Effect], asking publisher: SimulatedProcess<ReportsDomain>
    ) throws {
        for effect in effects {
            switch effect {
            case .deliver(let received):
                waiting.append(received)
            case .fetch(let partition, let cursor, _, let request):
                let page = try page(
                    after: cursor, partition: partition, request: request, of: publisher)
                try carryOut(
                    subscriber.received(page, from: try source(publisher), now: now),
                    asking: publisher)
            case .renewReplay:
                break
            case .renewAll:
                try carryOut(subscriber.connected(now: now), asking: publisher)
            case .stopped(let partition, let reason):
                stops[partition] = reason
            }
        }
    }

    private mutating func page(
        after cursor: Streams.Cursor, partition: Int, request: UInt64,
        of publisher: SimulatedProcess<ReportsDomain>
    ) throws -> Subscriber.PageReply {
        let identity = try publisher.running.identity
        let page = try publisher.read {
            try LogPage.read(
                after: cursor, partition: partition, bytesMax: 3_000, of: identity, in: $0)
        }
        guard let page else { throw Broken("there is no partition \(partition)") }
        let status: Subscriber.PageReply.Status =
            switch page.verdict {
            case .ok: .ok
            case .ahead: .ahead
            case .forked: .forked
            }
        if status != .ok { verdicts.insert("\(status)") }
        return Subscriber.PageReply(
            partition: partition, request: request, status: status, head: page.head.sequence,
            blocks: page.blocks)
    }
}
