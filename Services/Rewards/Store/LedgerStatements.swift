import GRDB
import Model

/// The statements of the points ledger, prepared once for a transaction.
struct LedgerStatements {
    private let loadAccount: HotStatement
    private let insertAccount: HotStatement
    private let updateAccount: HotStatement
    private let loadLot: HotStatement
    private let insertLot: HotStatement
    private let addToLot: HotStatement
    private let linkLot: HotStatement
    private let insertTransfer: HotStatement
    private let lotsOfOrder: HotStatement
    private let expiredLots: HotStatement

    init(_ database: Database) throws {
        loadAccount = try HotStatement(
            """
            SELECT partition, balance, debt, awarded, reversed, spent, expired, newest_lot,
                newest_transfer, newest_order
            FROM account WHERE resident = ?
            """, in: database)
        insertAccount = try HotStatement(
            """
            INSERT INTO account (balance, debt, awarded, reversed, spent, expired, newest_lot,
                newest_transfer, newest_order, resident, partition)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """, in: database)
        updateAccount = try HotStatement(
            """
            UPDATE account SET balance = ?, debt = ?, awarded = ?, reversed = ?, spent = ?,
                expired = ?, newest_lot = ?, newest_transfer = ?, newest_order = ?
            WHERE resident = ?
            """, in: database)
        loadLot = try HotStatement(
            "SELECT remaining, older FROM lot WHERE partition = ? AND day = ? AND resident = ?",
            in: database)
        insertLot = try HotStatement(
            """
            INSERT INTO lot (awarded, remaining, partition, day, resident, older)
            VALUES (?, ?, ?, ?, ?, ?)
            """, in: database)
        addToLot = try HotStatement(
            """
            UPDATE lot SET awarded = awarded + ?, remaining = remaining + ?
            WHERE partition = ? AND day = ? AND resident = ?
            """, in: database)
        linkLot = try HotStatement(
            "UPDATE lot SET older = ? WHERE partition = ? AND day = ? AND resident = ?",
            in: database)
        insertTransfer = try HotStatement(
            """
            INSERT INTO transfer (number, posting, source, target, resident, reward_order, day,
                points, earlier)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            """, in: database)
        lotsOfOrder = try HotStatement(
            "SELECT day, points FROM transfer WHERE number >= ? AND number < ? ORDER BY number",
            in: database)
        expiredLots = try HotStatement(
            """
            SELECT day, resident, remaining FROM lot
            WHERE partition = ? AND (day, resident) > (?, ?) AND day < ?
            ORDER BY day, resident LIMIT ?
            """, in: database)
    }

    /// The account of `resident`, or nil if nothing was ever moved there.
    func account(of resident: ResidentID) throws -> Account? {
        loadAccount.bind(resident.rawValue, at: 1)
        return try loadAccount.first { row in
            var account = Account(resident: resident, partition: Int(row.integer(0)))
            account.balance = Points(row.integer(1))
            account.debt = Points(row.integer(2))
            account.awarded = Points(row.integer(3))
            account.reversed = Points(row.integer(4))
            account.spent = Points(row.integer(5))
            account.expired = Points(row.integer(6))
            account.newestLot = row.optional(7).map { LocalDay(Int32($0)) }
            account.newestTransfer = row.integer(8)
            account.newestOrder = row.integer(9)
            account.isStored = true
            return account
        }
    }

    func save(_ account: Account) throws {
        let statement = account.isStored ? updateAccount : insertAccount
        statement.bind(account.balance.rawValue, at: 1)
        statement.bind(account.debt.rawValue, at: 2)
        statement.bind(account.awarded.rawValue, at: 3)
        statement.bind(account.reversed.rawValue, at: 4)
        statement.bind(account.spent.rawValue, at: 5)
        statement.bind(account.expired.rawValue, at: 6)
        statement.bind(account.newestLot.map { Int64($0.rawValue) }, at: 7)
        statement.bind(account.newestTransfer, at: 8)
        statement.bind(account.newestOrder, at: 9)
        statement.bind(account.resident.rawValue, at: 10)
        if !account.isStored { statement.bind(Int64(account.partition), at: 11) }
        let changed = try statement.run()
        precondition(changed == 1, "an account that was loaded stays")
    }

