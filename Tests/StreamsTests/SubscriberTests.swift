import Messages
import Streams
import Testing

/// The table of protocol.md, section 3, row by row.
struct SubscriberTests {
    // MARK: Catching up

    @Test func `the start asks for the page after every cursor`() {
        var log = PublishedLog(partitions: 2)
        log.append(count: 3, to: 1)
        let cursors = [log.cursor(of: 0), log.cursor(of: 1)]
        var subscriber = Subscriber(stream: .behaviour, cursors: cursors, now: 0, seed: 1)
        let effects = subscriber.connected(now: 0)
        #expect(
            effects == [
                .fetch(partition: 0, from: .start, applied: 0, request: 1),
                .fetch(partition: 1, from: log.cursor(of: 1), applied: 3, request: 2),
            ])
        #expect(subscriber.standing(of: 0) == .catchingUp)
    }

    @Test func `a page is queued and the next one asked for before it is applied`() throws {
        var log = PublishedLog()
        log.append(count: 2)
        let cursor = log.cursor()
        var reader = Reader(log)
        log.append()
        reader.start()
        var page = log.page(after: .start, request: try #require(reader.request))
        page.blocks.removeLast()
        let effects = reader.take(page, from: log)
        #expect(
            effects == [
                .deliver(ReceivedBlock(stream: .behaviour, log: log.id, block: page.blocks[0])),
                .fetch(partition: 0, from: cursor, applied: 0, request: 2),
            ])
    }

    @Test func `a page that reaches the head makes the partition live and asks for nothing`() throws
    {
        var log = PublishedLog()
        log.append()
        var reader = Reader(log)
        reader.start()
        let effects = reader.answer(from: log)
        #expect(effects.count == 1)
        #expect(reader.delivered == log.partitions[0])
        #expect(reader.standing == .live)
    }

    @Test func `an empty page from an empty log makes the partition live`() {
        let log = PublishedLog()
        var reader = Reader(log)
        reader.start()
        #expect(reader.answer(from: log) == [])
        #expect(reader.standing == .live)
    }

    @Test func `live blocks that came meanwhile are spliced to the page they continue`() throws {
        var log = PublishedLog()
        log.append(count: 4)
        var reader = Reader(log)
        reader.start()
        let page = log.page(after: .start, request: try #require(reader.request))
        #expect(reader.take(log.append(count: 2), from: log) == [])
        #expect(reader.take(log.append(), from: log) == [])
        reader.take(page, from: log)
        #expect(reader.delivered == log.partitions[0])
        #expect(reader.standing == .live)
        #expect(reader.request == nil)
    }

    @Test func `live blocks that do not continue the page wait for the next one`() throws {
        var log = PublishedLog()
        log.append()
        var reader = Reader(log)
        reader.start()
        let page = log.page(after: .start, request: try #require(reader.request))
        log.append()
        reader.take(log.append(), from: log)
        reader.take(page, from: log)
        #expect(reader.delivered.count == 1)
        #expect(reader.standing == .catchingUp)
        reader.answer(from: log)
        #expect(reader.delivered == log.partitions[0])
        #expect(reader.standing == .live)
    }

    @Test func `beyond four megabytes live blocks are forgotten and pages bring them`() throws {
        var log = PublishedLog()
        var reader = Reader(log)
        reader.start()
        let page = log.page(after: .start, request: try #require(reader.request))
        for _ in 0...8 { reader.take(log.append(bytes: 500_000), from: log) }
        reader.take(page, from: log)
        #expect(reader.delivered.isEmpty)
        #expect(reader.standing == .catchingUp)
        reader.answerAll(from: log)
        #expect(reader.delivered == log.partitions[0])
        #expect(reader.standing == .live)
    }

    @Test func `a reply overdue renews the replay socket and asks for the same page`() throws {
        let log = PublishedLog()
        var reader = Reader(log)
        reader.start()
        var patience: [Int64] = []
        for attempt in 1...7 {
            let asked = reader.now
            let effects = reader.tick(until: { $0.contains(.renewReplay) }, from: log)
            patience.append(reader.now - asked)
            #expect(
                effects == [
                    .renewReplay,
                    .fetch(partition: 0, from: .start, applied: 0, request: UInt64(attempt) + 1),
                ])
        }
        for (attempt, waited) in patience.enumerated() {
            let least = min(Int64(1_000) << attempt, 30_000)
            #expect(waited > least && waited <= least + least / 4 + 100, "attempt \(attempt)")
        }
    }

    @Test func `an answer to a question that was asked again is dropped`() throws {
        var log = PublishedLog()
        log.append()
        var reader = Reader(log)
        reader.start()
        let late = log.page(after: .start, request: try #require(reader.request))
        reader.tick(until: { $0.contains(.renewReplay) }, from: log)
        #expect(reader.take(late, from: log) == [])
        #expect(reader.delivered.isEmpty)
        reader.answer(from: log)
        #expect(reader.delivered == log.partitions[0])
    }

    @Test func `an answer resets the patience`() {
        let log = PublishedLog()
        var reader = Reader(log)
        reader.start()
        reader.tick(until: { $0.contains(.renewReplay) }, from: log)
        reader.tick(until: { $0.contains(.renewReplay) }, from: log)
        reader.answer(from: log)
        reader.tick(until: { $0.contains(where: \.isFetch) }, from: log)
        let asked = reader.now
        reader.tick(until: { $0.contains(.renewReplay) }, from: log)
        #expect(reader.now - asked <= 1_400)
    }

    // MARK: Live

    @Test func `live, a block that continues the cursor is delivered at once`() {
        var log = PublishedLog()
        var reader = Reader(live: log)
        let block = log.append(count: 5)
        let effects = reader.take(block, from: log)
        #expect(effects == [.deliver(ReceivedBlock(stream: .behaviour, log: log.id, block: block))])
        #expect(reader.standing == .live)
    }

    @Test func `a block that lies behind is dropped`() {
        var log = PublishedLog()
        var reader = Reader(live: log)
        let block = log.append()
        reader.take(block, from: log)
        #expect(reader.take(block, from: log) == [])
        #expect(reader.delivered == [block])
        #expect(reader.standing == .live)
    }

    @Test func `a block that lies ahead asks for what is missing`() {
        var log = PublishedLog()
        log.append()
        var reader = Reader(live: log)
        let cursor = log.cursor()
        log.append()
        let effects = reader.take(log.append(), from: log)
        #expect(effects == [.fetch(partition: 0, from: cursor, applied: 1, request: 2)])
        #expect(reader.standing == .catchingUp)
        reader.answer(from: log)
        #expect(reader.delivered == Array(log.partitions[0].dropFirst()))
        #expect(reader.standing == .live)
    }

    @Test func `a head after its blocks asks for nothing`() {
        var log = PublishedLog()
        var reader = Reader(live: log)
        for _ in 0..<5 {
            reader.take(log.append(), from: log)
            #expect(reader.hearHeads(of: log) == [])
        }
        #expect(reader.standing == .live)
    }

    @Test func `a head that says there is more asks for the lost tail`() {
        var log = PublishedLog()
        var reader = Reader(live: log)
        log.append()
        let effects = reader.hearHeads(of: log)
        #expect(effects == [.fetch(partition: 0, from: .start, applied: 0, request: 2)])
        reader.answer(from: log)
        #expect(reader.delivered == log.partitions[0])
        #expect(reader.standing == .live)
    }

    @Test func `a publisher that lost what it told of is not asked for it without end`() {
        var log = PublishedLog()
        var reader = Reader(live: log)
        let lost = log.append()
        _ = reader.hearHeads(of: log)
        log.loseLast()
        log.boot = 200
        #expect(reader.hearHeads(of: log) == [.renewAll])
        reader.start()
        #expect(reader.answer(from: log) == [])
        #expect(reader.standing == .live)
        // What it has next is asked for, and may be other than what was lost.
        log.append(count: 2)
        let effects = reader.hearHeads(of: log)
        #expect(effects.contains { $0.isFetch })
        reader.answer(from: log)
        #expect(reader.delivered == log.partitions[0] && !reader.delivered.contains(lost))
    }

    @Test func `heads that repeat while a page is on its way ask once`() {
        var log = PublishedLog()
        var reader = Reader(live: log)
        log.append()
        #expect(reader.hearHeads(of: log).count == 1)
        #expect(reader.hearHeads(of: log) == [])
        reader.take(log.append(), from: log)
        #expect(reader.hearHeads(of: log) == [])
    }

    @Test func `the head of a page is no reason to ask`() throws {
        // The acknowledgement's page says head 1, read before the block itself arrives.
        var log = PublishedLog()
        var reader = Reader(live: log)
        reader.tick(until: { $0.contains(where: \.isFetch) }, from: log)
        var page = log.page(after: .start, request: try #require(reader.request))
        log.append()
        page.head = log.head()
        #expect(reader.take(page, from: log) == [])
        #expect(reader.standing == .live)
    }

    @Test func `the cursor is acknowledged every two seconds`() {
        var log = PublishedLog()
        var reader = Reader(live: log)
        reader.take(log.append(count: 3), from: log)
        reader.applyAll()
        let asked = reader.now
        let effects = reader.tick(until: { $0.contains(where: \.isFetch) }, from: log)
        #expect(effects == [.fetch(partition: 0, from: log.cursor(), applied: 3, request: 2)])
        #expect((2_000...2_200).contains(reader.now - asked))
        #expect(reader.standing == .live)
    }

    @Test func `five seconds without a word renew both sockets, with jitter`() {
        let log = PublishedLog()
        var pauses: Set<Int64> = []
        for seed in 0..<8 {
            var reader = Reader(log, seed: UInt64(seed))
            reader.start()
            let began = reader.now
            var effects: [Subscriber.Effect] = []
            while !effects.contains(.renewAll) { effects = reader.tick(hearing: nil) }
            #expect(effects == [.renewAll])
            #expect((5_000...6_200).contains(reader.now - began))
            pauses.insert(reader.now - began)
            #expect(reader.start().contains { $0.isFetch })
        }
        #expect(pauses.count > 1)
    }

    @Test func `heads alone keep both sockets`() {
        let log = PublishedLog()
        var reader = Reader(live: log)
        for _ in 0..<300 {
            let effects = reader.tick(hearing: log)
            #expect(!effects.contains(.renewAll))
            if effects.contains(where: \.isFetch) { reader.answer(from: log) }
        }
    }

    @Test func `answers alone do not keep a feed that has gone silent`() {
        let log = PublishedLog()
        var reader = Reader(live: log)
        var renewed = false
        for _ in 0..<100 where !renewed {
            let effects = reader.tick(hearing: nil)
            renewed = effects.contains(.renewAll)
            if effects.contains(where: \.isFetch) { reader.answer(from: log) }
        }
        #expect(renewed)
    }

    // MARK: Stopped

    @Test func `a live block off the chain stops the partition for ever`() {
        var log = PublishedLog()
        var reader = Reader(live: log)
        var block = log.append()
        block.body[0] ^= 1
        expectStop(&reader, log) { $0.take(block, from: log) }
    }

    @Test func `a page off the chain stops the partition for ever`() throws {
        var log = PublishedLog()
        log.append()
        log.append()
        var reader = Reader(log)
        reader.start()
        var page = log.page(after: .start, request: try #require(reader.request))
        page.blocks[1].count = 2
        expectStop(&reader, log) { $0.take(page, from: log) }
        #expect(reader.delivered == [log.partitions[0][0]])
    }

    @Test func `a publisher that lost events stops the partition for ever`() {
        var log = PublishedLog()
        log.append()
        log.append()
        var reader = Reader(live: log)
        log.loseLast()
        reader.tick(until: { $0.contains(where: \.isFetch) }, from: log)
        expectStop(&reader, log) { $0.answer(from: log) }
    }

    @Test func `a publisher that lost events and wrote others stops the partition for ever`() {
        var log = PublishedLog()
        log.append()
        log.append()
        var reader = Reader(live: log)
        log.loseLast()
        log.append(filling: 9)
        reader.tick(until: { $0.contains(where: \.isFetch) }, from: log)
        expectStop(&reader, log) { $0.answer(from: log) }
    }

    @Test(arguments: [false, true])
    func `another log stops the partition for ever`(inPage: Bool) throws {
        var log = PublishedLog()
        log.append()
        var other = PublishedLog(log: 2)
        other.append()
        var reader = Reader(live: log)
        reader.tick(until: { $0.contains(where: \.isFetch) }, from: log)
        expectStop(&reader, other) {
            inPage ? $0.answer(from: other) : $0.take(other.append(), from: other)
        }
    }

    @Test func `any log will do for a subscriber that has applied nothing`() {
        let empty = PublishedLog(log: 1, boot: 100)
        var reader = Reader(live: empty)
        var other = PublishedLog(log: 2, boot: 100)
        reader.take(other.append(), from: other)
        #expect(reader.delivered == other.partitions[0])
    }

    @Test func `what the consumer refuses stops its partition alone`() {
        var log = PublishedLog(partitions: 2)
        var reader = Reader(live: log)
        #expect(
            reader.subscriber.refused(partition: 0, reason: "why")
                == [.stopped(partition: 0, reason: "why")])
        reader.take(log.append(to: 0), from: log)
        reader.take(log.append(to: 1), from: log)
        #expect(reader.delivered == log.partitions[1])
        #expect(reader.standing == .stopped("why"))
        #expect(reader.subscriber.standing(of: 1) == .live)
    }

    @Test func `a new boot renews both sockets, and its log is read on`() {
        var log = PublishedLog()
        log.append()
        var reader = Reader(live: log)
        log.boot = 200
        let block = log.append()
        #expect(reader.take(block, from: log) == [.renewAll])
        #expect(reader.delivered.isEmpty)
        reader.start()
        reader.answer(from: log)
        #expect(reader.delivered == [block])
        #expect(reader.standing == .live)
    }

    @Test func `the first two boots may be heard in the wrong order`() {
        // A page of the new process came before the old one's last words on the live feed.
        var log = PublishedLog(boot: 100)
        let former = log
        log.boot = 200
        var reader = Reader(live: log)
        #expect(reader.hearHeads(of: former) == [.renewAll])
        reader.start()
        #expect(reader.hearHeads(of: log) == [.renewAll])
        reader.start()
        reader.answer(from: log)
        #expect(reader.standing == .live)
    }

    @Test func `a former boot heard again stops every partition`() {
        var log = PublishedLog(boot: 100, partitions: 2)
        var reader = Reader(live: log)
        log.boot = 200
        let former = log
        #expect(reader.hearHeads(of: log) == [.renewAll])
        reader.start()
        log.boot = 300
        #expect(reader.hearHeads(of: log) == [.renewAll])
        reader.start()
        let effects = reader.hearHeads(of: former)
        #expect(effects.count == 2)
        for partition in 0..<2 {
            #expect(
                reader.subscriber.standing(of: partition)
                    == .stopped("two processes publish one log"))
        }
    }

    // MARK: Back-pressure

    @Test func `with four megabytes unapplied nothing is delivered and nothing asked`() {
        var log = PublishedLog()
        var reader = Reader(live: log)
        var effects: [Subscriber.Effect] = []
        for _ in 0..<8 {
            effects = reader.take(log.append(bytes: 1 << 19), from: log)
            #expect(effects.count == 1)
        }
        #expect(reader.take(log.append(bytes: 1 << 19), from: log) == [])
        #expect(reader.standing == .catchingUp)
        #expect(reader.tick(hearing: log) == [])

        // Room for a page, and no sooner, is a reason to ask.
        #expect(reader.apply(1) == [])
        #expect(
            reader.apply(1)
                == [.fetch(partition: 0, from: reader.position, applied: 2, request: 2)])
        reader.answer(from: log)
        #expect(reader.delivered == log.partitions[0])
        #expect(reader.standing == .live)
    }

    @Test func `while four megabytes wait a renewed socket is asked for nothing`() {
        var log = PublishedLog()
        var reader = Reader(live: log)
        for _ in 0..<8 { reader.take(log.append(bytes: 1 << 19), from: log) }
        #expect(reader.start() == [])
        #expect(reader.apply(8).count == 1)
    }

    // MARK: Hostile input

    @Test func `partitions that do not exist are ignored`() {
        var log = PublishedLog(partitions: 3)
        var reader = Reader(PublishedLog())
        reader.start()
        #expect(reader.take(log.append(to: 2), from: log) == [])
        let page = log.page(after: .start, partition: 2, request: 1)
        #expect(reader.take(page, from: log) == [])
    }

    @Test(arguments: [1, 3])
    func `a log that is divided otherwise stops every partition`(partitions: Int) {
        var reader = Reader(live: PublishedLog(partitions: 2))
        let effects = reader.hearHeads(of: PublishedLog(partitions: partitions))
        #expect(effects.count == 2)
        #expect(effects.allSatisfy { if case .stopped = $0 { true } else { false } })
    }

    /// Expects `provoke` to stop partition 0, and nothing to wake it again.
    private func expectStop(
        _ reader: inout Reader, _ log: PublishedLog,
        _ provoke: (inout Reader) -> [Subscriber.Effect]
    ) {
        var log = log
        let effects = provoke(&reader)
        #expect(effects.contains { if case .stopped(0, _) = $0 { true } else { false } })
        let standing = reader.standing
        guard case .stopped = standing else {
            Issue.record("the partition is \(standing)")
            return
        }
        let delivered = reader.delivered
        #expect(reader.start() == [])
        #expect(reader.take(log.append(), from: log) == [])
        #expect(reader.hearHeads(of: log) == [])
        for request in 0..<5 {
            let page = log.page(after: .start, request: UInt64(request))
            #expect(reader.take(page, from: log) == [])
        }
        for _ in 0..<100 { #expect(reader.tick(hearing: log) == []) }
        #expect(reader.delivered == delivered)
        #expect(reader.standing == standing)
    }
}

/// A subscriber with its time, and with what it delivered and asked for.
private struct Reader {
    var subscriber: Subscriber
    var now: Int64 = 1_000_000
    /// What was delivered, all partitions together.
    var delivered: [Block] = []
    var applied = 0
    /// The question not yet answered, of partition 0.
    var request: UInt64?
    var position: Cursor

    init(_ log: PublishedLog, cursors: [Cursor]? = nil, seed: UInt64 = 7) {
        let cursors = cursors ?? log.partitions.map { _ in Cursor.start }
        position = cursors[0]
        subscriber = Subscriber(stream: log.stream, cursors: cursors, now: now, seed: seed)
    }

    /// Live, at the head of `log`.
    init(live log: PublishedLog) {
        self.init(log, cursors: log.partitions.indices.map { log.cursor(of: $0) })
        for case .fetch(let partition, let cursor, _, let request) in start() {
            take(log.page(after: cursor, partition: partition, request: request), from: log)
        }
        request = nil
    }

    var standing: Subscriber.Standing { subscriber.standing(of: 0) }

    @discardableResult
    mutating func start() -> [Subscriber.Effect] { note(subscriber.connected(now: now)) }

    @discardableResult
    mutating func take(_ block: Block, from log: PublishedLog) -> [Subscriber.Effect] {
        note(subscriber.received(block, from: log.source, now: now))
    }

    @discardableResult
    mutating func take(
        _ page: Subscriber.PageReply, from log: PublishedLog
    ) -> [Subscriber.Effect] {
        if page.request == request { request = nil }
        return note(subscriber.received(page, from: log.source, now: now))
    }

    /// Answers the question not yet answered.
    @discardableResult
    mutating func answer(from log: PublishedLog) -> [Subscriber.Effect] {
        guard let request else {
            Issue.record("nothing was asked")
            return []
        }
        return take(log.page(after: position, request: request), from: log)
    }

    /// Answers and applies until nothing more is asked.
    mutating func answerAll(from log: PublishedLog) {
        while request != nil {
            answer(from: log)
            applyAll()
        }
    }

    mutating func hearHeads(of log: PublishedLog) -> [Subscriber.Effect] {
        note(subscriber.received(heads: log.heads, from: log.source, now: now))
    }

    /// Lets a tenth of a second pass, in which `log`, if any, is heard.
    @discardableResult
    mutating func tick(hearing log: PublishedLog?) -> [Subscriber.Effect] {
        now += 100
        if let log {
            _ = note(subscriber.received(heads: log.heads, from: log.source, now: now))
        }
        return note(subscriber.tick(now: now))
    }

    @discardableResult
    mutating func tick(
        until condition: ([Subscriber.Effect]) -> Bool, from log: PublishedLog
    ) -> [Subscriber.Effect] {
        for _ in 0..<1_000 {
            let effects = tick(hearing: log)
            if condition(effects) { return effects }
        }
        Issue.record("it never came")
        return []
    }

    /// Applies `count` more of the delivered blocks.
    @discardableResult
    mutating func apply(_ count: Int) -> [Subscriber.Effect] {
        let blocks = delivered[applied..<applied + count]
        applied += count
        guard let last = blocks.last else { return [] }
        let bytes = blocks.reduce(0) { $0 + $1.body.count }
        return note(subscriber.applied(partition: 0, through: last.last, bytes: bytes, now: now))
    }

    mutating func applyAll() { apply(delivered.count - applied) }

    private mutating func note(_ effects: [Subscriber.Effect]) -> [Subscriber.Effect] {
        for effect in effects {
            switch effect {
            case .deliver(let received):
                delivered.append(received.block)
                if received.block.partition == 0 { position = received.cursor }
            case .fetch(0, _, _, let request):
                self.request = request
            case .fetch, .renewReplay, .renewAll, .stopped:
                break
            }
        }
        return effects
    }
}

extension Subscriber.Effect {
    fileprivate var isFetch: Bool { if case .fetch = self { true } else { false } }
}
