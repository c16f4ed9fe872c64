import Foundation
import GRDB
import Messages
import Scoring
import SimulatedDisk
import Streams
import StreamsTestKit

/// A publisher and a consumer, each on a disk of its own; processes die and the power fails.
///
/// The world remembers what the publisher acknowledged and what the consumer applied, and compares
/// that with what their stores say whenever one of them comes back.
struct TwoServices {
    /// What must hold of the publisher's store after the power failed.
    enum Promise {
        /// Everything that was acknowledged is there.
        case durable
        /// What is there is whole and in order, but its end may be missing.
        case whole
        /// Nothing: the store may be ruined, as long as that is found.
        case nothing
    }

    /// What a run came to, to see that it was not idle.
    struct Tally: Equatable {
        var commits = 0
        var deaths = 0
        var powerLosses = 0
        var appliedBlocks = 0
        /// A commit that nobody was told of, and that was there afterwards.
        var unspoken = 0
        /// The publisher's log ended before what it had acknowledged.
        var regressions = 0
        /// A store that cannot be opened or does not pass its own check.
        var ruins = 0
        var verdicts: Set<String> = []
        /// Cursors that were beyond what the publisher had, and those that it had passed since.
        var ahead = 0
        var overtaken = 0

        mutating func add(_ other: Tally) {
            commits += other.commits
            deaths += other.deaths
            powerLosses += other.powerLosses
            appliedBlocks += other.appliedBlocks
            unspoken += other.unspoken
            regressions += other.regressions
            ruins += other.ruins
            verdicts.formUnion(other.verdicts)
            ahead += other.ahead
            overtaken += other.overtaken
        }
    }

    private static let registry = Result {
        let folder = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("deploy/methodologies").path
        return try MethodologyRegistry.load(folder: folder)
    }

    let publisher: SimulatedProcess<ReportsDomain>
    let consumer: SimulatedProcess<ScoringDomain>
    private let promise: Promise
    private var random: SplitMix64
    private var follower: Follower
    private var reports: Int64 = 0
    /// By partition: what the publisher acknowledged, and what the consumer applied.
    private var acknowledged: [[Block]]
    private var applied: [[Block]]
    /// The reports of transactions whose end nobody has heard of, and the blocks of such a one.
    private var unspoken: Set<Set<Int64>> = []
    private var attempted: [Block] = []
    private(set) var tally = Tally()

    init(seed: UInt64, synchronous: String? = nil, promise: Promise = .durable) throws {
        self.promise = promise
        random = SplitMix64(seed: seed)
        let registry = try Self.registry.get()
        // Half of the worlds see checkpoints while they work, the others only at start and stop.
        let checkpointPages = random.once(in: 2) ? Int.random(in: 4...40, using: &random) : nil
        publisher = SimulatedProcess(
            .behaviour, synchronous: synchronous, checkpointPages: checkpointPages,
            migrations: ReportsDomain.migrations,
            domain: { _ in ReportsDomain() })
        consumer = SimulatedProcess(
            .points, checkpointPages: checkpointPages, migrations: ScoringStore.migrations,
            domain: {
                try ScoringDomain(
                    database: $0, registry: registry, city: "beijing", roundEntries: 100)
            })
        acknowledged = Array(repeating: [], count: ReportsDomain.partitions)
        applied = acknowledged
        try publisher.start(using: &random)
        try consumer.start(using: &random)
        follower = Follower(consumer: try consumer.running, seed: seed)
    }

    /// By partition: what the consumer has applied or been given to apply.
    private var delivered: [[Block]] {
        var delivered = applied
        for block in follower.waiting { delivered[block.block.partition].append(block.block) }
        return delivered
    }

    /// Partitions in which `blocks` are no beginning of what the publisher's log holds.
    private func partitionsBeside(_ blocks: [[Block]]) -> Set<Int> {
        Set(blocks.indices.filter { !acknowledged[$0].starts(with: blocks[$0]) })
    }

    /// Whether the publisher's log ends before what the consumer has applied, in some partition.
    var isPublisherBehind: Bool {
        applied.indices.contains {
            acknowledged[$0].last?.last ?? 0 < applied[$0].last?.last ?? 0
        }
    }

