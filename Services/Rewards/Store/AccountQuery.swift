import GRDB
import Model
import Storage

/// Reads accounts as their rows have them.
struct AccountQuery {
    /// What an account is found by.
    enum Key: String {
        case resident
        case number
    }

    private let statement: IntegerStatement

    init(_ key: Key, in database: Database) throws {
        statement = try IntegerStatement(
            """
            SELECT number, resident, partition, balance, debt, awarded, reversed, spent, expired,
                newest_lot, newest_transfer, newest_order
            FROM account WHERE \(key.rawValue) = ?
            """, in: database)
    }

    /// The account with this key, or nil if there is none.
    func account(_ key: Int64) throws -> Account? {
        statement.bind(key, at: 1)
        return try statement.first { row in
            guard let resident = ResidentID(rawValue: row[1]) else {
                preconditionFailure("the table checks its residents")
            }
            var account = Account(resident: resident, partition: Int(row[2]))
            account.number = row[0]
            account.balance = Points(row[3])
            account.debt = Points(row[4])
            account.awarded = Points(row[5])
            account.reversed = Points(row[6])
            account.spent = Points(row[7])
            account.expired = Points(row[8])
            account.newestLot = row.optional(9).map { LocalDay(Int32($0)) }
            account.newestTransfer = row[10]
            account.newestOrder = row[11]
            account.isStored = true
            return account
        }
    }
}
