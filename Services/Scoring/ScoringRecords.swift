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
        let versions = try PublishedVersion.all(in: database)
        var tail: [(key: PeriodKey, entry: LedgerTail.Entry)] = []
        try LedgerTail(in: database).forEach { entry in
            if let key = entry.period { tail.append((key, entry)) }
        }
        tail.sort { $0.key < $1.key }
        var next = 0
        /// Adds what the tail has of `key`; all before `key` has been visited.
        func visitPeriod(_ key: PeriodKey, settled: PeriodTotals) throws {
            var totals = settled
            while next < tail.count, tail[next].key == key {
                try totals.add(tail[next].entry)
                next += 1
            }
            // Sums of no version are damage, which the balance shows.
            guard let version = versions[Int32(key.version)] else { return }
            try visit(
                PeriodRecord(
                    resident: key.resident, method: version.id.method, version: version.id.version,
                    period: version.period.period(number: Int32(key.period)).description,
                    milligrams: totals.milligrams, points: totals.points))
        }
        let rows = try Row.fetchCursor(
            database,
            sql: """
                SELECT version, period, resident, quantity, before_cap, milligrams, points, events
                FROM period_total ORDER BY version, period, resident
                """)
        while let row = try rows.next() {
            let key = PeriodKey(version: row[0], period: row[1], resident: row[2])
            while next < tail.count, tail[next].key < key {
                try visitPeriod(tail[next].key, settled: .zero)
            }
            try visitPeriod(
                key,
                settled: PeriodTotals(
                    quantity: Quantity(rawValue: row[3]), beforeCap: Milligrams(row[4]),
                    milligrams: Milligrams(row[5]), points: Points(row[6]), events: row[7]))
        }
        while next < tail.count { try visitPeriod(tail[next].key, settled: .zero) }
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
    ///
    /// Residents and periods are what their tables hold and what the ledger's tail adds to it.
    package func balance() throws -> Balance {
        Balance(
            entries: try amounts("SELECT 1 AS events, milligrams, points FROM ledger_entry"),
            residents: try amounts(
                """
                SELECT entries AS events, milligrams, points FROM resident_total
                UNION ALL SELECT 1, milligrams, points FROM tail
                """),
            periods: try amounts(
                """
                SELECT events, milligrams, points FROM period_total
                UNION ALL SELECT 1, milligrams, points FROM tail WHERE version IS NOT NULL
                """),
            refused: try Int64.fetchOne(
                database, sql: "SELECT count(*) FROM ledger_entry WHERE version IS NULL") ?? 0)
    }

    private func amounts(_ rows: String) throws -> Balance.Amounts {
        let row = try Row.fetchOne(
            database,
            sql: """
                \(LedgerTail.expression)
                SELECT ifnull(sum(events), 0), ifnull(sum(milligrams), 0), ifnull(sum(points), 0)
                FROM (\(rows))
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
