import GRDB
import Model
import Storage

/// The ledger's entries that are not settled: the tables of totals do not hold them yet.
///
/// An entry is settled if it stands in its partition no later than its resident's slice is settled
/// through. What the totals are is always what their tables hold and the tail.
struct LedgerTail {
    private let database: Database

    init(in database: Database) { self.database = database }

    /// An entry, as far as totals are concerned.
    struct Entry {
        let place: LedgerPlace
        let resident: Int64
        /// nil for a refusal, which no period counts.
        let period: PeriodKey?
        let quantity: Int64
        let beforeCap: Int64
        let milligrams: Int64
        let points: Int64
    }

    /// A table expression named `tail`, and those it takes; it reads no more than the last round.
    static let expression = """
        WITH span (partition, after, through) AS MATERIALIZED (
            SELECT partition, max(partition << 48, (
                SELECT min(ifnull(settled.through, 0)) FROM slice LEFT JOIN settled
                ON settled.slice = slice.number AND settled.partition = ledger_head.partition
            )), place FROM ledger_head
        ), tail AS (
            SELECT entry.* FROM span
            CROSS JOIN ledger_entry AS entry
                ON entry.place > span.after AND entry.place <= span.through
            LEFT JOIN settled
                ON settled.slice = entry.resident >> \(SliceTurns.residentShift)
                AND settled.partition = span.partition
            WHERE entry.place > ifnull(settled.through, 0)
        )
        """

    /// Visits every entry, each partition's in their order.
    ///
    /// Throws `LedgerDamaged` for a version that the store does not know.
    func forEach(_ visit: (Entry) throws -> Void) throws {
        let periods = try PublishedVersion.all(in: database).mapValues(\.period)
        let entries = try IntegerStatement(
            """
            \(Self.expression)
            SELECT place, resident, time_ms, version, quantity, before_cap, milligrams, points
            FROM tail
            """, in: database)
        _ = try entries.all { row in
            let place = LedgerPlace(rawValue: row[0])
            let period = try row.optional(3).map { version in
                guard let number = Int32(exactly: version), let per = periods[number] else {
                    throw LedgerDamaged(place: place, what: "its version is unknown")
                }
                return PeriodKey(
                    version: number,
                    period: per.number(of: Instant(milliseconds: row[2]).localDay),
                    resident: row[1])
            }
            try visit(
                Entry(
                    place: place, resident: row[1], period: period, quantity: row[4],
                    beforeCap: row[5], milligrams: row[6], points: row[7]))
        }
    }

    /// Where the entries of `resident` stand, from the oldest to the newest; reads the whole tail.
    func places(of resident: Int64) throws -> [LedgerPlace] {
        try Int64.fetchAll(
            database.cachedStatement(
                sql: """
                    \(Self.expression)
                    SELECT place FROM tail WHERE resident = ? ORDER BY place
                    """), arguments: [resident]
        ).map(LedgerPlace.init(rawValue:))
    }

    /// The turn at which each slice was settled last.
    func turns() throws -> [Int64] {
        let turns = try Int64.fetchAll(
            database.cachedStatement(sql: "SELECT turn FROM slice ORDER BY number"))
        precondition(turns.count == SliceTurns.count, "a migration fills the table of slices")
        return turns
    }

    /// The turn at which the slice of `resident` was settled last.
    func turn(of resident: Int64) throws -> Int64? {
        try Int64.fetchOne(
            database.cachedStatement(sql: "SELECT turn FROM slice WHERE number = ?"),
            arguments: [SliceTurns.slice(of: resident)])
    }
}

extension PeriodTotals {
    /// Adds an entry that lies in this period; throws `LedgerDamaged` if the sums leave 64 bits.
    mutating func add(_ entry: LedgerTail.Entry) throws(LedgerDamaged) {
        quantity = Quantity(rawValue: try entry.sum(quantity.rawValue, entry.quantity))
        beforeCap = Milligrams(try entry.sum(beforeCap.rawValue, entry.beforeCap))
        milligrams = Milligrams(try entry.sum(milligrams.rawValue, entry.milligrams))
        points = Points(try entry.sum(points.rawValue, entry.points))
        events += 1
    }
}

extension ResidentTotals {
    /// Adds an entry newer than those it holds; throws `LedgerDamaged` if the sums leave 64 bits.
    mutating func add(_ entry: LedgerTail.Entry) throws(LedgerDamaged) {
        milligrams = Milligrams(try entry.sum(milligrams.rawValue, entry.milligrams))
        points = Points(try entry.sum(points.rawValue, entry.points))
        entries += 1
        newest = entry.place
    }
}

extension LedgerTail.Entry {
    fileprivate func sum(_ left: Int64, _ right: Int64) throws(LedgerDamaged) -> Int64 {
        let (sum, overflow) = left.addingReportingOverflow(right)
        guard !overflow else {
            throw LedgerDamaged(place: place, what: "its amounts leave 64 bits")
        }
        return sum
    }
}
