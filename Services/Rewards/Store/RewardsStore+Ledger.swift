import GRDB
import Model

/// Statements of the ledger that run once a transaction, or for people.
extension RewardsStore {
    /// The numbers that the next transfer and posting get.
    static func nextTransfer(in database: Database) throws -> (transfer: Int64, posting: Int64) {
        let row = try Row.fetchOne(
            database,
            sql: "SELECT number, posting FROM transfer ORDER BY number DESC LIMIT 1")
        guard let row else { return (1, 1) }
        return (row[0] + 1, row[1] + 1)
    }

    /// The number that the next account gets.
    static func nextAccount(in database: Database) throws -> Int64 {
        (try Int64.fetchOne(database, sql: "SELECT max(number) FROM account") ?? 0) + 1
    }

    /// Every transfer up to this one is in accounts and lots.
    static func settled(in database: Database) throws -> Int64 {
        try Int64.fetchOne(database.cachedStatement(sql: "SELECT transfer FROM settled")) ?? 0
    }

    static func save(settled transfer: Int64, in database: Database) throws {
        try database.cachedStatement(
            sql: "UPDATE settled SET transfer = ?1 WHERE transfer <> ?1"
        ).execute(arguments: [transfer])
    }

    static func addFlow(
        partition: Int, source: Int64, target: Int64, transfers: Int64, points: Points,
        in database: Database
    ) throws {
        try database.cachedStatement(
            sql: """
                INSERT INTO flow (partition, source, target, transfers, points)
                VALUES (?, ?, ?, ?, ?)
                ON CONFLICT (partition, source, target) DO UPDATE SET
                    transfers = transfers + excluded.transfers, points = points + excluded.points
                """
        ).execute(arguments: [partition, source, target, transfers, points.rawValue])
    }

    static func calendar(of partition: Int, in database: Database) throws -> CityCalendar {
        var calendar = CityCalendar(partition: partition)
        let row = try Row.fetchOne(
            database.cachedStatement(
                sql: """
                    SELECT last_ended, latest_earned, posted FROM calendar WHERE partition = ?
                    """),
            arguments: [partition])
        guard let row else { return calendar }
        calendar.lastEnded = (row[0] as Int32?).map { LocalDay($0) }
        calendar.latestEarned = (row[1] as Int32?).map { LocalDay($0) }
        calendar.posted = LotPlace(rawValue: row[2])
        return calendar
    }

    static func save(_ calendar: CityCalendar, in database: Database) throws {
        try database.cachedStatement(
            sql: """
                INSERT INTO calendar (partition, last_ended, latest_earned, posted)
                VALUES (?, ?, ?, ?)
                ON CONFLICT (partition) DO UPDATE SET
                    last_ended = excluded.last_ended, latest_earned = excluded.latest_earned,
                    posted = excluded.posted
                """
        ).execute(arguments: [
            calendar.partition, calendar.lastEnded?.rawValue, calendar.latestEarned?.rawValue,
            calendar.posted.rawValue,
        ])
    }
}
