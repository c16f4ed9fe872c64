import Messages
import Streams
import StreamsTestKit

/// A publisher, a network that does its worst, and a subscriber between them, in virtual time.
///
/// The network keeps what sockets keep and nothing more: what arrives through one socket arrives in
/// order, and everything else can happen. Messages are lost and repeated, sockets die without a
/// word, publisher and consumer are killed and come back, the consumer stalls.
struct SubscriberSimulation {
    /// What a run was, for whoever has to understand why it failed.
    struct Failure: Error {
        var what: String
        var seed: UInt64
        var now: Int64
    }

    /// What a run came to, to see that it was not idle.
    struct Tally {
        var events: UInt64 = 0
        var fetches = 0
        var renewals = 0
        var restarts = 0
    }

    private let seed: UInt64
    private let faulty: Bool
    private var random: SplitMix64
    private var now: Int64 = 0
    private var log: PublishedLog
    private var subscriber: Subscriber
    private var isCalm = false
    private var bodyBytesMax: Int

    /// What is on its way through the SUB, the fetches' way and the pages' way.
    private var live: Pipe<Live>
    private var questions: Pipe<Question>
    private var pages: Pipe<(Subscriber.PageReply, Subscriber.Source)>
    private var nextHead: Int64 = 0
    private var nextTick: Int64 = 0

    /// What the consumer was given and has not applied, and what it has.
    private var queue: [[Block]]
    private var applied: [Cursor]
    private(set) var tally = Tally()

    private enum Live {
        case block(Block, Subscriber.Source)
        case heads([(partition: Int, sequence: UInt64)], Subscriber.Source)
    }

    private struct Question {
        var partition: Int
        var cursor: Cursor
        var request: UInt64
    }

    init(seed: UInt64, faulty: Bool = true) {
        self.seed = seed
        self.faulty = faulty
        random = SplitMix64(seed: seed)
        let partitions = random.once(in: 4) ? 3 : 1
        log = PublishedLog(log: UInt8(seed % 251), boot: 1, partitions: partitions)
        bodyBytesMax = random.once(in: 150) ? 700_000 : 40
        live = Pipe()
        questions = Pipe()
        pages = Pipe()
        queue = Array(repeating: [], count: partitions)
        applied = Array(repeating: .start, count: partitions)
        subscriber = Subscriber(stream: log.stream, cursors: applied, now: 0, seed: seed)
    }

    /// Runs to the end: faults for a while, then none, and then everything must have arrived.
    mutating func run() throws {
        if random.once(in: 2) { publish() }
        try carryOut(subscriber.connected(now: now))
        let faultsEnd = Int64.random(in: 5_000...40_000, using: &random)
        while now < faultsEnd { try step(publishing: true) }
        isCalm = true
        // Slower than any retry and any silence may be.
        let end = now + 60_000
        let publishingEnd = now + Int64.random(in: 0...2_000, using: &random)
        while now < end {
            try step(publishing: now < publishingEnd)
            if now >= publishingEnd, hasArrived { break }
        }
        for partition in applied.indices {
            guard applied[partition] == log.cursor(of: partition),
                subscriber.standing(of: partition) == .live
            else {
                throw failure(
                    "partition \(partition) is \(subscriber.standing(of: partition)) at "
                        + "\(applied[partition].sequence) of \(log.head(of: partition))")
            }
            tally.events += applied[partition].sequence
        }
    }

    private var hasArrived: Bool {
        applied.indices.allSatisfy {
            applied[$0] == log.cursor(of: $0) && subscriber.standing(of: $0) == .live
        }
    }

    private func failure(_ what: String) -> Failure { Failure(what: what, seed: seed, now: now) }

    /// Whether something bad happens that happens once in `count`.
    private mutating func fault(onceIn count: Int) -> Bool {
        faulty && !isCalm && random.once(in: count)
    }

    private mutating func arrival() -> Int64 {
        let most: Int64 = fault(onceIn: 10) ? 2_500 : 20
        return now + Int64.random(in: 0...most, using: &random)
    }

    // MARK: One step

    private mutating func step(publishing: Bool) throws {
        now += Int64.random(in: 1...60, using: &random)
        if publishing, random.once(in: 2) { publish() }
        if now >= nextHead {
            sendHeads()
            nextHead = now + 500
        }
        if fault(onceIn: 400) { live.isDead = true }
        if fault(onceIn: 400) {
            questions.isDead = true
            pages.isDead = true
        }
        if fault(onceIn: 300) { restartPublisher() }
        if fault(onceIn: 300) { try restartConsumer() }
        // Which socket is looked at first is chance, and so is how long each is looked at.
        if random.once(in: 2) {
            try takeLive()
            try takePages()
        } else {
            try takePages()
            try takeLive()
        }
        answer()
        if !fault(onceIn: 3) { try apply() }
        if now >= nextTick {
            nextTick = now + 100
            try carryOut(subscriber.tick(now: now))
        }
    }

