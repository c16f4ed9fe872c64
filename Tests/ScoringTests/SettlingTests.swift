import GRDB
import Messages
import Model
import Scoring
import Storage
import Streams
import StreamsTestKit
import TestKit
import Testing
import Wire

/// Totals are settled in turns: nobody must be able to tell.
@Suite struct SettlingTests {
    private static let partitions = 3

    /// Residents of forty slices, each in the one partition that holds all of theirs.
    private static func resident(_ number: Int) -> Int64 { Int64(number) << 57 | 7 }

    private static func house(roundEntries: Int, rowsMax: Int = 262_144) throws -> House {
        try House(
            registry: try ScoringDomainTests.registry(), partitions: partitions, rowsMax: rowsMax,
            roundEntries: roundEntries)
    }

    /// What a few residents of `partition` do.
    private static func events(
        _ count: Int, in partition: Int, using numbers: inout SplitMix64
    ) -> [BehaviourEvent] {
        ScoringDomainTests.city(events: count, using: &numbers).map { event in
            var event = event
            let number = Int.random(in: 0..<13, using: &numbers) * partitions + partition
            event.resident = resident(number)
            return event
        }
    }

    /// A fault of the disk at the first row that enters `table`; what is written goes on without.
    private static func commit(
        _ block: ReceivedBlock, to house: House, failingAt table: String
    ) throws -> [PointsEvent] {
        try house.store.writer.write {
            try $0.execute(
                sql: """
                    CREATE TRIGGER full_disk BEFORE INSERT ON \(table)
                    BEGIN SELECT RAISE(ABORT, 'disk full'); END
                    """)
        }
        let attempt = Result { try house.commit([block]) }
        try house.store.writer.write { try $0.execute(sql: "DROP TRIGGER full_disk") }
        let commit: Writer<ScoringDomain>.Commit
        do {
            commit = try attempt.get()
        } catch is DatabaseError {
            commit = try house.commit([block])
        }
        return try commit.blocks.events(as: PointsEvent.self)
    }

    /// Entries that the tables of totals do not hold, found without a look at what finds them.
    private static func unsettled(in house: House) throws -> Int {
        try house.store.writer.read {
            let entries = try Int.fetchOne($0, sql: "SELECT count(*) FROM ledger_entry") ?? 0
            let settled = try Int.fetchOne(
                $0, sql: "SELECT ifnull(sum(entries), 0) FROM resident_total")
            return entries - (settled ?? 0)
        }
    }

