import GRDB
import Greenctl
import Messages
import Model
import SimulatedDisk
import Storage
import Streams
import StreamsTestKit
import SwiftProtobuf

/// One run of a service: the real writer, domain and subscriber, with turns in place of threads.
///
/// What `Engine`, `Reactor` and `Feed` do on their threads and sockets it does step by step, so
/// that the schedule can end it between any two of them.
class Process<Work: Domain>: Running {
    /// What was opened on a disk, for a process to work with.
    struct Opened {
        var store: Store
        var writer: Writer<Work>
        var made: Blueprint<Work>.Made
        var boot: UInt64
        var disk: SimulatedDisk
    }

    enum Job {
        case block(ReceivedBlock)
        case command(CommandMessage, Route)
        case errand(Work.Errand, ticket: UInt64)
    }

    let service: ServiceName
    let boot: UInt64
    unowned let world: World
    private let blueprint: Blueprint<Work>
    private let store: Store
    private let writer: Writer<Work>
    private let answering: any Answering
    private let disk: SimulatedDisk
    private let link: Link?
    private var subscriber: Subscriber?
    /// As of the last commit that returned: between a failed one and the next, the writer's own
    /// are nobody's business.
    private var heads: [EventLog.Head]
    private(set) var cursors: [Streams.Cursor]
    private var pages = PageQueue<Peer, SLP.Question>()
    private(set) var jobs: [Job] = []
    private var retryAt: Int64 = 0
    private(set) var failure: String?
    private var nextTick: Int64 = 0
    private var nextHead: Int64 = 0

    private struct Peer: Hashable {
        var consumer: ServiceName
        var session: UInt64
    }

    init(_ world: World, _ blueprint: Blueprint<Work>, _ opened: Opened) throws {
        self.world = world
        self.blueprint = blueprint
        service = blueprint.service
        boot = opened.boot
        store = opened.store
        writer = opened.writer
        answering = opened.made.answering
        disk = opened.disk
        link = world.links[service]
        heads = writer.heads
        cursors = Self.cursors(of: writer, blueprint)
    }

    private static func cursors(
        of writer: Writer<Work>, _ blueprint: Blueprint<Work>
    ) -> [Streams.Cursor] {
        guard let input = blueprint.input else { return [] }
        return (0..<writer.identity.partitions).map { writer.cursor(of: input, partition: $0) }
    }

    /// The sockets are there: what it subscribes to is asked for.
    func connect() throws {
        guard let input = blueprint.input, let link else { return }
        world.renew(link)
        var first = Subscriber(stream: input, cursors: cursors, now: world.now, seed: boot)
        let effects = first.connected(now: world.now)
        subscriber = first
        try carryOut(effects)
    }

    var identity: LogIdentity { writer.identity }
    var isIdle: Bool { jobs.isEmpty }

    var stops: [String] {
        guard let subscriber else { return [] }
        return (0..<identity.partitions).compactMap {
            if case .stopped(let reason) = subscriber.standing(of: $0) { reason } else { nil }
        }
    }

    var isLive: Bool {
        guard let subscriber else { return true }
        return (0..<identity.partitions).allSatisfy { subscriber.standing(of: $0) == .live }
    }

    func turn() throws {
        try world.pass(.idle, service)
        try listen()
        try servePages()
        try work()
        if world.now >= nextTick {
            nextTick = world.now + ZeroMQTransport.Limits.tickMilliseconds
            if let effects = subscriber?.tick(now: world.now) { try carryOut(effects) }
        }
        if world.now >= nextHead { try publishHeads() }
    }

    // MARK: What arrives

    /// Everything that came since the last turn, or a part of it.
    func listen() throws {
        try takeRequests()
        // Which socket is looked at first is chance.
        if world.chance.once(in: 2) {
            try takeLive()
            try takePages()
        } else {
            try takePages()
            try takeLive()
        }
    }

    private func takeLive() throws {
        guard let link else { return }
        let peer = link.peer
        for _ in 0..<world.chance.draw(1...20) {
            // A renewed socket ends the turn, as in the reactor.
            guard link.peer == peer, let frames = link.live.take(at: world.now),
                let kind = frames.first?.first
            else { return }
            if kind == UInt8(ascii: "B"),
                let (_, source, block) = SLP.block(header: frames[1], body: frames[2])
            {
                let block = world.parts.arriving(block, cursorGiven(block.partition))
                if block.first <= cursorGiven(block.partition).sequence {
                    world.coverage.reach(.oldBlockDropped)
                }
                try observe(as: .liveDelivered) {
                    $0.received(block, from: source, now: world.now)
                }
            } else if kind == UInt8(ascii: "H"),
                let (_, source, heads) = SLP.heads(header: frames[1])
            {
                try observe { $0.received(heads: heads, from: source, now: world.now) }
            }
        }
    }