    // MARK: Steps

    /// Takes `steps` steps; ends before that if the consumer stops or the publisher is ruined.
    mutating func run(steps: Int) throws {
        for _ in 0..<steps {
            try step()
            if tally.ruins > 0 { return }
            if !follower.stops.isEmpty { return try proveStopped() }
        }
        // At last both are well, and everything arrives.
        try restartPublisher()
        try restartConsumer()
        if tally.ruins > 0 { return }
        try follow()
        if !follower.stops.isEmpty { return try proveStopped() }
        guard applied == acknowledged else {
            throw Broken("not all that was published has arrived")
        }
        try proveConsumer()
    }

    private mutating func step() throws {
        if random.once(in: 3) { arm(publisher.disk) }
        if random.once(in: 5) { arm(consumer.disk) }
        for _ in 0..<Int.random(in: 1...3, using: &random) where !publisher.disk.hasDied {
            try publish()
        }
        if random.once(in: 2), !publisher.disk.hasDied { try follow() }
        if random.once(in: 8), !publisher.disk.hasDied {
            // It folds the WAL into the store, and may die of that.
            try? publisher.stop()
            try restartPublisher()
        } else if publisher.disk.hasDied || random.once(in: 5) {
            try restartPublisher()
        }
        if consumer.disk.hasDied || random.once(in: 8) { try restartConsumer() }
    }

    private mutating func arm(_ disk: SimulatedDisk) {
        disk.dieAfter(
            writes: .random(in: 1...14, using: &random),
            keeping: .random(in: 0...5_000, using: &random))
    }

    /// Commits some reports; if the process dies of it, what becomes of them is open.
    mutating func publish() throws {
        // Seldom so many that their block takes several pages.
        let count = Int.random(in: random.once(in: 20) ? 40...150 : 1...4, using: &random)
        let errand = ReportsDomain.Errand(
            reports: (0..<count).map { _ in
                reports += 1
                return ReportsDomain.Report(
                    number: reports, resident: .random(in: 1...6, using: &random),
                    unit: random.once(in: 10) ? "mile" : "km")
            })
        do {
            let commit = try publisher.running.commit([.errand(errand, 1)])
            tally.commits += 1
            for block in commit.blocks { acknowledged[block.partition].append(block) }
            if !random.once(in: 4) {
                let beside = partitionsBeside(delivered)
                try follower.receive(commit.blocks, from: publisher)
                try judgeStops(beside)
            }
        } catch let error as DatabaseError {
            guard publisher.disk.hasDied else { throw error }
            unspoken.insert(Set(errand.reports.map(\.number)))
        }
    }

    /// The consumer hears of the publisher and applies what it is given.
    mutating func follow() throws {
        let beside = partitionsBeside(delivered)
        try follower.pull(from: publisher)
        try judgeStops(beside)
        guard follower.stops.keys.sorted() == beside.sorted() else {
            throw Broken("beside the log in \(beside), stopped in \(follower.stops.keys)")
        }
        try applyWaiting()
    }

    /// Nobody is stopped but who is `beside` the publisher's log.
    private mutating func judgeStops(_ beside: Set<Int>) throws {
        guard beside.isSuperset(of: follower.stops.keys) else {
            throw Broken("stopped for nothing: \(follower.stops)")
        }
        tally.verdicts.formUnion(follower.verdicts)
    }

    private mutating func applyWaiting() throws {
        attempted = follower.waiting.map(\.block)
        do {
            for block in try follower.apply(to: try consumer.running) {
                applied[block.partition].append(block)
                tally.appliedBlocks += 1
            }
            attempted = []
        } catch let error as DatabaseError {
            guard consumer.disk.hasDied else { throw error }
            try restartConsumer()
        }
    }

    // MARK: Deaths

    private mutating func end<Work>(_ process: SimulatedProcess<Work>) {
        tally.deaths += 1
        if random.once(in: 3) {
            process.kill()
        } else {
            tally.powerLosses += 1
            process.losePower(using: &random)
        }
    }