    private mutating func publish() {
        for _ in 0...Int.random(in: 0...3, using: &random) {
            let block = log.append(
                count: .random(in: 1...5, using: &random),
                bytes: .random(in: 1...bodyBytesMax, using: &random),
                filling: .random(in: 0...255, using: &random),
                to: .random(in: log.partitions.indices, using: &random))
            // Lost in long runs, as a full pipe loses.
            if fault(onceIn: 6) { continue }
            live.put(.block(block, log.source), arrival: arrival())
            if fault(onceIn: 20),
                let older = log.partitions[block.partition].randomElement(using: &random)
            {
                live.put(.block(older, log.source), arrival: arrival())
            }
        }
        if random.once(in: 2) { sendHeads() }
    }

    private mutating func sendHeads() {
        if fault(onceIn: 4) { return }
        live.put(.heads(log.heads, log.source), arrival: arrival())
    }

    private mutating func answer() {
        while let question = questions.take(at: now) {
            if fault(onceIn: 5) { continue }
            let page = log.page(
                after: question.cursor, partition: question.partition, request: question.request,
                bytesMax: bodyBytesMax < 1_000 ? 400 : Subscriber.Limits.pageBytesMax)
            pages.put((page, log.source), arrival: arrival())
            if fault(onceIn: 10) { pages.put((page, log.source), arrival: arrival()) }
        }
    }

    /// The process is killed and started: what it sent may still arrive, what was asked is lost.
    private mutating func restartPublisher() {
        tally.restarts += 1
        log.boot += 1
        questions.lose()
        if random.once(in: 2) { publish() }
    }

    /// The process is killed and started: only what was applied is known.
    private mutating func restartConsumer() throws {
        tally.restarts += 1
        renewAll()
        queue = queue.map { _ in [] }
        subscriber = Subscriber(
            stream: log.stream, cursors: applied, now: now, seed: random.next())
        try carryOut(subscriber.connected(now: now))
    }

    private mutating func renewAll() {
        live.renew()
        renewPages()
    }

    private mutating func renewPages() {
        questions.renew()
        pages.renew()
    }

    private mutating func takeLive() throws {
        for _ in 0..<Int.random(in: 1...20, using: &random) {
            guard let message = live.take(at: now) else { return }
            switch message {
            case .block(let block, let source):
                try carryOut(subscriber.received(block, from: source, now: now))
            case .heads(let heads, let source):
                try carryOut(subscriber.received(heads: heads, from: source, now: now))
            }
        }
    }

    private mutating func takePages() throws {
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            guard let (page, source) = pages.take(at: now) else { return }
            try carryOut(subscriber.received(page, from: source, now: now))
        }
    }

    private mutating func apply() throws {
        for partition in queue.indices where !queue[partition].isEmpty {
            let count = Int.random(in: 1...queue[partition].count, using: &random)
            let blocks = queue[partition].prefix(count)
            queue[partition].removeFirst(count)
            guard let last = blocks.last else { continue }
            applied[partition] = Cursor(log: log.id, sequence: last.last, chain: last.chain)
            try carryOut(
                subscriber.applied(
                    partition: partition, through: last.last,
                    bytes: blocks.reduce(0) { $0 + $1.body.count }, now: now))
        }
    }

    private mutating func carryOut(_ effects: [Subscriber.Effect]) throws {
        for effect in effects {
            switch effect {
            case .deliver(let received):
                try check(received)
                queue[received.block.partition].append(received.block)
            case .fetch(let partition, let cursor, let known, let request):
                tally.fetches += 1
                guard known == applied[partition].sequence else {
                    throw failure("\(known) was acknowledged, not \(applied[partition].sequence)")
                }
                if fault(onceIn: 5) { continue }
                questions.put(
                    Question(partition: partition, cursor: cursor, request: request),
                    arrival: arrival())
            case .renewReplay:
                tally.renewals += 1
                renewPages()
            case .renewAll:
                tally.renewals += 1
                renewAll()
                try carryOut(subscriber.connected(now: now))
            case .stopped(_, let reason):
                throw failure("an honest publisher was stopped: \(reason)")
            }
        }
    }

    /// What is delivered is the log, block by block, and the queue stays bounded.
    private func check(_ received: ReceivedBlock) throws {
        let block = received.block
        let last = queue[block.partition].last?.last ?? applied[block.partition].sequence
        guard block.first == last + 1, received.log == log.id else {
            throw failure("\(block.first) was delivered after \(last)")
        }
        guard log.block(endingAt: block.last, in: block.partition) == block else {
            throw failure("what was delivered at \(block.first) was never published")
        }
        let bytes = queue[block.partition].reduce(block.body.count) { $0 + $1.body.count }
        let most =
            Subscriber.Limits.queuedBytesMax + Subscriber.Limits.splicedBytesMax
            + 2 * Subscriber.Limits.pageBytesMax
        guard bytes <= most else { throw failure("\(bytes) bytes wait to be applied") }
    }
}
