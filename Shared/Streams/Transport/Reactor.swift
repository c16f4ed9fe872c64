import Logging
import Messages
import Metrics
import SwiftProtobuf
import Synchronization
import ZeroMQ

/// The thread that owns every socket of a transport, and nothing else.
///
/// A thin shell: it moves frames between sockets and the values that decide (`Subscriber`,
/// `PageQueue`), and work between the engine's queues and the sockets.
final class Reactor {
    private let transport: ZeroMQTransport
    private let station: any Station
    private let publisher: Held
    private let replay: Held
    private let requests: Held
    private var feeds: [Feed]
    private var pages = PageQueue<[UInt8], SLP.Question>()
    private var nextTick: Int64
    private var nextHead: Int64
    /// Up to where blocks were sent.
    ///
    /// The station may be ahead of it, and a HEAD that overtook its blocks would make every
    /// subscriber ask for what is on its way.
    private var heads: [EventLog.Head]
    private let counters: ReactorCounters

    init(transport: ZeroMQTransport, station: any Station) throws {
        let counters = ReactorCounters()
        self.counters = counters
        self.transport = transport
        self.station = station
        publisher = Held(try Socket(.pub, in: transport.context, options: .liveFeed))
        replay = Held(try Socket(.router, in: transport.context, options: .replayService))
        requests = Held(try Socket(.router, in: transport.context, options: .requestService))
        try publisher.socket.bind(to: transport.endpoints.publish)
        try replay.socket.bind(to: transport.endpoints.replay)
        try requests.socket.bind(to: transport.endpoints.request)
        let now = MonotonicClock.milliseconds()
        nextTick = now
        nextHead = now
        heads = station.heads
        let inputs = station.inputs
        feeds = try transport.subscriptions.map { subscription in
            try Feed(
                subscription, cursors: inputs[subscription.stream] ?? [], station: station,
                transport: transport, counters: counters, now: now)
        }
    }

    func run() {
        var set = PollSet()
        do {
            for feed in feeds { try feed.connect(now: MonotonicClock.milliseconds()) }
            while true {
                if try work() { return }
                set.removeAll()
                _ = set.add(transport.wakeUp)
                _ = set.add(publisher.socket)
                let replayEntry = set.add(replay.socket)
                let requestsEntry = set.add(requests.socket)
                let entries = feeds.map { ($0, $0.add(to: &set)) }
                let patience = max(0, min(nextTick, nextHead) - MonotonicClock.milliseconds())
                switch try set.wait(milliseconds: Int(patience)) {
                case .terminated: return
                case .timedOut: continue
                case .ready: break
                }
                let now = MonotonicClock.milliseconds()
                if set.isReadable(requestsEntry) { try takeRequests() }
                if set.isReadable(replayEntry) { try takeQuestions() }
                for (feed, entry) in entries {
                    if set.isReadable(entry.live) { try feed.takeLive(now: now) }
                    if set.isReadable(entry.pages) { try feed.takePages(now: now) }
                }
            }
        } catch {
            // Every error of a socket is a bug or the end of the process's resources: the service
            // must not go on half deaf.
            transport.logger.critical("the reactor failed", metadata: ["error": "\(error)"])
            fatalError("the reactor failed: \(error)")
        }
    }

    /// Does what other threads asked for and what time demands; true when it is time to end.
    private func work() throws -> Bool {
        transport.wakeUp.drain()
        let outbox = transport.outbox.withLock { outbox in
            let taken = outbox
            outbox = ZeroMQTransport.Outbox()
            outbox.stopping = taken.stopping
            return taken
        }
        let now = MonotonicClock.milliseconds()
        for block in outbox.blocks { try publish(block) }
        if let heads = outbox.heads {
            self.heads = heads
            // One for a burst of commits: each block's header tells as much, if it arrives.
            nextHead = min(nextHead, now + ZeroMQTransport.Limits.burstMilliseconds)
        }
        for (route, reply) in outbox.replies {
            let frames = try Exchange.frames(of: reply, requestID: route.requestID)
            if case .sent = try requests.socket.send([route.peer] + frames) { continue }
            counters.repliesUndelivered.increment()
        }
        for (peer, question, page) in outbox.pages { try send(page, to: peer, for: question) }
        for applied in outbox.applied {
            for feed in feeds where feed.subscription.stream == applied.stream {
                try feed.applied(applied, now: now)
            }
        }
        for refused in outbox.refused {
            for feed in feeds where feed.subscription.stream == refused.stream {
                try feed.refused(refused, now: now)
            }
        }
        if outbox.stopping {
            try publishHeads(now: now)
            return true
        }
        serveQuestions()
        if now >= nextTick {
            for feed in feeds { try feed.tick(now: now) }
            transport.show(feeds.flatMap(\.standings))
            nextTick = now + ZeroMQTransport.Limits.tickMilliseconds
        }
        if now >= nextHead { try publishHeads(now: now) }
        return false
    }

