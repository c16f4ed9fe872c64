import GRDB
import Ingestion
import Messages
import Model
import Rewards
import Scoring
import Storage
import Streams
import SwiftProtobuf
import Wire

/// Follows messages from log to ledger until one is found that did not arrive as it left.
///
/// Logs and ledgers are only ever added to, so what lies before a known moment can be read page by
/// page, each page on snapshots of its own, while services go on.
struct Trace {
    static let pageBytesMax = 1 << 20

    let stores: StoreSet
    let moment: Audit.Moment

    /// What one event of `points` says was awarded.
    struct Award: Equatable {
        var sequence: UInt64
        var cause: UInt64
        var resident: Int64
        var day: LocalDay
        var beforeCap: Milligrams
        var milligrams: Milligrams
        var points: Points
        var isRefusal: Bool
    }

    // MARK: From behaviour to ledger

    /// The first accepted event without an outcome, or outcome without an accepted event.
    func firstUnscored(in partition: Int) throws -> String? {
        let end = moment.cursor(of: .scoring, in: .ingestion, partition).sequence
        let dead = moment.deadLetters(of: .scoring, from: .ingestion, partition)
        var next: UInt64 = 0
        while next < end {
            let page = try stores.read { snapshots -> (last: UInt64, finding: String?) in
                let blocks = try EventLog.blocks(
                    after: next, partition: partition, bytesMax: Self.pageBytesMax,
                    in: snapshots[.ingestion])
                guard let last = blocks.last.map({ min($0.last, end) }) else {
                    return (end, "behaviour/\(partition) ends at \(next), before scoring's cursor")
                }
                let accepted = try blocks.flatMap { try Self.acceptedEvents(in: $0) }
                    .filter { $0 <= last && !dead.contains($0) }
                let scored = try ScoringRecords(snapshots[.scoring]).events(
                    in: partition, after: next, through: last, limit: .max
                ).map(\.sequence)
                guard let odd = Self.firstDifference(accepted, scored) else { return (last, nil) }
                let name = try name(of: odd, partition, in: snapshots)
                let finding =
                    accepted.contains(odd)
                    ? "\(name) was accepted and has no entry in the carbon ledger"
                    : "\(name) has an entry in the carbon ledger and was not accepted"
                return (last, finding)
            }
            if let finding = page.finding { return finding }
            next = page.last
        }
        return nil
    }

    static func acceptedEvents(in block: Block) throws -> [UInt64] {
        var accepted: [UInt64] = []
        var sequence = block.first
        try forEachEvent(of: block, in: .behaviour) { bytes in
            if case .accepted = try BehaviourEvent(serializedBytes: bytes).payload {
                accepted.append(sequence)
            }
            sequence += 1
        }
        return accepted
    }

    /// The least number that only one of two ascending lists has, or has twice.
    static func firstDifference(_ left: [UInt64], _ right: [UInt64]) -> UInt64? {
        if left == right { return nil }
        for (one, other) in zip(left, right) where one != other { return min(one, other) }
        return left.count > right.count ? left[right.count] : right[left.count]
    }

    // MARK: From ledger to points

    /// The first entry of the carbon ledger that was not published, or not as it stands there.
    func firstMisstated(in partition: Int) throws -> String? {
        let end = moment[.scoring].heads[partition].sequence
        var next: UInt64 = 0
        var cause: UInt64 = 0
        while next < end {
            let page = try stores.read {
                snapshots -> (last: UInt64, cause: UInt64, finding: String?) in
                let blocks = try EventLog.blocks(
                    after: next, partition: partition, bytesMax: Self.pageBytesMax,
                    in: snapshots[.scoring])
                guard let last = blocks.last.map({ min($0.last, end) }) else {
                    return (end, cause, "points/\(partition) ends at \(next), before its head")
                }
                let awards = try blocks.flatMap { try Self.awards(in: $0) }
                    .filter { $0.sequence <= last }
                guard let lastCause = awards.last?.cause else { return (last, cause, nil) }
                let entries = try ScoringRecords(snapshots[.scoring]).events(
                    in: partition, after: cause, through: lastCause, limit: .max)
                let odd = Self.firstDifference(awards, entries)
                return (
                    last, lastCause,
                    try odd.map {
                        try name(of: $0, partition, in: snapshots)
                            + " is worth one thing in the carbon ledger and another in points/"
                            + "\(partition)"
                    }
                )
            }
            if let finding = page.finding { return finding }
            next = page.last
            cause = page.cause
        }
        return nil
    }

