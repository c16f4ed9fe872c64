package import GRDB
import Model
import Storage
import Streams

/// The tables of the scoring store: the carbon ledger and the sums that decide awards.
///
/// Behaviours and units are interned as words and versions by their row, so the hot tables hold
/// nothing but integers. A resident's statement needs no index of its own: each entry names the
/// resident's entry before it, and the resident's row names the newest.
///
/// The tables of totals follow the ledger slice by slice: see `SliceTurns` and `LedgerTail`.
package enum ScoringStore {
    /// The tables of scoring's store.
    package static let migrations = StreamTables.migrations { migrator in
        migrator.registerMigration("scoring 0001 ledger, period sums, pinned versions") {
            try $0.execute(
                sql: """
                    -- The city that the store scores for: fixed by the first start.
                    CREATE TABLE city (
                        id INTEGER PRIMARY KEY CHECK (id = 1),
                        code TEXT NOT NULL
                    ) STRICT;

                    -- Behaviours and units, interned.
                    CREATE TABLE word (
                        id INTEGER PRIMARY KEY,
                        text TEXT NOT NULL UNIQUE
                    ) STRICT;

                    -- Published versions, as they were when this store first met them.
                    CREATE TABLE method_version (
                        id INTEGER PRIMARY KEY,
                        method TEXT NOT NULL,
                        version TEXT NOT NULL,
                        period TEXT NOT NULL CHECK (period IN ('day', 'month', 'year')),
                        fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 32),
                        -- Days since 1970-01-01; NULL: without end.
                        valid_to INTEGER,
                        UNIQUE (method, version)
                    ) STRICT;

                    -- The latest local day of which an event was decided: no version may begin
                    -- there or earlier any more.
                    CREATE TABLE decided_day (
                        behaviour INTEGER NOT NULL REFERENCES word,
                        unit INTEGER NOT NULL REFERENCES word,
                        day INTEGER NOT NULL,
                        PRIMARY KEY (behaviour, unit)
                    ) STRICT, WITHOUT ROWID;

                    -- Sums of one resident over one period under one version. Keyed so that what
                    -- is written today lies together, whoever it is of.
                    CREATE TABLE period_total (
                        version INTEGER NOT NULL,
                        period INTEGER NOT NULL,
                        resident INTEGER NOT NULL CHECK (resident > 0),
                        quantity INTEGER NOT NULL CHECK (quantity >= 0),
                        before_cap INTEGER NOT NULL CHECK (before_cap >= 0),
                        milligrams INTEGER NOT NULL CHECK (milligrams BETWEEN 0 AND before_cap),
                        points INTEGER NOT NULL CHECK (points >= 0),
                        events INTEGER NOT NULL CHECK (events > 0),
                        PRIMARY KEY (version, period, resident)
                    ) STRICT, WITHOUT ROWID;

                    CREATE TABLE resident_total (
                        resident INTEGER PRIMARY KEY CHECK (resident > 0),
                        milligrams INTEGER NOT NULL,
                        points INTEGER NOT NULL,
                        entries INTEGER NOT NULL CHECK (entries > 0),
                        newest INTEGER NOT NULL
                    ) STRICT;

                    -- One row an event, added to and never changed. Its key is the place of its
                    -- cause: partition * 2^48 + sequence.
                    CREATE TABLE ledger_entry (
                        place INTEGER PRIMARY KEY CHECK (place > 0),
                        resident INTEGER NOT NULL CHECK (resident > 0),
                        previous INTEGER CHECK (previous > 0),
                        time_ms INTEGER NOT NULL,
                        behaviour INTEGER NOT NULL,
                        unit INTEGER NOT NULL,
                        version INTEGER,
                        quantity INTEGER NOT NULL CHECK (quantity >= 0),
                        before_cap INTEGER NOT NULL CHECK (before_cap >= 0),
                        milligrams INTEGER NOT NULL,
                        points INTEGER NOT NULL,
                        reason INTEGER NOT NULL,
                        evidence INTEGER NOT NULL
                    ) STRICT;
                    """)
        }
        migrator.registerMigration("scoring 0002 totals settled in turns") {
            try $0.execute(
                sql: """
                    -- The newest entry of each partition, found by leaps from one to the next.
                    CREATE VIEW ledger_head (partition, place) AS
                    WITH RECURSIVE head (place) AS (
                        SELECT max(place) FROM ledger_entry
                        UNION ALL
                        SELECT (
                            SELECT max(place) FROM ledger_entry
                            WHERE place < head.place >> 48 << 48
                        ) FROM head WHERE head.place IS NOT NULL
                    )
                    SELECT place >> 48, place FROM head WHERE place IS NOT NULL;

                    -- Residents by the top six of their 63 bits, and when they were settled last.
                    CREATE TABLE slice (
                        number INTEGER PRIMARY KEY CHECK (number BETWEEN 0 AND 63),
                        turn INTEGER NOT NULL CHECK (turn % 64 = number)
                    ) STRICT;

                    -- The place through which the totals of a slice hold a partition's entries;
                    -- without a row they hold none.
                    CREATE TABLE settled (
                        slice INTEGER NOT NULL REFERENCES slice,
                        partition INTEGER NOT NULL,
                        through INTEGER NOT NULL CHECK (through >> 48 = partition),
                        PRIMARY KEY (slice, partition)
                    ) STRICT, WITHOUT ROWID;

                    WITH RECURSIVE counted (number) AS (
                        VALUES (0) UNION ALL SELECT number + 1 FROM counted WHERE number < 63
                    )
                    INSERT INTO slice (number, turn) SELECT number, number FROM counted;

                    -- So far every transaction wrote the totals of what it appended.
                    INSERT INTO settled (slice, partition, through)
                    SELECT slice.number, ledger_head.partition, ledger_head.place
                    FROM ledger_head CROSS JOIN slice;
                    """)
        }
    }
}

