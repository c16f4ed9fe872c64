import GRDB
import Model
import Storage

/// The journal's tail: awards that accounts and lots do not hold yet.
extension RewardsStore {
    /// Calls `visit` with every award of the tail, oldest first.
    static func forEachUnsettled(
        in database: Database, _ visit: (UnsettledAward) throws -> Void
    ) throws {
        let statement = try IntegerStatement(
            "SELECT number, account, day, points FROM tail ORDER BY number", in: database)
        _ = try statement.all { try visit(award($0)) }
    }

    /// All transfers after `number`, oldest first, as if they were awards.
    ///
    /// Those that are none have been settled with their transaction, and are here for the sake of
    /// their accounts.
    static func awards(after number: Int64, in database: Database) throws -> [UnsettledAward] {
        let statement = try IntegerStatement(
            "SELECT number, account, day, points FROM transfer WHERE number > ? ORDER BY number",
            in: database)
        statement.bind(number, at: 1)
        return try statement.all(award)
    }

    private static func award(_ row: IntegerRow) -> UnsettledAward {
        UnsettledAward(
            number: row[0], account: row[1], day: LocalDay(Int32(row[2])), points: Points(row[3]))
    }

    /// The newest transfer; 0: there is none.
    static func lastTransfer(in database: Database) throws -> Int64 {
        try Int64.fetchOne(database.cachedStatement(sql: "SELECT max(number) FROM transfer")) ?? 0
    }

    /// The newest transfer of `account` after one number and up to another: looks at all between.
    static func newestTransfer(
        of account: Int64, after number: Int64, through last: Int64, in database: Database
    ) throws -> Int64? {
        guard number < last else { return nil }
        return try Int64.fetchOne(
            database.cachedStatement(
                sql: """
                    SELECT number FROM transfer
                    WHERE number > ? AND number <= ? AND account = ?
                    ORDER BY number DESC LIMIT 1
                    """),
            arguments: [number, last, account])
    }

    /// The account of `resident` with whatever the journal has for it, or nil if there is none.
    static func account(
        of resident: ResidentID, latest: LatestTransfers, in database: Database
    ) throws -> Account? {
        let stored = try AccountQuery(.resident, in: database).account(resident.rawValue)
        guard let stored, let newest = try latest.newestUnsettled(of: stored, in: database) else {
            return stored
        }
        var account = stored
        account.newestTransfer = newest
        var unsettled: [UnsettledAward] = []
        try forEachTransfer(of: account, in: database) { transfer in
            guard transfer.number > stored.newestTransfer, let day = transfer.day else {
                return false
            }
            unsettled.append(
                UnsettledAward(
                    number: transfer.number, account: stored.number, day: day,
                    points: transfer.points))
            return true
        }
        for award in unsettled { account.fold(award) }
        return account
    }
}