    static func awards(in block: Block) throws -> [Award] {
        var awards: [Award] = []
        var sequence = block.first
        try forEachEvent(of: block, in: .points) { bytes in
            let event = try PointsEvent(serializedBytes: bytes)
            switch event.payload {
            case .scored(let scored):
                awards.append(
                    Award(
                        sequence: sequence, cause: event.cause, resident: event.resident,
                        day: LocalDay(scored.day),
                        beforeCap: Milligrams(scored.milligramsBeforeCap),
                        milligrams: Milligrams(scored.milligrams), points: Points(scored.points),
                        isRefusal: false))
            case .refused(let refused):
                awards.append(
                    Award(
                        sequence: sequence, cause: event.cause, resident: event.resident,
                        day: LocalDay(refused.day), beforeCap: .zero, milligrams: .zero,
                        points: .zero, isRefusal: true))
            case .residentErased, .dayEnded, nil:
                break
            }
            sequence += 1
        }
        return awards
    }

    /// The cause of the first award that its ledger entry does not say too.
    private static func firstDifference(
        _ awards: [Award], _ entries: [ScoringRecords.Event]
    ) -> UInt64? {
        for (award, entry) in zip(awards, entries) {
            if award.cause != entry.sequence { return min(award.cause, entry.sequence) }
            let agrees =
                award.resident == entry.resident && award.milligrams == entry.milligrams
                && award.points == entry.points && award.beforeCap == entry.beforeCap
                && award.isRefusal == entry.reason.isRefusal
            if !agrees { return award.cause }
        }
        if awards.count == entries.count { return nil }
        return awards.count > entries.count
            ? awards[entries.count].cause : entries[awards.count].sequence
    }

    // MARK: From points to lots

    /// The first event of a resident's day whose lot does not hold what was awarded for that day.
    func firstMisissued(in partition: Int) throws -> String? {
        let end = moment.cursor(of: .rewards, in: .scoring, partition).sequence
        var awarded: [LotKey: (points: Points, first: UInt64)] = [:]
        var next: UInt64 = 0
        while next < end {
            let blocks = try stores.read {
                try EventLog.blocks(
                    after: next, partition: partition, bytesMax: Self.pageBytesMax,
                    in: $0[.scoring])
            }
            guard let last = blocks.last else { break }
            for award in try blocks.flatMap({ try Self.awards(in: $0) })
            where award.sequence <= end && award.points > .zero {
                let key = LotKey(resident: award.resident, day: award.day)
                awarded[key, default: (.zero, award.cause)].points += award.points
            }
            next = last.last
        }
        return try stores.read { snapshots in
            var lots: [LotKey: Points] = [:]
            for lot in try RewardsRecords(snapshots[.rewards]).lots() {
                lots[LotKey(resident: lot.resident.rawValue, day: lot.earnedDay)] = lot.awarded
            }
            let odd = awarded.filter { lots[$0.key] ?? .zero != $0.value.points }
            guard let first = odd.min(by: { $0.value.first < $1.value.first }) else { return nil }
            return try name(of: first.value.first, partition, in: snapshots)
                + " begins the day \(first.key.day) of resident \(first.key.resident), awarded "
                + "\(first.value.points.rawValue) points; the lot has "
                + "\((lots[first.key] ?? .zero).rawValue)"
        }
    }

    private struct LotKey: Hashable {
        var resident: Int64
        var day: LocalDay
    }

    // MARK: Reading

    /// Throws a `Failure` if the block does not hold events: then there is no trace to follow.
    private static func forEachEvent(
        of block: Block, in stream: StreamName, _ visit: (EventBytes) throws -> Void
    ) throws {
        do {
            try BlockBody.forEachEvent(in: block.body, visit)
        } catch {
            throw Failure(
                .refused,
                "the block at \(stream.rawValue)/\(block.partition)/\(block.first) cannot be read: "
                    + "`greenctl stream verify` tells which are damaged")
        }
    }

    // MARK: Names

    /// What its partner calls the event at `sequence` of `behaviour`.
    private func name(
        of sequence: UInt64, _ partition: Int, in snapshots: StoreSnapshots
    ) throws -> String {
        let event = try IngestionRecords(snapshots[.ingestion]).acceptedEvent(
            partition: partition, sequence: sequence)
        let place = "behaviour/\(partition)/\(sequence)"
        return event.map { "(\($0.source), \($0.id)) at \(place)" } ?? "the event at \(place)"
    }
}