/// The sums' key: a version's row, and the number that its period has.
struct PeriodKey: Comparable {
    /// The version's row above, the period's number below.
    let scope: Int64
    let resident: Int64

    init(version: Int32, period: Int32, resident: Int64) {
        scope = Int64(version) << 32 | Int64(UInt32(bitPattern: period))
        self.resident = resident
    }

    var version: Int64 { scope >> 32 }
    var period: Int64 { Int64(Int32(truncatingIfNeeded: scope)) }

    static func < (left: Self, right: Self) -> Bool {
        left.scope != right.scope ? left.scope < right.scope : left.resident < right.resident
    }
}

/// All that one resident ever earned, and where the statement begins.
struct ResidentTotals: Equatable {
    var milligrams = Milligrams.zero
    var points = Points.zero
    var entries: Int64 = 0
    var newest: LedgerPlace?
}

/// An entry of the carbon ledger, as it lies in its table.
struct EntryRow {
    // OR FAIL, because a failure undoes the whole transaction: SQLite need not keep what it takes
    // to undo the statement alone.
    fileprivate static let ledger = IntegerRows(
        """
        INSERT OR FAIL INTO ledger_entry
            (place, resident, previous, time_ms, behaviour, unit, version, quantity, before_cap,
            milligrams, points, reason, evidence)
        """, columns: 13)

    var place: LedgerPlace
    var resident: Int64
    var previous: LedgerPlace?
    var time: Instant
    var behaviour: Int64
    var unit: Int64
    /// nil for a refusal.
    var version: Int64?
    var quantity: Quantity
    var beforeCap: Milligrams
    var milligrams: Milligrams
    var points: Points
    var reason: LedgerReason
    var evidence: Int32
}

/// What the tables of totals hold, whatever may be newer in the ledger or in memory.
///
/// A class, because every event asks for it, and a copy would retain each of its statements.
final class SettledTotals {
    private let selectPeriod: IntegerStatement
    private let selectScope: IntegerStatement
    private let selectResident: IntegerStatement

    init(in database: Database) throws {
        selectPeriod = try IntegerStatement(
            """
            SELECT quantity, before_cap, milligrams, points, events FROM period_total
            WHERE version = ? AND period = ? AND resident = ?
            """, in: database)
        selectScope = try IntegerStatement(
            "SELECT 1 FROM period_total WHERE version = ? AND period = ? LIMIT 1", in: database)
        selectResident = try IntegerStatement(
            "SELECT milligrams, points, entries, newest FROM resident_total WHERE resident = ?",
            in: database)
    }