    /// Starts a process anew, until it does not die of that either.
    private mutating func begin<Work>(_ process: SimulatedProcess<Work>) throws {
        while true {
            end(process)
            if random.once(in: 8) {
                process.disk.dieAfter(writes: .random(in: 1...30, using: &random))
            }
            do {
                try process.start(using: &random)
                process.disk.dieAfter(writes: nil)
                return
            } catch {
                guard process.disk.hasDied else { throw error }
            }
        }
    }

    /// The publisher dies and comes back with what its promise says.
    mutating func restartPublisher() throws {
        do {
            try begin(publisher)
            let identity = try publisher.running.identity
            let log = try publisher.read { try ReportsDomain.proven(identity, in: $0) }
            try compare(log, on: identity.stream)
            acknowledged = log
        } catch {
            guard promise == .nothing else { throw error }
            // SQLite's error or a broken promise: either way it is found.
            tally.ruins += 1
        }
    }

    /// Compares the log, which is whole, with what was acknowledged.
    ///
    /// Without syncs it may hold even a transaction that was lost before: a later one, torn where
    /// both have the same bytes, can make it complete again.
    private mutating func compare(_ log: [[Block]], on stream: StreamName) throws {
        guard zip(log, acknowledged).allSatisfy({ $0.starts(with: $1) }) else {
            guard promise != .durable else { throw Broken("what was acknowledged is gone") }
            tally.regressions += 1
            return
        }
        let more = zip(log, acknowledged).flatMap { $0.dropFirst($1.count) }
        if more.isEmpty { return }
        guard unspoken.contains(Set(try ReportsDomain.places(of: more, on: stream).keys)) else {
            throw Broken("a transaction is there that nobody began")
        }
        tally.unspoken += 1
    }

    /// The consumer dies and comes back with everything that it had applied, or all that it tried.
    mutating func restartConsumer() throws {
        try begin(consumer)
        let writer = try consumer.running
        var tried = applied
        for block in attempted { tried[block.partition].append(block) }
        attempted = []
        func matches(_ blocks: [[Block]]) -> Bool {
            blocks.indices.allSatisfy {
                let cursor = writer.cursor(of: .behaviour, partition: $0)
                return cursor.sequence == blocks[$0].last?.last ?? 0
                    && cursor.chain == blocks[$0].last?.chain
            }
        }
        if !matches(applied) {
            guard matches(tried) else { throw Broken("the consumer is not where it was") }
            applied = tried
        }
        try proveConsumer()
        follower = Follower(consumer: writer, seed: random.next())
    }

    /// The publisher comes back as it was when `image` was taken.
    mutating func restorePublisher(_ image: SimulatedDisk.Image) throws {
        publisher.disk.restore(image)
        try restartPublisher()
    }

    // MARK: Proofs

    /// The consumer's store holds what follows from the applied blocks, and nothing else.
    private func proveConsumer() throws {
        let identity = try consumer.running.identity
        try consumer.read { database in
            let log = try provenLog(identity, in: database)
            let records = ScoringRecords(database)
            guard try records.balance().holds else { throw Broken("scoring does not balance") }
            for partition in applied.indices {
                let events = applied[partition].last?.last ?? 0
                let entries = try records.events(in: partition, limit: .max)
                guard log[partition].last?.last ?? 0 == events, entries.count == Int(events),
                    entries.map(\.sequence) == Array(1..<events + 1)
                else { throw Broken("scoring has other events than it applied") }
            }
        }
    }

    /// Whatever happens next, a consumer that was stopped applies nothing any more.
    mutating func proveStopped() throws {
        try restartPublisher()
        try restartConsumer()
        if tally.ruins > 0 { return }
        let stopped = partitionsBeside(applied)
        for partition in stopped {
            let isAhead =
                applied[partition].last?.last ?? 0 > acknowledged[partition].last?.last ?? 0
            if isAhead { tally.ahead += 1 } else { tally.overtaken += 1 }
        }
        let before = applied
        for round in 0..<6 {
            try follow()
            guard stopped.isSubset(of: follower.stops.keys) else {
                throw Broken("a stopped partition goes on in round \(round)")
            }
            try publish()
            if round == 3 { try restartConsumer() }
        }
        for partition in stopped where applied[partition] != before[partition] {
            throw Broken("a stopped partition has moved")
        }
        try proveConsumer()
    }
}
