package import GRDB
package import Messages

/// Ingestion's facts, read only: for the audit, the canonical dump and tests.
package struct IngestionRecords {
    private let database: Database

    package init(_ database: Database) { self.database = database }

    /// What a partner called an event that was accepted.
    package struct AcceptedEvent: Equatable, Sendable {
        package var partition: Int
        package var sequence: UInt64
        package var source: String
        package var id: String
    }

    /// The event at a position of the log, or nil if none was accepted there or it was erased.
    package func acceptedEvent(partition: Int, sequence: UInt64) throws -> AcceptedEvent? {
        let place = EventPlace(partition: partition, sequence: sequence)
        let row = try Row.fetchOne(
            database.cachedStatement(
                sql: """
                    SELECT urn, id FROM accepted_event JOIN source ON source = number
                    WHERE place = ?
                    """),
            arguments: [place.rawValue])
        return row.map {
            AcceptedEvent(partition: partition, sequence: sequence, source: $0[0], id: $0[1])
        }
    }

    /// Calls `visit` with every accepted event, by partition and sequence.
    package func forEachAccepted(_ visit: (AcceptedEvent) throws -> Void) throws {
        let urns = Dictionary(
            uniqueKeysWithValues: try Row.fetchAll(
                database, sql: "SELECT number, urn FROM source"
            ).map { ($0[0] as Int64, $0[1] as String) })
        let rows = try Row.fetchCursor(
            database, sql: "SELECT place, source, id FROM accepted_event ORDER BY place")
        while let row = try rows.next() {
            let place = EventPlace(rawValue: row[0])
            guard let source = urns[row[1]] else { throw UnknownSource(number: row[1]) }
            try visit(
                AcceptedEvent(
                    partition: place.partition, sequence: place.sequence, source: source,
                    id: row[2]))
        }
    }

    /// An accepted event names a source that the register does not have.
    package struct UnknownSource: Error, Equatable {
        package var number: Int64
    }

    /// How many events were accepted, by the rows that find duplicates: none is ever erased.
    package func acceptedCount() throws -> Int64 {
        try Int64.fetchOne(
            database, sql: "SELECT coalesce(sum(length(ids) / 16), 0) FROM accepted_ids") ?? 0
    }

    /// What became of each partner's events.
    package func counts() throws -> [String: ReceiptCounts] {
        try IngestionStore.counts(in: database)
    }

    package func totals() throws -> ReceiptCounts {
        try counts().values.reduce(into: ReceiptCounts()) { $0 += $1 }
    }
}
