import Foundation
package import GRDB
package import Logging
package import Messages
import Metrics
import Storage
import Synchronization

/// A service at work: a thread that writes, two that read, and a transport that does the talking.
///
/// The writer takes all that is queued, applies it in one transaction, and hands blocks and replies
/// to the transport after the commit, never before. When the store fails it rolls back and tries
/// the same work again: an accepted event is never skipped for a disk's sake.
package final class Engine<Work: Domain>: Station, @unchecked Sendable {
    // Unchecked: `writer` is touched by the writer's thread alone once `start` was called; all else
    // is immutable or guarded by `state`.
    package let name: String
    package let boot: UInt64
    package let identity: LogIdentity
    private let writer: Writer<Work>
    private let database: any DatabaseWriter
    private let answering: any Answering
    private let transport: any Transport
    private let settings: Settings
    private let logger: Logger
    private let jobs = BlockingQueue<Job>()
    private let readings = BlockingQueue<@Sendable () -> Void>()
    private let state: Mutex<State>
    private let threads = Mutex<[OwnThread]>([])
    private let counters: EngineCounters

    package struct Settings: Sendable {
        /// The streams it consumes.
        package var inputs: [StreamName]
        /// Events in one transaction: few where a receipt waits, many where one catches up.
        package var transactionEventsMax: Int
        /// How it gathers events between transactions, if nobody waits for them.
        package var gathering: Gathering?
        /// Renders the process's metrics for `engine.metrics`.
        package var metricsText: @Sendable () -> String

        package init(
            inputs: [StreamName], transactionEventsMax: Int, gathering: Gathering? = nil,
            metricsText: @escaping @Sendable () -> String = { "" }
        ) {
            self.inputs = inputs
            self.transactionEventsMax = transactionEventsMax
            self.gathering = gathering
            self.metricsText = metricsText
        }
    }

    package enum Limits {
        /// Commands that wait for the writer; beyond it a request is answered `busy`.
        package static var commandsMax: Int { 1_024 }
        package static var readingsMax: Int { 1_024 }
        package static var readerThreads: Int { 2 }
        package static var retrySecondsFirst: Double { 0.1 }
        package static var retrySecondsMax: Double { 5 }
    }

    private enum Job: Sendable {
        case block(ReceivedBlock)
        case command(CommandMessage, Route)
        case errand(Work.Errand, @Sendable (Work.ErrandResult) -> Void)
    }

    private struct State {
        var heads: [EventLog.Head]
        var cursors: [StreamName: [Cursor]]
        var commandsWaiting = 0
    }

    package init(
        name: String, boot: UInt64, writer: Writer<Work>, database: any DatabaseWriter,
        answering: any Answering, transport: any Transport, settings: Settings, logger: Logger
    ) {
        self.name = name
        self.boot = boot
        self.identity = writer.identity
        self.writer = writer
        self.database = database
        self.answering = answering
        self.transport = transport
        self.settings = settings
        self.logger = logger
        counters = EngineCounters(service: name)
        let cursors = settings.inputs.map { stream in
            (
                stream,
                (0..<writer.identity.partitions).map { writer.cursor(of: stream, partition: $0) }
            )
        }
        state = Mutex(
            State(heads: writer.heads, cursors: Dictionary(uniqueKeysWithValues: cursors)))
    }

    /// Starts the threads and the transport; throws if an endpoint cannot be had.
    package func start() throws {
        let writing = OwnThread(named: "writer") { [self] in write() }
        let reading = (0..<Limits.readerThreads).map { index in
            OwnThread(named: "reader-\(index)") { [self] in read() }
        }
        threads.withLock { $0 = [writing] + reading }
        do {
            try transport.start(for: self)
        } catch {
            stop()
            throw error
        }
    }

    /// Finishes what is queued, publishes it, and returns when every thread has ended.
    package func stop() {
        jobs.close()
        let ending = threads.withLock { threads in
            defer { threads = [] }
            return threads
        }
        ending.first?.join()
        transport.stop()
        readings.close()
        for thread in ending.dropFirst() { thread.join() }
    }

    /// Hands the writer an errand; `completion` is called on its thread after the commit.
    ///
    /// False if `weightMax` or more waits already; `completion` is then never called.
    package func submit(
        _ errand: Work.Errand, weight: Int, weightMax: Int,
        completion: @escaping @Sendable (Work.ErrandResult) -> Void
    ) -> Bool {
        jobs.put(.errand(errand, completion), weight: weight, weightMax: weightMax)
    }

    /// Events that wait for the writer.
    package var weightWaiting: Int { jobs.weightWaiting }

    // MARK: Station

    package var heads: [EventLog.Head] { state.withLock { $0.heads } }
    package var inputs: [StreamName: [Cursor]] { state.withLock { $0.cursors } }

    package func deliver(_ block: ReceivedBlock) {
        jobs.put(.block(block), weight: block.block.count)
    }

    package func submit(_ command: CommandMessage, route: Route) -> Bool {
        let admitted = state.withLock { state in
            guard state.commandsWaiting < Limits.commandsMax else { return false }
            state.commandsWaiting += 1
            return true
        }
        return admitted && jobs.put(.command(command, route), weight: 1, isPressing: true)
    }

    package func ask(_ query: QueryMessage, route: Route) {
        let asked = readings.put(
            { [self] in transport.reply(answer(query), to: route) }, weight: 1,
            weightMax: Limits.readingsMax)
        if !asked {
            transport.reply(
                ReplyMessage(status: .busy, code: "busy", message: "too many queries wait"),
                to: route)
        }
    }

    package func readPage(
        _ question: SLP.Question, completion: @escaping @Sendable (LogPage?) -> Void
    ) {
        let asked = readings.put(
            { [self] in
                do {
                    completion(
                        try database.read {
                            try LogPage.read(
                                after: question.cursor, partition: question.partition,
                                bytesMax: question.bytesMax, of: identity, in: $0)
                        })
                } catch {
                    logger.error("a page could not be read", metadata: ["error": "\(error)"])
                    completion(nil)
                }
            }, weight: 1)
        if !asked { completion(nil) }
    }

    // MARK: Threads

    private func read() {
        while let readings = readings.take(weightMax: 1) {
            for reading in readings { reading() }
        }
    }

    private func write() {
        var rest: BlockingQueue<Job>.Rest?
        while let taken = jobs.take(weightMax: settings.transactionEventsMax, after: rest) {
            guard let commit = commit(taken) else { return }
            announce(commit, of: taken)
            rest = settings.gathering.map {
                .init(
                    until: Date(timeIntervalSinceNow: $0.seconds), weightEnough: $0.eventsEnough)
            }
        }
    }

    /// Tries until it is done; nil if the service is told to stop while its store keeps failing.
    private func commit(_ taken: [Job]) -> Writer<Work>.Commit? {
        let work = taken.enumerated().map { index, job -> Writer<Work>.Job in
            switch job {
            case .block(let block): .block(block)
            case .command(let command, _): .command(command, UInt64(index))
            case .errand(let errand, _): .errand(errand, UInt64(index))
            }
        }
        var pause = Limits.retrySecondsFirst
        while true {
            do {
                return try writer.commit(work)
            } catch {
                counters.failures.increment()
                logger.error(
                    "a transaction failed and will be tried again",
                    metadata: ["error": "\(error)", "jobs": "\(work.count)"])
                if jobs.isClosed { return nil }
                jobs.pause(seconds: pause)
                pause = min(pause * 2, Limits.retrySecondsMax)
            }
        }
    }

    private func announce(_ commit: Writer<Work>.Commit, of taken: [Job]) {
        let heads = writer.heads
        state.withLock { state in
            state.heads = heads
            for stream in settings.inputs {
                state.cursors[stream] = (0..<identity.partitions).map {
                    writer.cursor(of: stream, partition: $0)
                }
            }
        }
        counters.transactions.increment()
        counters.eventsApplied.increment(by: commit.eventsApplied)
        counters.deadLetters.increment(by: commit.deadLetters)
        // Receipts go first: a partner waits for them, and nobody for what follows.
        for (ticket, result) in commit.results {
            guard case .errand(_, let completion) = taken[Int(ticket)] else { continue }
            completion(result)
        }
        var announcement = Announcement(blocks: commit.blocks, heads: heads)
        for (ticket, reply) in commit.replies {
            guard case .command(_, let route) = taken[Int(ticket)] else { continue }
            announcement.replies.append((route, reply))
        }
        for (stream, partition, reason) in commit.stopped {
            logger.critical("a stream stopped", metadata: ["reason": "\(reason)"])
            announcement.refused.append(
                .init(stream: stream, partition: partition, reason: reason))
        }
        announcement.applied = applied(by: taken)
        let commands = announcement.replies.count
        if commands > 0 { state.withLock { $0.commandsWaiting -= commands } }
        transport.announce(announcement)
    }

    /// One word for each partition, however many blocks there were.
    private func applied(by taken: [Job]) -> [Announcement.Applied] {
        var bytes: [EventPosition: Int] = [:]
        for case .block(let received) in taken {
            let place = EventPosition(
                stream: received.stream, partition: received.block.partition, sequence: 0)
            bytes[place, default: 0] += received.block.body.count
        }
        return bytes.map { place, bytes in
            let cursor = writer.cursor(of: place.stream, partition: place.partition)
            return Announcement.Applied(
                stream: place.stream, partition: place.partition, sequence: cursor.sequence,
                bytes: bytes)
        }
    }

    // MARK: Queries that every service answers

    private func answer(_ query: QueryMessage) -> ReplyMessage {
        do {
            switch query.method {
            case ShowStatus.method: return try .ok(try status())
            case ListDeadLetters.method: return try .ok(Listing(items: try deadLetters()))
            case ShowMetrics.method:
                return try .ok(ShowMetrics.Reply(text: settings.metricsText()))
            default: return try database.read { try answering.answer(query, in: $0) }
            }
        } catch {
            logger.error(
                "a query failed", metadata: ["method": "\(query.method)", "error": "\(error)"])
            return ReplyMessage(
                status: .unavailable, code: "store_failed", message: "the store could not be read")
        }
    }

    private func status() throws -> ServiceStatus {
        let (heads, cursors) = state.withLock { ($0.heads, $0.cursors) }
        let standings = transport.standings()
        let dead = try database.read {
            try Int.fetchOne($0, sql: "SELECT count(*) FROM dead_letter") ?? 0
        }
        return ServiceStatus(
            service: name, boot: String(boot, radix: 16), stream: identity.stream.rawValue,
            heads: heads.map {
                ServiceStatus.Head(
                    partition: $0.partition, sequence: $0.sequence,
                    milligrams: $0.totals.milligrams, points: $0.totals.points,
                    chain: $0.chain.description)
            },
            inputs: settings.inputs.flatMap { stream in
                (cursors[stream] ?? []).enumerated().map { partition, cursor in
                    let standing = standings.first {
                        $0.stream == stream && $0.partition == partition
                    }
                    return ServiceStatus.Input(
                        stream: stream.rawValue, partition: partition, cursor: cursor.sequence,
                        head: standing?.head, state: standing?.state ?? "not connected")
                }
            }, deadLetters: dead)
    }

    private func deadLetters() throws -> [DeadLetterRecord] {
        try database.read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT stream, partition, sequence, reason, event FROM dead_letter
                    ORDER BY stream, partition, sequence LIMIT 1000
                    """
            ).map {
                DeadLetterRecord(
                    stream: $0[0], partition: $0[1], sequence: UInt64($0[2] as Int64),
                    reason: $0[3], event: Data(($0[4] as DatabaseBytes).bytes).base64EncodedString()
                )
            }
        }
    }
}

/// How long a service lets events gather after a transaction.
///
/// A transaction costs the machine about as much as a hundred events do, whoever waits for it or
/// not. A service that answers nobody rests between two, and the others have the time and the disk.
package struct Gathering: Sendable {
    package var seconds: Double
    /// It goes on earlier when this many wait.
    package var eventsEnough: Int

    package init(seconds: Double, eventsEnough: Int) {
        self.seconds = seconds
        self.eventsEnough = eventsEnough
    }
}

/// What an engine counts.
struct EngineCounters: Sendable {
    let transactions: Counter
    let eventsApplied: Counter
    let deadLetters: Counter
    let failures: Counter

    init(service: String) {
        let dimensions = [("service", service)]
        transactions = Counter(label: "engine.transactions", dimensions: dimensions)
        eventsApplied = Counter(label: "engine.events.applied", dimensions: dimensions)
        deadLetters = Counter(label: "engine.dead.letters", dimensions: dimensions)
        failures = Counter(label: "engine.transaction.failures", dimensions: dimensions)
    }
}
