import GRDB
import Model
import Storage

/// The statements of the points ledger, prepared once for a transaction.
final class LedgerStatements {
    private let accounts: AccountQuery
    private let insertAccount: IntegerStatement
    private let updateAccount: IntegerStatement
    private let loadLot: IntegerStatement
    private let insertLot: IntegerStatement
    private let addToLot: IntegerStatement
    private let linkLot: IntegerStatement
    private let lotsOfOrder: IntegerStatement
    private let residentOfAccount: IntegerStatement
    private let expiredLots: IntegerStatement

    init(_ database: Database) throws {
        func prepare(_ sql: String) throws -> IntegerStatement {
            try IntegerStatement(sql, in: database)
        }
        accounts = try AccountQuery(.resident, in: database)
        insertAccount = try prepare(
            """
            INSERT INTO account (balance, debt, awarded, reversed, spent, expired, newest_lot,
                newest_transfer, newest_order, number, resident, partition)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """)
        updateAccount = try prepare(
            """
            UPDATE account SET balance = ?, debt = ?, awarded = ?, reversed = ?, spent = ?,
                expired = ?, newest_lot = ?, newest_transfer = ?, newest_order = ?
            WHERE number = ?
            """)
        loadLot = try prepare(
            "SELECT remaining, older FROM lot WHERE place = ?")
        insertLot = try prepare(
            """
            INSERT INTO lot (place, awarded, remaining, older) VALUES (?, ?, ?, ?)
            """)
        addToLot = try prepare(
            """
            UPDATE lot SET awarded = awarded + ?, remaining = remaining + ? WHERE place = ?
            """)
        linkLot = try prepare(
            "UPDATE lot SET older = ? WHERE place = ?")
        lotsOfOrder = try prepare(
            "SELECT day, points FROM transfer WHERE number >= ? AND number < ? ORDER BY number")
        residentOfAccount = try prepare("SELECT resident FROM account WHERE number = ?")
        expiredLots = try prepare(
            """
            SELECT place, remaining FROM lot WHERE place > ? AND place < ? ORDER BY place LIMIT ?
            """)
    }

    /// The account of `resident`, or nil if nothing was ever moved there.
    func account(of resident: ResidentID) throws -> Account? {
        try accounts.account(resident.rawValue)
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
        statement.bind(account.number, at: 10)
        if !account.isStored {
            statement.bind(account.resident.rawValue, at: 11)
            statement.bind(Int64(account.partition), at: 12)
        }
        let changed = try statement.run()
        precondition(changed == 1, "an account that was loaded stays")
    }

    func resident(ofAccount number: Int64) throws -> ResidentID? {
        residentOfAccount.bind(number, at: 1)
        return try residentOfAccount.first { ResidentID(rawValue: $0[0]) } ?? nil
    }

    /// What is left of a lot, and the day of the account's next older one; nil if there is no lot.
    func lot(at place: LotPlace) throws -> (remaining: Points, older: LocalDay?)? {
        loadLot.bind(place.rawValue, at: 1)
        return try loadLot.first {
            (Points($0[0]), $0.optional(1).map { LocalDay(Int32($0)) })
        }
    }

    func insertLot(
        at place: LotPlace, awarded: Points, remaining: Points, older: LocalDay?
    ) throws {
        insertLot.bind(place.rawValue, at: 1)
        insertLot.bind(awarded.rawValue, at: 2)
        insertLot.bind(remaining.rawValue, at: 3)
        insertLot.bind(older.map { Int64($0.rawValue) }, at: 4)
        try insertLot.run()
    }

    /// Moves a lot's sums and says whether there is such a lot.
    func addToLot(at place: LotPlace, awarded: Points, remaining: Points) throws -> Bool {
        addToLot.bind(awarded.rawValue, at: 1)
        addToLot.bind(remaining.rawValue, at: 2)
        addToLot.bind(place.rawValue, at: 3)
        return try addToLot.run() == 1
    }

    func linkLot(at place: LotPlace, older: LocalDay) throws {
        linkLot.bind(Int64(older.rawValue), at: 1)
        linkLot.bind(place.rawValue, at: 2)
        try linkLot.run()
    }

    /// The lots that filled an order's hold: `count` transfers from `first` on.
    func lots(from first: Int64, count: Int64) throws -> [LotShare] {
        lotsOfOrder.bind(first, at: 1)
        lotsOfOrder.bind(first + count, at: 2)
        return try lotsOfOrder.all {
            LotShare(day: LocalDay(Int32($0[0])), points: Points($0[1]))
        }
    }

    /// At most `limit` lots after `place` and before `end`, in the order in which they expire.
    func lots(
        after place: LotPlace, before end: LotPlace, limit: Int
    ) throws -> [(place: LotPlace, remaining: Points)] {
        expiredLots.bind(place.rawValue, at: 1)
        expiredLots.bind(end.rawValue, at: 2)
        expiredLots.bind(Int64(limit), at: 3)
        return try expiredLots.all {
            (LotPlace(rawValue: $0[0]), Points($0[1]))
        }
    }
}

extension LedgerStatements {
    /// Adds to the lot of `day`, or puts it where it belongs in the account's list of lots.
    func fillLot(
        on day: LocalDay, awarded: Points, remaining: Points, of account: inout Account
    ) throws {
        guard var newer = account.newestLot, day <= newer else {
            try insertLot(
                at: account.lot(of: day), awarded: awarded, remaining: remaining,
                older: account.newestLot)
            account.newestLot = day
            return
        }
        if try addToLot(at: account.lot(of: day), awarded: awarded, remaining: remaining) {
            return
        }
        // A late day: few lots are newer.
        while let older = try lot(at: account.lot(of: newer))?.older, older > day {
            newer = older
        }
        let older = try lot(at: account.lot(of: newer))?.older
        try insertLot(
            at: account.lot(of: day), awarded: awarded, remaining: remaining, older: older)
        try linkLot(at: account.lot(of: newer), older: day)
    }
}