    func totals(of key: PeriodKey) throws -> PeriodTotals {
        selectPeriod.bind(key.version, at: 1)
        selectPeriod.bind(key.period, at: 2)
        selectPeriod.bind(key.resident, at: 3)
        return try selectPeriod.first {
            PeriodTotals(
                quantity: Quantity(rawValue: $0[0]), beforeCap: Milligrams($0[1]),
                milligrams: Milligrams($0[2]), points: Points($0[3]), events: $0[4])
        } ?? .zero
    }

    /// Whether there is a row of the version and period of `key`, whoever it is of.
    func holdsAny(inScopeOf key: PeriodKey) throws -> Bool {
        selectScope.bind(key.version, at: 1)
        selectScope.bind(key.period, at: 2)
        return try selectScope.first { $0[0] } != nil
    }

    func totals(ofResident resident: Int64) throws -> ResidentTotals {
        selectResident.bind(resident, at: 1)
        return try selectResident.first {
            ResidentTotals(
                milligrams: Milligrams($0[0]), points: Points($0[1]), entries: $0[2],
                newest: LedgerPlace(rawValue: $0[3]))
        } ?? ResidentTotals()
    }
}

/// The statements that settle totals, prepared for one transaction.
struct SettlingStatements {
    // REPLACE, because it writes a row of a table without further indexes in one descent.
    private static let periods = IntegerRows(
        """
        REPLACE INTO period_total
            (version, period, resident, quantity, before_cap, milligrams, points, events)
        """, columns: 8)
    private static let residents = IntegerRows(
        "REPLACE INTO resident_total (resident, milligrams, points, entries, newest)", columns: 5)

    private let database: Database
    private let updateSlice: IntegerStatement
    private let replaceSettled: IntegerStatement

    init(in database: Database) throws {
        self.database = database
        updateSlice = try IntegerStatement(
            "UPDATE slice SET turn = ? WHERE number = ?", in: database)
        replaceSettled = try IntegerStatement(
            """
            REPLACE INTO settled (slice, partition, through)
            SELECT ?, partition, place FROM ledger_head
            """, in: database)
    }

    /// Notes that the slice of `turn` is settled through all that was appended.
    func settled(at turn: Int64) throws {
        let slice = Int64(SliceTurns.slice(at: turn))
        updateSlice.bind(turn, at: 1)
        updateSlice.bind(slice, at: 2)
        try updateSlice.run()
        replaceSettled.bind(slice, at: 1)
        try replaceSettled.run()
    }

    func write(_ periods: [(key: PeriodKey, value: PeriodTotals)]) throws {
        try Self.periods.write(periods, in: database) { row, binder in
            binder.bind(row.key.version)
            binder.bind(row.key.period)
            binder.bind(row.key.resident)
            binder.bind(row.value.quantity.rawValue)
            binder.bind(row.value.beforeCap.rawValue)
            binder.bind(row.value.milligrams.rawValue)
            binder.bind(row.value.points.rawValue)
            binder.bind(row.value.events)
        }
    }

    func write(_ residents: [(key: Int64, value: ResidentTotals)]) throws {
        try Self.residents.write(residents, in: database) { row, binder in
            binder.bind(row.key)
            binder.bind(row.value.milligrams.rawValue)
            binder.bind(row.value.points.rawValue)
            binder.bind(row.value.entries)
            binder.bind(row.value.newest?.rawValue)
        }
    }
}

extension [EntryRow] {
    /// Appends the entries to the ledger, in their order.
    func append(to database: Database) throws {
        try EntryRow.ledger.write(self, in: database) { entry, binder in
            binder.bind(entry.place.rawValue)
            binder.bind(entry.resident)
            binder.bind(entry.previous?.rawValue)
            binder.bind(entry.time.rawValue)
            binder.bind(entry.behaviour)
            binder.bind(entry.unit)
            binder.bind(entry.version)
            binder.bind(entry.quantity.rawValue)
            binder.bind(entry.beforeCap.rawValue)
            binder.bind(entry.milligrams.rawValue)
            binder.bind(entry.points.rawValue)
            binder.bind(entry.reason.rawValue)
            binder.bind(Int64(entry.evidence))
        }
    }
}