    private func takePages() throws {
        guard let link else { return }
        let peer = link.peer
        for _ in 0..<world.chance.draw(1...3) {
            guard link.peer == peer, let frames = link.pages.take(at: world.now),
                let (_, source, answer) = SLP.page(header: frames[0], body: frames[1])
            else { return }
            var page = answer
            var before = cursorGiven(page.partition)
            page.blocks = page.blocks.map { block in
                let arrived = world.parts.arriving(block, before)
                before = Streams.Cursor(log: source.log, sequence: block.last, chain: arrived.chain)
                return arrived
            }
            let given = page.blocks.count
            world.coverage.reach(given == 0 ? .pageUpToDate : .pageWithBlocks)
            let delivered = try observe { $0.received(page, from: source, now: world.now) }
            if delivered > given { world.coverage.reach(.spliced) }
        }
    }

    private func cursorGiven(_ partition: Int) -> Streams.Cursor {
        world.witness.given(service, partition)
    }

    /// Lets the subscriber take something in, and notes what became of it.
    @discardableResult
    private func observe(
        as milestone: Coverage.Milestone? = nil, _ take: (inout Subscriber) -> [Subscriber.Effect]
    ) throws -> Int {
        guard var current = subscriber else { return 0 }
        let wasLive = (0..<identity.partitions).map { current.standing(of: $0) == .live }
        let effects = take(&current)
        subscriber = current
        for partition in 0..<identity.partitions {
            let isLive = current.standing(of: partition) == .live
            if isLive, !wasLive[partition] {
                world.coverage.reach(.caughtUp)
            }
            if wasLive[partition], !isLive, current.standing(of: partition) == .catchingUp {
                world.coverage.reach(.gapFound)
                let given = world.witness.given(service, partition).sequence
                guard let lost = link?.lostThrough, partition < lost.count, given < lost[partition]
                else {
                    throw Violation(
                        "FIFO rule",
                        "\(service) asked for a page though nothing of its feed was lost")
                }
            }
        }
        var delivered = 0
        for effect in effects { if case .deliver = effect { delivered += 1 } }
        if let milestone { world.coverage.reach(milestone, delivered) }
        try carryOut(effects)
        return delivered
    }

    private func takeRequests() throws {
        let line = world.line(to: service)
        while let (peer, frames) = line.requests.take(at: world.now) {
            guard let request = Exchange.request(frames) else { continue }
            let route = Route(
                peer: withUnsafeBytes(of: peer) { Array($0) }, requestID: request.requestID)
            switch request.kind {
            case .query(let query):
                world.reply(try answer(query), to: route, from: service)
            case .command(let command):
                jobs.append(.command(command, route))
            }
        }
    }

    private func answer(_ query: QueryMessage) throws -> ReplyMessage {
        do {
            return try store.writer.read { try answering.answer(query, in: $0) }
        } catch {
            return ReplyMessage(
                status: .unavailable, code: "store_failed", message: "the store could not be read")
        }
    }

    func submit(_ errand: Work.Errand, ticket: UInt64) {
        jobs.append(.errand(errand, ticket: ticket))
    }

    // MARK: Pages for others

    private func servePages() throws {
        for link in world.links.values.sorted(by: { $0.consumer.rawValue < $1.consumer.rawValue })
        where link.publisher == service {
            while let frames = link.questions.take(at: world.now) {
                guard let question = SLP.question(header: frames[0]) else { continue }
                pages.ask(
                    question, partition: question.partition,
                    by: Peer(consumer: link.consumer, session: link.peer))
            }
        }
        while let (peer, question) = pages.next() {
            defer { pages.done(peer) }
            guard let link = world.links[peer.consumer], link.peer == peer.session else { continue }
            let asked = world.parts.asked(question, world.witness)
            let page: LogPage?
            do {
                page = try store.writer.read {
                    try LogPage.read(
                        after: asked.cursor, partition: asked.partition, bytesMax: asked.bytesMax,
                        of: identity, in: $0)
                }
            } catch {
                // As in the engine: what cannot be read now is asked for again.
                continue
            }
            guard let page else { continue }
            for block in page.blocks {
                try world.witness.sent(block, of: identity.stream, as: "a page with")
            }
            let frames = try SLP.frames(of: page, to: question, identity: identity, boot: boot)
            link.pages.put(world.parts.leaving(frames), arrival: world.arrival(over: link))
        }
    }

    // MARK: Work

    private func work() throws {
        guard !jobs.isEmpty, world.now >= retryAt, !world.isStalled(service) else { return }
        let taken = Array(jobs.prefix(world.chance.draw(1...min(jobs.count, 200))))
        try world.pass(.received, service)
        if world.takesDeath(.committing, service) {
            disk.dieAfter(writes: world.chance.draw(1...12))
        }
        let undone = world.parts.announcesEarly ? disk.backup() : nil
        let commit: Writer<Work>.Commit
        do {
            commit = try writer.commit(taken.enumerated().map { Self.job($0.element, $0.offset) })
        } catch let violation as Violation {
            throw violation
        } catch {
            if disk.hasDied { throw Death(boundary: .committing) }
            world.coverage.reach(.commitRetried)
            failure = "\(error)"
            retryAt = world.now + 100
            return
        }
        world.coverage.reach(.committed)
        failure = nil
        heads = writer.heads
        cursors = Self.cursors(of: writer, blueprint)
        jobs.removeFirst(taken.count)
        try world.witness.committed(commit.blocks, of: identity)
        if let undone, world.takesDeath(.committed, service) {
            try announce(commit, of: taken)
            disk.restore(undone)
            throw Death(boundary: .committed)
        }
        try world.pass(.committed, service)
        try announce(commit, of: taken)
    }

