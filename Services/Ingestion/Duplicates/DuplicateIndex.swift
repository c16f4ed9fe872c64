package import GRDB

/// Every event ever accepted, by the digest of its (source, id): found for ever, in little memory.
///
/// On disk, ids lie in the order of acceptance, up to 2,048 in one row of `accepted_ids` together
/// with the digests of their contents: one row a transaction and partition, appended and never
/// touched again. An index over random ids would instead dirty a page an event, and slow down for
/// as long as it grows. What finds an id is in memory: generations of fingerprints, 5.4 bytes an
/// id, that say which rows may hold it. A row is then read and compared, so an answer rests on 128
/// keyed bits and never on a fingerprint. At 30 million ids the tables take 166 MiB, a new id costs
/// 0.3 µs to add and 1.3 µs to look for in vain, and one such look in 3,000 reads a row for
/// nothing.
///
/// A generation that is full is never written again; the next is larger, up to 4 Mi slots (20 MiB).
/// Nothing of an open transaction enters them: its ids wait in a dictionary until `committed`, so
/// that `rolledBack` has nothing to undo. At the start they are rebuilt from the rows' ids.
package final class DuplicateIndex {
    /// How large the generations are; tests take small ones.
    package struct Sizes: Sendable {
        package var firstSlots: Int
        package var lastSlots: Int
        package var idsPerRowMax: Int

        package init(firstSlots: Int, lastSlots: Int, idsPerRowMax: Int) {
            self.firstSlots = firstSlots
            self.lastSlots = lastSlots
            self.idsPerRowMax = idsPerRowMax
        }

        package static let standard = Sizes(
            firstSlots: 64 << 10, lastSlots: 4 << 20, idsPerRowMax: 2_048)
    }

    /// An event that was accepted earlier.
    package struct Earlier: Equatable {
        package var partition: Int
        package var sequence: UInt64
        package var content: Digest128

        package init(partition: Int, sequence: UInt64, content: Digest128) {
            self.partition = partition
            self.sequence = sequence
            self.content = content
        }
    }

    private enum Limits {
        static let growth = 4
        /// Rows kept after a duplicate was found in them: whoever resends, resends in order.
        static let rowsKept = 4
    }

    private let sizes: Sizes
    private var generations: [CuckooTable] = []
    private var nextRow: Int64
    /// Of the running transaction.
    private var pending: [Digest128: Earlier] = [:]
    private var runs: [IdentityRun] = []
    /// The run of each partition that may still grow, by its place in `runs`.
    private var openRuns: [Int: Int] = [:]
    private var written: [(row: Int64, run: IdentityRun)] = []
    private var kept: [IdentityRow] = []
    private var keptNext = 0

    /// Rebuilds the index from the rows of `database`.
    package init(database: Database, sizes: Sizes = .standard) throws {
        self.sizes = sizes
        nextRow = 1
        try IngestionStore.forEachIdentityRow(in: database) { row, ids in
            ids.withUnsafeBytes { ids in
                for offset in stride(from: 0, to: ids.count, by: Digest128.byteCount) {
                    remember(
                        Digest128(UnsafeRawBufferPointer(rebasing: ids[offset...])), row: row)
                }
            }
            nextRow = row + 1
        }
    }

    package var count: Int { generations.reduce(0) { $0 + $1.count } }
    /// What the generations hold in memory.
    package var byteCount: Int { generations.reduce(0) { $0 + $1.byteCount } }
    package var generationCount: Int { generations.count }

    /// The accepted event with this identity, or nil if there is none.
    package func find(_ identity: Digest128, in database: Database) throws -> Earlier? {
        if let earlier = pending[identity] { return earlier }
        var found: Earlier?
        // Newest first: what is sent again is mostly recent.
        for generation in generations.reversed() {
            let isFound = try generation.contains(identity) { row in
                found = try load(row, from: database)?.find(identity)
                return found != nil
            }
            if isFound { break }
        }
        return found
    }

    private func load(_ number: Int64, from database: Database) throws -> IdentityRow? {
        if let row = kept.first(where: { $0.number == number }) { return row }
        guard let row = try IngestionStore.identityRow(number, in: database) else { return nil }
        if kept.count < Limits.rowsKept {
            kept.append(row)
        } else {
            kept[keptNext] = row
            keptNext = (keptNext + 1) % Limits.rowsKept
        }
        return row
    }

    /// Notes that the running transaction accepted an event, as the next one of its partition.
    package func note(
        _ identity: Digest128, content: Digest128, partition: Int, sequence: UInt64
    ) {
        let earlier = pending.updateValue(
            Earlier(partition: partition, sequence: sequence, content: content), forKey: identity)
        precondition(earlier == nil, "an event is accepted once")
        if let open = openRuns[partition], runs[open].next == sequence,
            runs[open].count < sizes.idsPerRowMax
        {
            runs[open].append(identity, content: content)
            return
        }
        var run = IdentityRun(partition: partition, first: sequence)
        run.append(identity, content: content)
        openRuns[partition] = runs.count
        runs.append(run)
    }

    /// Writes what was noted.
    package func flush(in database: Database) throws {
        for run in runs {
            let row = nextRow + Int64(written.count)
            try IngestionStore.insert(run, row: row, in: database)
            written.append((row, run))
        }
        runs = []
        openRuns = [:]
    }

    package func committed() {
        for (row, run) in written {
            for identity in run.identities { remember(identity, row: row) }
            nextRow = row + 1
        }
        forgetPending()
    }

    package func rolledBack() { forgetPending() }

    private func forgetPending() {
        pending.removeAll(keepingCapacity: true)
        runs = []
        openRuns = [:]
        written = []
    }

    private func remember(_ identity: Digest128, row: Int64) {
        if let newest = generations.last, newest.insert(identity, row: row) { return }
        let slots = generations.last.map { min($0.slotCount * Limits.growth, sizes.lastSlots) }
        let generation = CuckooTable(slotCount: slots ?? sizes.firstSlots, firstRow: row)
        generations.append(generation)
        let isPlaced = generation.insert(identity, row: row)
        precondition(isPlaced, "an empty generation has room")
    }
}