    // MARK: Publishing

    private func publish(_ block: Block) throws {
        let identity = station.identity
        let header =
            try SLP.header(
                of: block, stream: identity.stream, log: identity.log, boot: station.boot
            ).serializedBytes() as [UInt8]
        let topic = SLP.blockTopic(identity.stream, partition: block.partition)
        _ = try publisher.socket.send([Array(topic.utf8), header, block.body])
        counters.blocksPublished.increment()
    }

    private func publishHeads(now: Int64) throws {
        let identity = station.identity
        let header =
            try SLP.head(of: heads, identity: identity, boot: station.boot)
            .serializedBytes() as [UInt8]
        _ = try publisher.socket.send([Array(SLP.headTopic(identity.stream).utf8), header, []])
        nextHead = now + ZeroMQTransport.Limits.headMilliseconds
    }

    // MARK: Serving pages

    private func takeQuestions() throws {
        for _ in 0..<ZeroMQTransport.Limits.messagesPerTurn {
            guard let message = try replay.socket.receive() else { return }
            guard message.frames.count == 3,
                let question = SLP.question(header: message.frames[1]),
                question.stream == station.identity.stream
            else {
                counters.dropped.increment()
                continue
            }
            pages.ask(question, partition: question.partition, by: message.frames[0])
        }
    }

    private func serveQuestions() {
        while let (peer, question) = pages.next() {
            station.readPage(question) { [transport] page in
                transport.tell { $0.pages.append((peer, question, page)) }
            }
        }
    }

    private func send(_ page: LogPage?, to peer: [UInt8], for question: SLP.Question) throws {
        pages.done(peer)
        guard let page else { return }
        let frames = try SLP.frames(
            of: page, to: question, identity: station.identity, boot: station.boot)
        // A peer that is gone or slow asks again.
        if case .sent = try replay.socket.send([peer] + frames) {
            counters.pagesServed.increment()
        }
    }

    // MARK: Requests

    private func takeRequests() throws {
        for _ in 0..<ZeroMQTransport.Limits.messagesPerTurn {
            guard let message = try requests.socket.receive() else { return }
            guard let peer = message.frames.first,
                let request = Exchange.request(message.frames.dropFirst())
            else {
                counters.dropped.increment()
                continue
            }
            let route = Route(peer: peer, requestID: request.requestID)
            switch request.kind {
            case .query(let query):
                station.ask(query, route: route)
            case .command(let command):
                guard !station.submit(command, route: route) else { continue }
                transport.reply(
                    ReplyMessage(
                        status: .busy, code: "busy", message: "too many commands wait; try again"),
                    to: route)
            }
        }
    }
}

/// A socket in a place where only copyable values can stand; its thread's alone all the same.
final class Held {
    let socket: Socket

    init(_ socket: consuming Socket) { self.socket = socket }
}

/// What a reactor counts.
struct ReactorCounters {
    let dropped = Counter(label: "slp.messages.dropped")
    let blocksPublished = Counter(label: "slp.blocks.published")
    let pagesServed = Counter(label: "slp.pages.served")
    let pagesFetched = Counter(label: "slp.pages.fetched")
    let socketsRenewed = Counter(label: "slp.sockets.renewed")
    let repliesUndelivered = Counter(label: "requests.replies.undelivered")
}