    private static func job(_ job: Job, _ index: Int) -> Writer<Work>.Job {
        switch job {
        case .block(let block): .block(block)
        case .command(let command, _): .command(command, UInt64(index))
        case .errand(let errand, _): .errand(errand, UInt64(index))
        }
    }

    private func announce(_ commit: Writer<Work>.Commit, of taken: [Job]) throws {
        for block in commit.blocks {
            try publish(block)
            try world.pass(.sending, service)
        }
        if !commit.blocks.isEmpty { try publishHeads() }
        if let (_, _, reason) = commit.stopped.first {
            throw Violation("I4", "\(service) met a block that it cannot apply: \(reason)")
        }
        guard commit.deadLetters == 0 else {
            throw Violation("dead letters", "\(service) could not apply what another published")
        }
        try world.pass(.published, service)
        for (ticket, reply) in commit.replies {
            guard case .command(_, let route) = taken[Int(ticket)] else { continue }
            world.reply(reply, to: route, from: service)
            try world.pass(.answering, service)
        }
        for (index, result) in commit.results {
            guard case .errand(_, let ticket) = taken[Int(index)] else { continue }
            try finished(ticket, with: result)
            try world.pass(.answering, service)
        }
        try acknowledge(taken)
    }

    /// An errand is done, and on disk.
    func finished(_ ticket: UInt64, with result: Work.ErrandResult) throws {}

    private func acknowledge(_ taken: [Job]) throws {
        var bytes: [Int: Int] = [:]
        for case .block(let received) in taken {
            bytes[received.block.partition, default: 0] += received.block.body.count
        }
        for (partition, bytes) in bytes.sorted(by: { $0.key < $1.key }) {
            let through = cursors[partition].sequence
            try observe {
                $0.applied(partition: partition, through: through, bytes: bytes, now: world.now)
            }
        }
    }

    private func publish(_ block: Block) throws {
        try world.witness.sent(block, of: identity.stream, as: "the block")
        let topic = SLP.blockTopic(identity.stream, partition: block.partition)
        let header =
            try SLP.header(of: block, stream: identity.stream, log: identity.log, boot: boot)
            .serializedBytes() as [UInt8]
        if world.parts.tellsHeadFirst { try publishHeads() }
        world.broadcast([Array(topic.utf8), header, block.body], from: service, isBlock: true)
    }

    private func publishHeads() throws {
        nextHead = world.now + ZeroMQTransport.Limits.headMilliseconds
        try world.witness.sent(heads, of: identity.stream)
        let header =
            try SLP.head(of: heads, identity: identity, boot: boot).serializedBytes()
            as [UInt8]
        world.broadcast(
            [Array(SLP.headTopic(identity.stream).utf8), header, []], from: service,
            isBlock: false)
    }

    // MARK: What the subscriber wants

    private func carryOut(_ effects: [Subscriber.Effect]) throws {
        guard let link else { return }
        for effect in effects {
            switch effect {
            case .deliver(let received):
                try world.witness.delivered(received, to: service)
                jobs.append(.block(received))
                try checkBounds()
            case .fetch(let partition, let cursor, let applied, let request):
                let fetch = SLP.fetch(
                    partition: partition, from: cursor, applied: applied, request: request,
                    stream: blueprint.input ?? .behaviour, subscriber: service.rawValue, schema: 1)
                link.questions.put(
                    [try fetch.serializedBytes(), []], arrival: world.arrival(over: link))
            case .renewReplay:
                world.coverage.reach(.pagesRenewed)
                link.renewPages()
            case .renewAll:
                world.coverage.reach(.allRenewed)
                world.renew(link)
                if let effects = subscriber?.connected(now: world.now) { try carryOut(effects) }
            case .stopped(_, let reason):
                try world.stopped(service, reason)
            }
        }
    }

    /// I9: what waits here is bounded, however slow this consumer is.
    private func checkBounds() throws {
        var bytes = 0
        for case .block(let received) in jobs { bytes += received.block.body.count }
        let most =
            (Subscriber.Limits.queuedBytesMax + Subscriber.Limits.splicedBytesMax
                + 2 * Subscriber.Limits.pageBytesMax) * identity.partitions
        guard bytes <= most else {
            throw Violation("I9", "\(bytes) bytes wait to be applied by \(service)")
        }
    }
}
