import GRDB
import Model

/// Reading the ledger on a snapshot: for answers and for the audit.
extension RewardsStore {
    /// A lot as it stands in the store.
    struct StoredLot: Equatable {
        var day: LocalDay
        var awarded: Points
        var remaining: Points
    }

    /// A transfer as it stands in the store.
    struct StoredTransfer {
        var number: Int64
        var source: AccountKind
        var target: AccountKind
        var day: LocalDay?
        var points: Points
    }

    /// A resident's lots earned on `firstDay` or later, newest first, those included that are only
    /// in the journal yet.
    static func lots(
        of account: Account, since firstDay: LocalDay, in database: Database
    ) throws -> [StoredLot] {
        let statement = try database.cachedStatement(
            sql: """
                SELECT awarded, remaining, older FROM lot WHERE place = ?
                """)
        var lots: [StoredLot] = []
        var next = account.newestLot
        while let day = next, day >= firstDay {
            let row = try Row.fetchOne(statement, arguments: [account.lot(of: day).rawValue])
            guard let row else { break }
            lots.append(StoredLot(day: day, awarded: Points(row[0]), remaining: Points(row[1])))
            next = (row[2] as Int32?).map { LocalDay($0) }
        }
        account.unsettled.forEach { day, points in
            guard day >= firstDay else { return }
            let place = lots.firstIndex { $0.day <= day } ?? lots.count
            if place == lots.count || lots[place].day < day {
                lots.insert(StoredLot(day: day, awarded: .zero, remaining: .zero), at: place)
            }
            lots[place].awarded += points
            lots[place].remaining += points
        }
        return lots
    }

    /// Calls `visit` with a resident's transfers, newest first, until it answers false.
    static func forEachTransfer(
        of account: Account, in database: Database, _ visit: (StoredTransfer) -> Bool
    ) throws {
        let statement = try database.cachedStatement(
            sql: "SELECT source, target, day, points, earlier FROM transfer WHERE number = ?")
        var number = account.newestTransfer
        while number > 0, let row = try Row.fetchOne(statement, arguments: [number]) {
            guard let source = AccountKind(rawValue: row[0]),
                let target = AccountKind(rawValue: row[1])
            else { preconditionFailure("the table checks its kinds") }
            let transfer = StoredTransfer(
                number: number, source: source, target: target,
                day: (row[2] as Int32?).map { LocalDay($0) }, points: Points(row[3]))
            guard visit(transfer) else { return }
            number = row[4]
        }
    }

    /// A resident's latest transfers that moved what the resident has or owes, newest first.
    static func moves(
        of account: Account, limit: Int, in database: Database
    ) throws -> [StoredTransfer] {
        var moves: [StoredTransfer] = []
        try forEachTransfer(of: account, in: database) { transfer in
            guard moves.count < limit else { return false }
            let own: [AccountKind] = [.resident, .debt]
            if own.contains(transfer.source) || own.contains(transfer.target) {
                moves.append(transfer)
            }
            return true
        }
        return moves
    }

    /// The residents after `resident`, in order.
    static func residents(
        after resident: ResidentID?, limit: Int, in database: Database
    ) throws -> [ResidentID] {
        try Int64.fetchAll(
            database.cachedStatement(
                sql: "SELECT resident FROM account WHERE resident > ? ORDER BY resident LIMIT ?"),
            arguments: [resident?.rawValue ?? 0, limit]
        ).compactMap { ResidentID(rawValue: $0) }
    }
}
