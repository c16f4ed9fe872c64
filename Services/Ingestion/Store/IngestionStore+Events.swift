import GRDB
import GRDBSQLite
import Storage

/// The rows of `accepted_ids`.
extension IngestionStore {
    static func insert(_ run: IdentityRun, row: Int64, in database: Database) throws {
        try database.cachedStatement(
            sql: """
                INSERT INTO accepted_ids (row, partition, first, ids, contents)
                VALUES (?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            row, run.partition, Int64(run.first), DatabaseBytes(run.ids),
            DatabaseBytes(run.contents),
        ])
    }

    static func identityRow(_ number: Int64, in database: Database) throws -> IdentityRow? {
        let row = try Row.fetchOne(
            database.cachedStatement(
                sql: "SELECT partition, first, ids, contents FROM accepted_ids WHERE row = ?"),
            arguments: [number])
        guard let row else { return nil }
        return try IdentityRow(
            number: number, partition: row[0], first: UInt64(row[1] as Int64),
            ids: (row[2] as DatabaseBytes).bytes, contents: (row[3] as DatabaseBytes).bytes)
    }

    /// Calls `visit` with the number and the ids of every row, oldest first.
    static func forEachIdentityRow(
        in database: Database, _ visit: (Int64, [UInt8]) throws -> Void
    ) throws {
        let rows = try Row.fetchCursor(
            database, sql: "SELECT row, ids FROM accepted_ids ORDER BY row")
        while let row = try rows.next() {
            let number: Int64 = row[0]
            let ids = (row[1] as DatabaseBytes).bytes
            guard ids.count.isMultiple(of: Digest128.byteCount) else {
                throw IdentityRowDamaged(row: number)
            }
            try visit(number, ids)
        }
    }
}

/// A row of `accepted_event`, its texts still in the batch.
struct AcceptedRow {
    var place: EventPlace
    var source: Int64
    var id: TextRange
    var reference: TextRange?
    var vehicle: TextRange?
    var serial: TextRange?
}

extension IngestionStore {
    /// Adds what must not enter the log, a row an event.
    ///
    /// The one place that binds below GRDB: it is the only statement that runs for every event.
    /// Texts are bound where they lie. The statement is GRDB's own, so it is reset first, because
    /// GRDB leaves statements stepped, and handed back without bindings.
    static func insert(
        _ rows: [AcceptedRow], textsIn bytes: [UInt8], in database: Database
    ) throws {
        if rows.isEmpty { return }
        let statement = try database.cachedStatement(
            sql: """
                INSERT INTO accepted_event (place, source, id, reference, vehicle, serial)
                VALUES (?, ?, ?, ?, ?, ?)
                """
        ).sqliteStatement
        sqlite3_reset(statement)
        defer {
            sqlite3_reset(statement)
            sqlite3_clear_bindings(statement)
        }
        try bytes.withUnsafeBytes { bytes in
            func bind(_ text: TextRange?, at index: CInt) -> CInt {
                guard let text else { return sqlite3_bind_null(statement, index) }
                // Nothing is copied: the bytes outlive the step, and the bindings end with it. An
                // empty text lies anywhere, as long as its address is not null.
                let start =
                    text.count == 0
                    ? bytes.baseAddress : bytes.baseAddress.map { $0 + Int(text.start) }
                return sqlite3_bind_text(
                    statement, index, start?.assumingMemoryBound(to: CChar.self), CInt(text.count),
                    nil)
            }
            for row in rows {
                var code = sqlite3_bind_int64(statement, 1, row.place.rawValue)
                if code == SQLITE_OK { code = sqlite3_bind_int64(statement, 2, row.source) }
                if code == SQLITE_OK { code = bind(row.id, at: 3) }
                if code == SQLITE_OK { code = bind(row.reference, at: 4) }
                if code == SQLITE_OK { code = bind(row.vehicle, at: 5) }
                if code == SQLITE_OK { code = bind(row.serial, at: 6) }
                if code == SQLITE_OK {
                    code = sqlite3_step(statement)
                    if code == SQLITE_DONE { code = sqlite3_reset(statement) }
                }
                guard code == SQLITE_OK else {
                    throw DatabaseError(
                        resultCode: ResultCode(rawValue: code),
                        message: String(cString: sqlite3_errmsg(database.sqliteConnection)))
                }
            }
        }
    }
}
