package import GRDB
package import Model

/// What the scoring store holds, for the audit, the canonical dump and tests: read only.
package struct ScoringRecords {
    /// What one behaviour event came to.
    package struct Event: Equatable, Sendable {
        package var partition: Int
        package var sequence: UInt64
        package var resident: Int64
        package var reason: LedgerReason
        package var beforeCap: Milligrams
        package var milligrams: Milligrams
        package var points: Points

        /// `counted` or `refused`.
        package var state: String { reason.isRefusal ? "refused" : "counted" }
    }

    /// What a resident has in one period under one version.
    package struct PeriodRecord: Equatable, Sendable {
        package var resident: Int64
        package var method: String
        package var version: String
        /// `2026-08-10`, `2026-08` or `2026`.
        package var period: String
        package var milligrams: Milligrams
        package var points: Points
    }

    /// What a run of entries adds up to.
    package struct Sums: Equatable, Sendable {
        package var scored: Int64
        package var refused: Int64
        package var milligrams: Milligrams
        package var points: Points

        package init(scored: Int64, refused: Int64, milligrams: Milligrams, points: Points) {
            self.scored = scored
            self.refused = refused
            self.milligrams = milligrams
            self.points = points
        }
    }

    /// The same amounts, told by three tables that must agree.
    package struct Balance: Equatable, Sendable {
        package struct Amounts: Equatable, Sendable {
            package var events: Int64
            package var milligrams: Milligrams
            package var points: Points
        }

        /// Of the entries, refused ones included.
        package var entries: Amounts
        /// Of the residents' totals, refused ones included.
        package var residents: Amounts
        /// Of the period sums: scored events only.
        package var periods: Amounts
        package var refused: Int64

        package var holds: Bool {
            let scored = Amounts(
                events: entries.events - refused, milligrams: entries.milligrams,
                points: entries.points)
            return entries == residents && scored == periods
        }
    }

    private let database: Database

    package init(_ database: Database) { self.database = database }

    /// What the event at `sequence` came to; nil if it has no entry.
    package func event(partition: Int, sequence: UInt64) throws -> Event? {
        precondition(sequence > 0, "sequences begin at 1")
        return try events(in: partition, after: sequence - 1, through: sequence, limit: 1).first
    }

    /// Events with entries in (`sequence`, `last`], in order, at most `limit`.
    package func events(
        in partition: Int, after sequence: UInt64 = 0, through last: UInt64? = nil, limit: Int
    ) throws -> [Event] {
        let range = places(in: partition, after: sequence, through: last)
        let rows = try Row.fetchCursor(
            database.cachedStatement(
                sql: """
                    SELECT place, resident, reason, before_cap, milligrams, points
                    FROM ledger_entry WHERE place > ? AND place <= ? ORDER BY place LIMIT ?
                    """),
            arguments: [range.after.rawValue, range.through.rawValue, limit])
        var events: [Event] = []
        while let row = try rows.next() {
            let place = LedgerPlace(rawValue: row[0])
            guard let reason = LedgerReason(rawValue: row[2]) else {
                throw LedgerDamaged(place: place, what: "its reason is unknown")
            }
            events.append(
                Event(
                    partition: place.partition, sequence: place.sequence, resident: row[1],
                    reason: reason, beforeCap: Milligrams(row[3]), milligrams: Milligrams(row[4]),
                    points: Points(row[5])))
        }
        return events
    }

    /// Visits the sums of all periods, by version, period and resident.
    package func forEachPeriod(_ visit: (PeriodRecord) throws -> Void) throws {
        let rows = try Row.fetchCursor(
            database,
            sql: """
                SELECT resident, method_version.method, method_version.version,
                    method_version.period, period_total.period, milligrams, points
                FROM period_total JOIN method_version ON method_version.id = period_total.version
                ORDER BY period_total.version, period_total.period, resident
                """)
        while let row = try rows.next() {
            guard let per = CapPeriod(rawValue: row[3]) else {
                preconditionFailure("the table admits day, month and year only")
            }
            try visit(
                PeriodRecord(
                    resident: row[0], method: row[1], version: row[2],
                    period: per.period(number: row[4]).description,
                    milligrams: Milligrams(row[5]), points: Points(row[6])))
        }
    }

    /// Sums over the entries in (`sequence`, `last`] of a partition, taken from the entries alone.
    ///
    /// A long range can be summed in slices: sums over neighbouring ranges add up.
    package func sums(
        partition: Int, after sequence: UInt64 = 0, through last: UInt64? = nil
    ) throws -> Sums {
        let range = places(in: partition, after: sequence, through: last)
        let row = try Row.fetchOne(
            database.cachedStatement(
                sql: """
                    SELECT count(version), count(*) - count(version), ifnull(sum(milligrams), 0),
                        ifnull(sum(points), 0)
                    FROM ledger_entry WHERE place > ? AND place <= ?
                    """),
            arguments: [range.after.rawValue, range.through.rawValue])
        guard let row else { preconditionFailure("an aggregate answers one row") }
        return Sums(
            scored: row[0], refused: row[1], milligrams: Milligrams(row[2]), points: Points(row[3]))
    }

    /// What entries, residents and periods add up to; a long read on a large store.
    package func balance() throws -> Balance {
        let entries = try amounts("count(*)", in: "ledger_entry")
        return Balance(
            entries: entries,
            residents: try amounts("ifnull(sum(entries), 0)", in: "resident_total"),
            periods: try amounts("ifnull(sum(events), 0)", in: "period_total"),
            refused: try Int64.fetchOne(
                database, sql: "SELECT count(*) FROM ledger_entry WHERE version IS NULL") ?? 0)
    }

    private func amounts(_ events: String, in table: String) throws -> Balance.Amounts {
        let row = try Row.fetchOne(
            database,
            sql: """
                SELECT \(events), ifnull(sum(milligrams), 0), ifnull(sum(points), 0) FROM \(table)
                """)
        guard let row else { preconditionFailure("an aggregate answers one row") }
        return Balance.Amounts(
            events: row[0], milligrams: Milligrams(row[1]), points: Points(row[2]))
    }

    private func places(
        in partition: Int, after sequence: UInt64, through last: UInt64?
    ) -> (after: LedgerPlace, through: LedgerPlace) {
        (
            LedgerPlace(partition: partition, sequence: sequence),
            LedgerPlace(partition: partition, sequence: last ?? LedgerPlace.sequenceMax)
        )
    }
}
