import GRDB
import GRDBSQLite
import Messages
import Model

/// The register's rows.
extension IngestionStore {
    struct PartnerRow {
        var number: Int64
        var id: String
        var publicKey: String
        var sources: [(number: Int64, urn: String)]
        var licences: [(behaviour: String, validity: Validity)]
    }

    static func partners(in database: Database) throws -> [PartnerRow] {
        try Row.fetchAll(
            database, sql: "SELECT number, id, public_key FROM partner ORDER BY id"
        ).map { row in
            let number: Int64 = row[0]
            return PartnerRow(
                number: number, id: row[1], publicKey: row[2],
                sources: try Row.fetchAll(
                    database,
                    sql: "SELECT number, urn FROM source WHERE partner = ? ORDER BY number",
                    arguments: [number]
                ).map { (number: $0[0], urn: $0[1]) },
                licences: try Row.fetchAll(
                    database,
                    sql: """
                        SELECT behaviour, from_ms, until_ms FROM licence WHERE partner = ?
                        ORDER BY behaviour
                        """,
                    arguments: [number]
                ).map { row in
                    (
                        behaviour: row[0],
                        validity: Validity(
                            from: (row[1] as Int64?).map { Instant(milliseconds: $0) },
                            until: (row[2] as Int64?).map { Instant(milliseconds: $0) })
                    )
                })
        }
    }

    static func insert(_ partner: AddPartner, in database: Database) throws {
        try database.execute(
            sql: "INSERT INTO partner (id, public_key) VALUES (?, ?)",
            arguments: [partner.id, partner.publicKey])
        let number = database.lastInsertedRowID
        try database.execute(
            sql: "INSERT INTO partner_count (partner) VALUES (?)", arguments: [number])
        for source in partner.sources {
            try database.execute(
                sql: "INSERT INTO source (urn, partner) VALUES (?, ?)", arguments: [source, number])
        }
        for behaviour in partner.behaviours {
            try database.execute(
                sql: "INSERT INTO licence (partner, behaviour) VALUES (?, ?)",
                arguments: [number, behaviour])
        }
    }

    static func counts(in database: Database) throws -> [String: ReceiptCounts] {
        let rows = try Row.fetchAll(
            database,
            sql: """
                SELECT id, received, accepted, duplicate, rejected
                FROM partner JOIN partner_count ON partner = number
                """)
        var counts: [String: ReceiptCounts] = [:]
        for row in rows {
            var count = ReceiptCounts()
            (count.received, count.accepted, count.duplicate, count.rejected) =
                (row[1], row[2], row[3], row[4])
            counts[row[0]] = count
        }
        return counts
    }

    static func add(_ counts: ReceiptCounts, to partner: Int64, in database: Database) throws {
        try database.cachedStatement(
            sql: """
                UPDATE partner_count SET
                    received = received + ?, accepted = accepted + ?,
                    duplicate = duplicate + ?, rejected = rejected + ?
                WHERE partner = ?
                """
        ).execute(arguments: [
            counts.received, counts.accepted, counts.duplicate, counts.rejected, partner,
        ])
    }

    // MARK: Residents

    static func resident(of key: String, in database: Database) throws -> ResidentID? {
        try Int64.fetchOne(
            database.cachedStatement(sql: "SELECT resident FROM resident WHERE key = ?"),
            arguments: [key]
        ).flatMap { ResidentID(rawValue: $0) }
    }

    static func key(of resident: ResidentID, in database: Database) throws -> String? {
        try String.fetchOne(
            database.cachedStatement(sql: "SELECT key FROM resident WHERE resident = ?"),
            arguments: [resident.rawValue])
    }

    static func insert(_ resident: ResidentRecord, in database: Database) throws {
        try database.cachedStatement(sql: "INSERT INTO resident (resident, key) VALUES (?, ?)")
            .execute(arguments: [resident.resident.rawValue, resident.key])
    }

    /// Residents in the order of their keys, after `key`.
    static func residents(
        after key: String?, limit: Int, in database: Database
    ) throws -> [ResidentRecord] {
        try Row.fetchAll(
            database.cachedStatement(
                sql: "SELECT key, resident FROM resident WHERE key > ? ORDER BY key LIMIT ?"),
            arguments: [key ?? "", limit]
        ).compactMap { row in
            ResidentID(rawValue: row[1]).map { ResidentRecord(key: row[0], resident: $0) }
        }
    }