    /// What is left of a lot, and the day of the resident's next older one; nil if there is no lot.
    func lot(
        of account: Account, on day: LocalDay
    ) throws -> (remaining: Points, older: LocalDay?)? {
        bindLot(loadLot, at: 1, account, day)
        return try loadLot.first {
            (Points($0.integer(0)), $0.optional(1).map { LocalDay(Int32($0)) })
        }
    }

    func insertLot(
        of account: Account, on day: LocalDay, awarded: Points, remaining: Points, older: LocalDay?
    ) throws {
        insertLot.bind(awarded.rawValue, at: 1)
        insertLot.bind(remaining.rawValue, at: 2)
        bindLot(insertLot, at: 3, account, day)
        insertLot.bind(older.map { Int64($0.rawValue) }, at: 6)
        try insertLot.run()
    }

    /// Moves a lot's sums and says whether there is such a lot.
    func addToLot(
        of account: Account, on day: LocalDay, awarded: Points, remaining: Points
    ) throws -> Bool {
        addToLot.bind(awarded.rawValue, at: 1)
        addToLot.bind(remaining.rawValue, at: 2)
        bindLot(addToLot, at: 3, account, day)
        return try addToLot.run() == 1
    }

    func linkLot(of account: Account, on day: LocalDay, older: LocalDay) throws {
        linkLot.bind(Int64(older.rawValue), at: 1)
        bindLot(linkLot, at: 2, account, day)
        try linkLot.run()
    }

    private func bindLot(
        _ statement: HotStatement, at index: Int32, _ account: Account, _ day: LocalDay
    ) {
        statement.bind(Int64(account.partition), at: index)
        statement.bind(Int64(day.rawValue), at: index + 1)
        statement.bind(account.resident.rawValue, at: index + 2)
    }

    func insert(_ transfer: Transfer, number: Int64, resident: ResidentID, earlier: Int64) throws {
        insertTransfer.bind(number, at: 1)
        insertTransfer.bind(transfer.posting, at: 2)
        insertTransfer.bind(transfer.source.rawValue, at: 3)
        insertTransfer.bind(transfer.target.rawValue, at: 4)
        insertTransfer.bind(resident.rawValue, at: 5)
        insertTransfer.bind(transfer.order, at: 6)
        insertTransfer.bind(transfer.day.map { Int64($0.rawValue) }, at: 7)
        insertTransfer.bind(transfer.points.rawValue, at: 8)
        insertTransfer.bind(earlier, at: 9)
        try insertTransfer.run()
    }

    /// The lots that filled an order's hold: `count` transfers from `first` on.
    func lots(from first: Int64, count: Int64) throws -> [LotShare] {
        lotsOfOrder.bind(first, at: 1)
        lotsOfOrder.bind(first + count, at: 2)
        return try lotsOfOrder.all {
            LotShare(day: LocalDay(Int32($0.integer(0))), points: Points($0.integer(1)))
        }
    }

    /// At most `limit` lots after `place` that were earned before `day`, in the order they expire.
    func lots(
        of partition: Int, after place: CityCalendar.LotPlace, before day: LocalDay, limit: Int
    ) throws -> [(place: CityCalendar.LotPlace, remaining: Points)] {
        expiredLots.bind(Int64(partition), at: 1)
        expiredLots.bind(Int64(place.day.rawValue), at: 2)
        expiredLots.bind(place.resident, at: 3)
        expiredLots.bind(Int64(day.rawValue), at: 4)
        expiredLots.bind(Int64(limit), at: 5)
        return try expiredLots.all {
            (
                CityCalendar.LotPlace(
                    day: LocalDay(Int32($0.integer(0))), resident: $0.integer(1)),
                Points($0.integer(2))
            )
        }
    }
}

/// One movement of points between two accounts, as it is about to be written.
struct Transfer {
    /// Transfers with one number belong together.
    var posting: Int64
    var source: AccountKind
    var target: AccountKind
    var points: Points
    /// The lot that gives or takes.
    var day: LocalDay?
    /// Number of the order whose hold gives or takes.
    var order: Int64?
}