/// Ids accepted one after the other in one partition by one transaction: a row to be.
struct IdentityRun {
    var partition: Int
    /// Sequence of the first.
    var first: UInt64
    var ids: [UInt8] = []
    var contents: [UInt8] = []
    private(set) var identities: [Digest128] = []

    init(partition: Int, first: UInt64) {
        self.partition = partition
        self.first = first
    }

    var count: Int { identities.count }
    var next: UInt64 { first + UInt64(count) }

    mutating func append(_ identity: Digest128, content: Digest128) {
        identities.append(identity)
        identity.append(to: &ids)
        content.append(to: &contents)
    }
}

/// A row as it was written: the sequence of an id is `first` and its place.
final class IdentityRow {
    let number: Int64
    private let partition: Int
    private let first: UInt64
    private let ids: [UInt8]
    private let contents: [UInt8]
    /// Where the next one sought will be, if they are sought in order.
    private var hint = 0

    /// Throws `IdentityRowDamaged` if the two columns are not of one length.
    init(
        number: Int64, partition: Int, first: UInt64, ids: [UInt8], contents: [UInt8]
    ) throws(IdentityRowDamaged) {
        guard ids.count == contents.count, ids.count.isMultiple(of: Digest128.byteCount) else {
            throw IdentityRowDamaged(row: number)
        }
        self.number = number
        self.partition = partition
        self.first = first
        self.ids = ids
        self.contents = contents
    }

    func find(_ identity: Digest128) -> DuplicateIndex.Earlier? {
        let count = ids.count / Digest128.byteCount
        let place: Int? = ids.withUnsafeBytes { ids in
            let (high, low) = (identity.high.bigEndian, identity.low.bigEndian)
            for step in 0..<count {
                let place = hint + step < count ? hint + step : hint + step - count
                let offset = place * Digest128.byteCount
                if ids.loadUnaligned(fromByteOffset: offset, as: UInt64.self) == high,
                    ids.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self) == low
                {
                    return place
                }
            }
            return nil
        }
        guard let place else { return nil }
        hint = place + 1 < count ? place + 1 : 0
        let content = contents.withUnsafeBytes {
            Digest128(UnsafeRawBufferPointer(rebasing: $0[(place * Digest128.byteCount)...]))
        }
        return DuplicateIndex.Earlier(
            partition: partition, sequence: first + UInt64(place), content: content)
    }
}

/// A row of `accepted_ids` that is not what was written.
package struct IdentityRowDamaged: Error, Equatable {
    package var row: Int64
}