    // MARK: Bindings and consents

    static func resident(
        boundTo subject: String, of partner: Int64, in database: Database
    ) throws -> ResidentID? {
        try Int64.fetchOne(
            database.cachedStatement(
                sql: "SELECT resident FROM binding WHERE partner = ? AND subject = ?"),
            arguments: [partner, subject]
        ).flatMap { ResidentID(rawValue: $0) }
    }

    /// Whom a partner's subject stands for, and what they said to that partner, in order.
    ///
    /// Bound and read below GRDB, for it runs where an event's resident is not in memory: the join
    /// visits two trees at once, the subject is compared where it lies, and a resident who said
    /// nothing particular costs no string.
    static func binding(
        of subject: UnsafeRawBufferPointer, at partner: Int64, in database: Database
    ) throws -> (ResidentID, [ConsentChange])? {
        let statement = try database.cachedStatement(
            sql: """
                SELECT b.resident, c.number, c.behaviour, c.at_ms, c.granted
                FROM binding AS b
                LEFT JOIN consent_change AS c
                    ON c.partner = b.partner AND c.resident = b.resident
                WHERE b.partner = ? AND b.subject = ? ORDER BY c.number
                """
        ).sqliteStatement
        // GRDB leaves statements stepped, and hands them out with what was bound.
        sqlite3_reset(statement)
        defer {
            sqlite3_reset(statement)
            sqlite3_clear_bindings(statement)
        }
        sqlite3_bind_int64(statement, 1, partner)
        sqlite3_bind_text(
            statement, 2, subject.baseAddress?.assumingMemoryBound(to: CChar.self),
            CInt(subject.count), nil)
        var resident: ResidentID?
        var changes: [ConsentChange] = []
        while true {
            let code = sqlite3_step(statement)
            if code == SQLITE_DONE { return resident.map { ($0, changes) } }
            guard code == SQLITE_ROW else {
                throw DatabaseError(
                    resultCode: ResultCode(rawValue: code),
                    message: String(cString: sqlite3_errmsg(database.sqliteConnection)))
            }
            resident = ResidentID(rawValue: sqlite3_column_int64(statement, 0))
            if sqlite3_column_type(statement, 1) == SQLITE_NULL { continue }
            let isTimeless = sqlite3_column_type(statement, 3) == SQLITE_NULL
            changes.append(
                ConsentChange(
                    behaviour: sqlite3_column_text(statement, 2).map { String(cString: $0) },
                    at: isTimeless
                        ? nil : Instant(milliseconds: sqlite3_column_int64(statement, 3)),
                    granted: sqlite3_column_int64(statement, 4) != 0))
        }
    }

    static func subjects(
        of resident: ResidentID, at partner: Int64, in database: Database
    ) throws -> [String] {
        try String.fetchAll(
            database.cachedStatement(
                sql: """
                    SELECT subject FROM binding WHERE partner = ? AND resident = ? ORDER BY subject
                    """),
            arguments: [partner, resident.rawValue])
    }

    static func insertBinding(
        of subject: String, at partner: Int64, to resident: ResidentID, in database: Database
    ) throws {
        try database.cachedStatement(
            sql: "INSERT INTO binding (partner, subject, resident) VALUES (?, ?, ?)"
        ).execute(arguments: [partner, subject, resident.rawValue])
    }

    static func consents(
        of resident: ResidentID, to partner: Int64, in database: Database
    ) throws -> [ConsentChange] {
        try Row.fetchAll(
            database.cachedStatement(
                sql: """
                    SELECT behaviour, at_ms, granted FROM consent_change
                    WHERE partner = ? AND resident = ? ORDER BY number
                    """),
            arguments: [partner, resident.rawValue]
        ).map { row in
            ConsentChange(
                behaviour: row[0], at: (row[1] as Int64?).map { Instant(milliseconds: $0) },
                granted: row[2])
        }
    }

    static func insert(
        _ change: ConsentChange, of resident: ResidentID, to partner: Int64, in database: Database
    ) throws {
        try database.cachedStatement(
            sql: """
                INSERT INTO consent_change (partner, resident, behaviour, at_ms, granted)
                VALUES (?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            partner, resident.rawValue, change.behaviour, change.at?.rawValue, change.granted,
        ])
    }
}