    @Test(arguments: 0..<8)
    func `crashes and rollbacks leave what settling at once would have left`(
        number: Int
    ) throws {
        let seed = UInt64.random(in: .min ... .max)
        print("settling, seed \(seed)")
        var numbers = SplitMix64(seed: seed)
        let steady = try Self.house(roundEntries: 0)
        let lazy = try Self.house(
            roundEntries: .random(in: 1...400, using: &numbers),
            rowsMax: [0, 5, 262_144].randomElement(using: &numbers) ?? 0)
        for step in 0..<60 {
            let partition = Int.random(in: 0..<Self.partitions, using: &numbers)
            let events = Self.events(
                Int.random(in: 1...20, using: &numbers), in: partition, using: &numbers)
            let block = try lazy.block(events, partition: partition)
            let published =
                switch Int.random(in: 0..<6, using: &numbers) {
                case 0:
                    try Self.commit(
                        block, to: lazy,
                        failingAt: ["ledger_entry", "resident_total", "period_total", "settled"]
                            .randomElement(using: &numbers) ?? "")
                default: try lazy.commit([block]).blocks.events(as: PointsEvent.self)
                }
            #expect(published == (try steady.apply(events, partition: partition)))
            if Int.random(in: 0..<5, using: &numbers) == 0 { try lazy.restart() }
            if step % 20 == 19 {
                #expect(try lazy.contents() == (try steady.contents()))
                #expect(
                    try lazy.records { try $0.balance() == steady.records { try $0.balance() } })
            }
        }
        #expect(lazy.writer.heads == steady.writer.heads)
        #expect(try steady.records { try $0.balance().holds })
    }

    @Test func `the tail is no longer than a round and a transaction`() throws {
        let seed = UInt64.random(in: .min ... .max)
        print("length of the tail, seed \(seed)")
        var numbers = SplitMix64(seed: seed)
        let house = try Self.house(roundEntries: 100)
        var unsettledMost = 0
        for step in 0..<80 {
            try house.apply(Self.events(7, in: step % 3, using: &numbers), partition: step % 3)
            unsettledMost = max(unsettledMost, try Self.unsettled(in: house))
        }
        #expect((20...107).contains(unsettledMost))
    }

    @Test func `a process that dies after each transaction settles all the same`() throws {
        var numbers = SplitMix64(seed: 1)
        let house = try Self.house(roundEntries: 1_000)
        for step in 0..<300 {
            try house.apply(Self.events(2, in: step % 3, using: &numbers), partition: step % 3)
            try house.restart()
        }
        #expect(try Self.unsettled(in: house) <= 64 * 2)
    }

    @Test func `whoever does not know the tail reads it`() throws {
        var numbers = SplitMix64(seed: 2)
        let house = try Self.house(roundEntries: 150)
        for step in 0..<40 {
            try house.apply(Self.events(5, in: step % 3, using: &numbers), partition: step % 3)
        }
        #expect(try Self.unsettled(in: house) > 0)
        for resident in try house.residents() {
            let known = try house.ledger(of: resident, limit: 500)
            let read = try house.store.writer.read {
                try house.ledger(of: resident, limit: 500, in: $0, knowing: nil)
            }
            #expect(known == read)
            #expect(
                known.milligrams.rawValue
                    == known.entries.reduce(0) { $0 + $1.milligrams.rawValue })
        }
    }

    @Test func `a store in which everything was settled goes on from there`() throws {
        var numbers = SplitMix64(seed: 3)
        let (former, steady) = (
            try Self.house(roundEntries: 0), try Self.house(roundEntries: 0)
        )
        for partition in 0..<3 {
            let events = Self.events(40, in: partition, using: &numbers)
            for house in [former, steady] { try house.apply(events, partition: partition) }
        }
        // As the first migration left it.
        try former.store.writer.write {
            try $0.execute(
                sql: """
                    DROP VIEW ledger_head; DROP TABLE settled; DROP TABLE slice;
                    DELETE FROM grdb_migrations WHERE identifier LIKE 'scoring 0002%'
                    """)
        }
        try ScoringStore.migrations.migrate(former.store.writer)
        let house = try House(
            registry: former.registry, store: former.store, partitions: Self.partitions)
        #expect(try house.contents() == (try steady.contents()))
        #expect(try house.records { try $0.balance().holds })
    }

    @Test func `a new store has nothing to settle`() throws {
        let house = try Self.house(roundEntries: 100)
        #expect(try house.records { try $0.balance().holds })
        #expect(try house.periods().isEmpty)
    }

    // MARK: - A snapshot and a writer that goes on

    /// Houses on disk, where a snapshot stays as it is.
    private static func pool(in folder: TemporaryFolder) throws -> DatabasePool {
        try Store.connect(path: folder.file("scoring.sqlite"))
    }

    @Test(arguments: [10_000, 0])
    func `a snapshot is answered as it stood, whatever was settled since`(
        roundEntries: Int
    ) throws {
        let folder = try TemporaryFolder()
        let pool = try Self.pool(in: folder)
        let house = try House(
            registry: try ScoringDomainTests.registry(),
            store: try Store(writer: pool, migrations: ScoringStore.migrations),
            roundEntries: 10_000)
        let resident = Self.resident(9)
        try house.apply([accepted("cycling", "1", "km", by: 1)])
        try house.apply([accepted("cycling", "2", "km", by: resident)])
        let before = try house.ledger(of: resident)
        #expect(before.entries.count == 1)
        let snapshot = try pool.makeSnapshot()

        // The same store under a writer that settles, or does not.
        let later = try House(
            registry: house.registry, store: house.store, roundEntries: roundEntries)
        var cursor = RecordedStream(.behaviour, log: House.inputLog)
        _ = try cursor.block(of: [accepted("cycling", "1", "km", by: 1)])
        _ = try cursor.block(of: [accepted("cycling", "2", "km", by: resident)])
        try later.commit([try cursor.block(of: [accepted("cycling", "3", "km", by: resident)])])

        let after = try later.ledger(of: resident)
        #expect(after.entries.count == 2)
        #expect(after.milligrams == Milligrams(5_000))
        try snapshot.read {
            for tail in [house.tail, later.tail, nil] {
                let then = try house.ledger(of: resident, in: $0, knowing: tail)
                #expect(then == before)
            }
        }
        // A writer that has not said yet what it committed: as a moment earlier, or as it is.
        let known = try pool.read { try house.ledger(of: resident, in: $0, knowing: house.tail) }
        #expect(known == (roundEntries == 0 ? after : before))
    }
}
