import GRDB
import Model
import Storage

/// The book of first entry: every transfer is numbered and written with its transaction.
///
/// Awards of one transaction for one resident and day are one transfer.
struct Journal {
    private static let transfers = IntegerRows(
        """
        INSERT INTO transfer (number, posting, source, target, account, reward_order, day, points,
            earlier)
        """, columns: 9)

    private struct Entry {
        var number: Int64
        var transfer: Transfer
        var account: Int64
        /// The account's transfer before this one; 0: none.
        var earlier: Int64
    }

    /// Entered and not yet written.
    private var entries: [Entry] = []
    /// The number of the first of `entries`, or of the transfer that will be.
    private var first: Int64
    private var nextPosting: Int64
    private var flows: Flows
    /// The accounts of the transfers that were entered since `takeAccounts`.
    private var accounts: [Int64] = []

    init(partitions: Int, in database: Database) throws {
        (first, nextPosting) = try RewardsStore.nextTransfer(in: database)
        flows = Flows(partitions: partitions)
    }

    /// Number of the newest transfer, written or not; 0: there is none.
    var last: Int64 { first + Int64(entries.count) - 1 }

    /// The number that transfers share which belong together.
    mutating func newPosting() -> Int64 {
        defer { nextPosting += 1 }
        return nextPosting
    }

    mutating func enter(_ transfer: Transfer, of account: inout Account) {
        let number = last + 1
        entries.append(
            Entry(
                number: number, transfer: transfer, account: account.number,
                earlier: account.newestTransfer))
        accounts.append(account.number)
        account.newestTransfer = number
        flows.add(transfer, partition: account.partition)
    }

    /// Enters an award, or adds it to the transfer that this transaction has for the day.
    ///
    /// Only awards may lie between the two: what came after another movement stays after it.
    mutating func enterAward(_ points: Points, for day: LocalDay, of account: inout Account) {
        var number = account.newestTransfer
        while number >= first {
            let index = Int(number - first)
            guard entries[index].transfer.isAward else { break }
            if entries[index].transfer.day == day {
                entries[index].transfer.points += points
                flows.raise(points, partition: account.partition)
                return
            }
            number = entries[index].earlier
        }
        enter(
            Transfer(
                posting: newPosting(), source: .issuance, target: .resident, points: points,
                day: day),
            of: &account)
    }

    /// Writes what was entered: at the end of a transaction, and before its transfers are read.
    mutating func write(in database: Database) throws {
        guard !entries.isEmpty else { return }
        try Self.transfers.write(entries, in: database) { entry, row in
            row.bind(entry.number)
            row.bind(entry.transfer.posting)
            row.bind(entry.transfer.source.rawValue)
            row.bind(entry.transfer.target.rawValue)
            row.bind(entry.account)
            row.bind(entry.transfer.order)
            row.bind(entry.transfer.day.map { Int64($0.rawValue) })
            row.bind(entry.transfer.points.rawValue)
            row.bind(entry.earlier)
        }
        first = last + 1
        entries.removeAll(keepingCapacity: true)
        try flows.flush(in: database)
    }

    /// The accounts of all transfers entered since this was last called, oldest transfer first.
    mutating func takeAccounts() -> [Int64] {
        defer { accounts.removeAll(keepingCapacity: true) }
        return accounts
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

    var isAward: Bool { source == .issuance && target == .resident }
}

/// What the kinds of account gave each other in this transaction, partition by partition.
private struct Flows {
    private var counts: [Int64]
    private var points: [Points]

    private static let kinds = AccountKind.allCases.count + 1

    init(partitions: Int) {
        counts = Array(repeating: 0, count: partitions * Self.kinds * Self.kinds)
        points = Array(repeating: .zero, count: counts.count)
    }

    private func index(_ source: AccountKind, _ target: AccountKind, _ partition: Int) -> Int {
        (partition * Self.kinds + Int(source.rawValue)) * Self.kinds + Int(target.rawValue)
    }

    mutating func add(_ transfer: Transfer, partition: Int) {
        let index = index(transfer.source, transfer.target, partition)
        counts[index] += 1
        points[index] += transfer.points
    }

    /// Adds points to an award that was counted.
    mutating func raise(_ more: Points, partition: Int) {
        points[index(.issuance, .resident, partition)] += more
    }

    mutating func flush(in database: Database) throws {
        for index in counts.indices where counts[index] > 0 {
            try RewardsStore.addFlow(
                partition: index / (Self.kinds * Self.kinds),
                source: Int64(index / Self.kinds % Self.kinds), target: Int64(index % Self.kinds),
                transfers: counts[index], points: points[index], in: database)
            counts[index] = 0
            points[index] = .zero
        }
    }
}
