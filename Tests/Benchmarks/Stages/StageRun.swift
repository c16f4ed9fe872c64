import GRDB
import Ingestion
import Messages
import Model
import Storage
import Streams
import SwiftProtobuf
import Wire

/// One pass of a day through the stages, one after the other, in one thread.
///
/// What a stage makes is kept for those that need it. Each is run once: it changes the stores.
final class StageRun {
    private let day: PreparedDay
    private let services: InProcess
    private var batches: [PartnerBatch] = []
    private var behaviours: [Block] = []
    private var points: [Block] = []
    private var done: [Stage: StageMeasure] = [:]
    private var isMarked = true

    private enum Limits {
        /// Events of one transaction of ingestion: what the edge's credit lets in at once.
        static let ingestionEvents = 2_000
    }

    init(_ day: PreparedDay) throws {
        self.day = day
        services = try InProcess(day)
    }

    /// Measures `stage`, after what it needs.
    ///
    /// - Parameter isMarked: whether a tool from outside shall count this one.
    func measure(_ stage: Stage, isMarked: Bool = true) throws -> StageMeasure {
        if let done = done[stage] { return done }
        for prerequisite in stage.prerequisites {
            _ = try measure(prerequisite, isMarked: false)
        }
        self.isMarked = isMarked
        let measure = try carryOut(stage)
        done[stage] = measure
        return measure
    }

    private func carryOut(_ stage: Stage) throws -> StageMeasure {
        switch stage {
        case .decode: return try decode()
        case .duplicates: return try findDuplicates()
        case .ingest: return try ingest()
        case .score:
            return try measured(events: accepted) {
                points = try services.apply(
                    behaviours, of: services.ingestion.identity, to: services.scoring)
            }
        case .post:
            return try measured(events: scored) {
                _ = try services.apply(
                    points, of: services.scoring.identity, to: services.rewards)
            }
        case .fold:
            return try measured(events: scored) {
                _ = try services.apply(
                    points, of: services.scoring.identity, to: services.credit)
            }
        case .encodeBlock: return try encodeBlocks()
        case .decodeBlock:
            return try measured(events: accepted) {
                for block in behaviours { _ = try events(of: block) }
            }
        case .chain: return try chain()
        case .hop:
            return try Hop(services.ingestion.identity).carry(behaviours)
        }
    }

    private func measured(events: Int, _ body: () throws -> Void) throws -> StageMeasure {
        try StageMeasure(events: events, isMarked: isMarked, body)
    }

    private var accepted: Int { behaviours.reduce(0) { $0 + $1.count } }
    private var scored: Int { points.reduce(0) { $0 + $1.count } }

    private func decode() throws -> StageMeasure {
        batches.reserveCapacity(day.lanes.reduce(0) { $0 + $1.bodies.count })
        return try measured(events: day.events) {
            // Partners in turn, as they come to the edge.
            for place in 0..<(day.lanes.map(\.bodies.count).max() ?? 0) {
                for lane in day.lanes where place < lane.bodies.count {
                    batches.append(try services.decode(lane.bodies[place], of: lane.partner))
                }
            }
        }
    }

    private func ingest() throws -> StageMeasure {
        var rest = batches[...]
        return try measured(events: day.events) {
            while !rest.isEmpty {
                var events = 0
                let group = rest.prefix { batch in
                    defer { events += batch.items.count }
                    return events < Limits.ingestionEvents
                }
                behaviours += try services.ingest(group)
                rest = rest.dropFirst(group.count)
            }
        }
    }

    private func findDuplicates() throws -> StageMeasure {
        let store = try Store.inMemory(migrations: IngestionStore.migrations)
        let index = try store.writer.read { try DuplicateIndex(database: $0) }
        var generator = SplitMix64(seed: 1)
        let content = Digest128(high: 1, low: 2)
        let ids = (0..<day.events).map { _ in
            Digest128(high: generator.next(), low: generator.next())
        }
        return try measured(events: ids.count) {
            var sequence: UInt64 = 0
            for start in stride(from: 0, to: ids.count, by: Limits.ingestionEvents) {
                try store.writer.write { database in
                    for id in ids[start..<min(start + Limits.ingestionEvents, ids.count)] {
                        guard try index.find(id, in: database) == nil else { continue }
                        sequence += 1
                        index.note(id, content: content, partition: 0, sequence: sequence)
                    }
                    try index.flush(in: database)
                }
                index.committed()
            }
        }
    }

    private func events(of block: Block) throws -> [BehaviourEvent] {
        var events: [BehaviourEvent] = []
        events.reserveCapacity(block.count)
        try BlockBody.forEachEvent(in: block.body) {
            events.append(try BehaviourEvent(serializedBytes: $0))
        }
        return events
    }

    private func encodeBlocks() throws -> StageMeasure {
        let decoded = try behaviours.map(events(of:))
        return try measured(events: accepted) {
            for events in decoded {
                var body = WireBuffer(capacity: Block.Limits.bodyBytesTarget)
                for event in events { try BlockBody.append(event, to: &body) }
            }
        }
    }

    private func chain() throws -> StageMeasure {
        try measured(events: accepted) {
            var chain = Chain(
                log: services.ingestion.identity.log, stream: .behaviour, partition: 0)
            for block in behaviours {
                chain = chain.extended(first: block.first, count: block.count, body: block.body)
            }
        }
    }
}
