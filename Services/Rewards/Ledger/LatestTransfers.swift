import GRDB
import Synchronization

/// Whose the latest transfers are: what a query needs to find one resident's unsettled awards.
///
/// In the store they lie scattered over the journal's end, and a search there takes milliseconds.
/// Here it takes microseconds, on whatever snapshot: a transfer that is committed keeps its number
/// and its account for ever, so nothing in this window is ever wrong, and a snapshot only differs
/// in where its journal ends. What the window does not cover is looked for in the snapshot: one
/// transaction, if the writer has committed it and not come to `append` yet, and the whole tail,
/// if nobody fills the window.
package final class LatestTransfers: Sendable {
    private struct Window {
        /// The number of the first transfer in `accounts`.
        var first: Int64 = 1
        var accounts: [Int64] = []

        var last: Int64 { first + Int64(accounts.count) - 1 }
    }

    private let window = Mutex(Window())

    package init() {}

    /// Begins anew with the transfers from `first` on.
    func reset(to accounts: [Int64], from first: Int64) {
        window.withLock { $0 = Window(first: first, accounts: accounts) }
    }

    /// Adds what was committed; transfers up to `settled` need not be kept.
    func append(_ accounts: [Int64], settled: Int64) {
        guard !accounts.isEmpty else { return }
        window.withLock { window in
            window.accounts += accounts
            let excess = Int(settled + 1 - window.first)
            // What is cut off must be worth the moving of what is left.
            if excess > window.accounts.count / 2 {
                window.accounts.removeFirst(excess)
                window.first += Int64(excess)
            }
        }
    }

    /// The newest unsettled transfer of `account`, as the snapshot `database` knows it.
    func newestUnsettled(of account: Account, in database: Database) throws -> Int64? {
        let settled = max(account.newestTransfer, try RewardsStore.settled(in: database))
        let last = try RewardsStore.lastTransfer(in: database)
        guard settled < last else { return nil }
        let (first, end, found) = window.withLock { window in
            let first = max(window.first, settled + 1)
            let end = min(window.last, last)
            guard first <= end else { return (window.first, window.last, Int64?.none) }
            let index = window.accounts[Int(first - window.first)...Int(end - window.first)]
                .lastIndex(of: account.number)
            return (window.first, window.last, index.map { window.first + Int64($0) })
        }
        let newer = try RewardsStore.newestTransfer(
            of: account.number, after: max(end, settled), through: last, in: database)
        if let transfer = newer ?? found { return transfer }
        return try RewardsStore.newestTransfer(
            of: account.number, after: settled, through: min(first - 1, last), in: database)
    }
}
