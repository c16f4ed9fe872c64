import GRDB
import Model
import Streams

/// The points ledger in double entry, as the writer holds it.
///
/// Every movement of points is one transfer, entered in the journal with its transaction. Awards
/// are the many: they move an account's sums in memory, and its row and lots are settled later, in
/// rounds. Everything else is rare: it first fills the lots of the awards that came before it, then
/// moves lots at once, and the account's row follows with the transaction. Of accounts, what is in
/// memory is the truth; of those that are not there, the store.
///
/// An order's points pass through its hold and leave it in the same transaction. Between
/// transactions every hold is empty; in the ledger it ties the lots of an order to its price, so
/// that a cancel can restore the same lots and the audit can prove each order by itself.
final class PointsLedger {
    private let partitionCount: Int
    private let pace: SettlingPace
    private let accountsKeptMax: Int
    private var places: [Int64: Int] = [:]
    private var accounts: [Account] = []
    private var due: [SettlingRound.Member] = []
    private var round: SettlingRound
    private var journal: Journal
    private var nextAccount: Int64
    private var statements: LedgerStatements?
    let latest = LatestTransfers()

    /// - Parameter accountsKeptMax: settled accounts beyond it are forgotten between transactions.
    init(
        partitions: Int, pace: SettlingPace, accountsKeptMax: Int, in database: Database
    ) throws {
        partitionCount = partitions
        self.pace = pace
        self.accountsKeptMax = accountsKeptMax
        journal = try Journal(partitions: partitions, in: database)
        round = SettlingRound(
            pace, settled: try RewardsStore.settled(in: database), last: journal.last)
        nextAccount = try RewardsStore.nextAccount(in: database)
        try readTail(in: database)
    }

    /// Forgets everything that was not committed.
    func reload(from database: Database) throws {
        statements = nil
        due.removeAll(keepingCapacity: true)
        forgetAccounts()
        journal = try Journal(partitions: partitionCount, in: database)
        round = SettlingRound(
            pace, settled: try RewardsStore.settled(in: database), last: journal.last)
        nextAccount = try RewardsStore.nextAccount(in: database)
        try readTail(in: database)
    }

    /// Takes back into memory what stands in the journal and not yet in accounts and lots.
    ///
    /// In the order of accounts, because neighbours share pages.
    private func readTail(in database: Database) throws {
        var awards = try RewardsStore.awards(after: round.settled, in: database)
        latest.reset(to: awards.map(\.account), from: round.settled + 1)
        awards.sort { ($0.account, $0.number) < ($1.account, $1.number) }
        let query = try AccountQuery(.number, in: database)
        var rest = awards[...]
        while let first = rest.first {
            let own = rest.prefix { $0.account == first.account }
            rest = rest.dropFirst(own.count)
            guard let account = try query.account(first.account) else {
                preconditionFailure("the journal names only accounts")
            }
            let unsettled = own.drop { $0.number <= account.newestTransfer }
            guard !unsettled.isEmpty else { continue }
            let place = add(account)
            for award in unsettled { accounts[place].fold(award) }
            open(place)
        }
    }

    private func add(_ account: Account) -> Int {
        places[account.resident.rawValue] = accounts.count
        accounts.append(account)
        return accounts.count - 1
    }

    subscript(place: Int) -> Account { accounts[place] }

    /// Where the resident's account stands in memory until the transaction ends.
    ///
    /// Throws `Undecidable` if the resident belongs to another partition.
    func place(of resident: ResidentID, partition: Int, in database: Database) throws -> Int {
        if let place = places[resident.rawValue] {
            guard accounts[place].partition == partition else {
                throw Undecidable("resident \(resident) belongs to another partition")
            }
            return place
        }
        let stored = try prepared(in: database).account(of: resident)
        guard (stored?.partition ?? resident.partition(of: partitionCount)) == partition else {
            throw Undecidable("resident \(resident) belongs to another partition")
        }
        return add(stored ?? Account(resident: resident, partition: partition))
    }

    /// Statements live no longer than a transaction: the store could not be closed under them.
    private func prepared(in database: Database) throws -> LedgerStatements {
        if let statements { return statements }
        let statements = try LedgerStatements(database)
        self.statements = statements
        return statements
    }

    /// Notes that an award moves the account; its first one opens it, and is written with it.
    private func open(_ place: Int) {
        guard accounts[place].standing == .settled else { return }
        guard accounts[place].number > 0 else { return makeDue(place) }
        accounts[place].standing = .unsettled
        round.add(SettlingRound.Member(number: accounts[place].number, place: place))
    }

    private func makeDue(_ place: Int) {
        guard accounts[place].standing != .due else { return }
        if accounts[place].number == 0 {
            precondition(nextAccount < LotPlace.Limits.accountsMax, "the city outgrew its lots")
            accounts[place].number = nextAccount
            nextAccount += 1
        }
        accounts[place].standing = .due
        due.append(SettlingRound.Member(number: accounts[place].number, place: place))
    }

    /// Makes the account ready for anything but an award: its lots in the store say what it has.
    private func prepare(_ place: Int, in database: Database) throws {
        makeDue(place)
        try fillLots(at: place, in: database)
    }

    // MARK: Awards and reversals

    struct AwardOutcome {
        /// The part that paid a debt.
        var repaid = Points.zero
        /// The part whose lot had already expired when it was awarded.
        var expired = Points.zero
    }

    /// Gives `points` for `day`: a debt is paid first, the rest goes to the day's lot.
    func award(
        _ points: Points, for day: LocalDay, at place: Int, firstOpenDay: LocalDay,
        in database: Database
    ) throws -> AwardOutcome {
        var outcome = AwardOutcome()
        if accounts[place].debt > .zero {
            try prepare(place, in: database)
            outcome.repaid = min(points, accounts[place].debt)
            accounts[place].awarded += outcome.repaid
            accounts[place].debt -= outcome.repaid
            post(
                Transfer(
                    posting: journal.newPosting(), source: .issuance, target: .debt,
                    points: outcome.repaid),
                at: place)
        }
        let rest = points - outcome.repaid
        guard rest > .zero else { return outcome }
        if day >= firstOpenDay {
            open(place)
            accounts[place].receive(rest, for: day)
            journal.enterAward(rest, for: day, of: &accounts[place])
        } else {
            try prepare(place, in: database)
            accounts[place].awarded += rest
            accounts[place].expired += rest
            outcome.expired = rest
            try prepared(in: database).fillLot(
                on: day, awarded: rest, remaining: .zero, of: &accounts[place])
            let posting = journal.newPosting()
            for (source, target) in [
                (AccountKind.issuance, AccountKind.resident), (.resident, .expired),
            ] {
                post(
                    Transfer(
                        posting: posting, source: source, target: target, points: rest, day: day),
                    at: place)
            }
        }
        return outcome
    }

    /// Takes `points` back that were awarded for `day`; returns what of it became debt.
    ///
    /// The lot of the day gives first, then the others soonest-to-expire first; an expired lot has
    /// nothing to give.
    func reverse(
        _ points: Points, for day: LocalDay, at place: Int, firstOpenDay: LocalDay,
        in database: Database
    ) throws -> Points {
        let lots = try openLots(at: place, firstOpenDay: firstOpenDay, in: database)
        let plan = LotPlan(taking: points, from: lots, first: day)
        let posting = journal.newPosting()
        for share in plan.shares {
            try move(share, out: true, at: place, in: database)
            post(
                Transfer(
                    posting: posting, source: .resident, target: .issuance, points: share.points,
                    day: share.day),
                at: place)
        }
        if plan.missing > .zero {
            accounts[place].debt += plan.missing
            post(
                Transfer(
                    posting: posting, source: .debt, target: .issuance, points: plan.missing),
                at: place)
        }
        accounts[place].reversed += points
        return plan.missing
    }

    // MARK: Orders

    /// Moves the points of `shares` through the order's hold to `sink`.
    ///
    /// Returns the number of the first transfer: the shares' transfers follow from there.
    func spend(
        _ shares: [LotShare], on order: Int64, to sink: AccountKind, at place: Int,
        in database: Database
    ) throws -> Int64 {
        try prepare(place, in: database)
        let first = journal.last + 1
        let posting = journal.newPosting()
        var total = Points.zero
        for share in shares {
            try move(share, out: true, at: place, in: database)
            post(
                Transfer(
                    posting: posting, source: .resident, target: .hold, points: share.points,
                    day: share.day, order: order),
                at: place)
            total += share.points
        }
        post(
            Transfer(
                posting: posting, source: .hold, target: sink, points: total, order: order),
            at: place)
        accounts[place].spent += total
        accounts[place].newestOrder = order
        return first
    }

    /// The lots that paid for an order.
    func shares(from first: Int64, count: Int64, in database: Database) throws -> [LotShare] {
        try journal.write(in: database)
        return try prepared(in: database).lots(from: first, count: count)
    }

    struct Refund {
        var restored: [LotShare] = []
        /// What had expired meanwhile, and so expired now.
        var expired: [LotShare] = []
    }

    /// Gives the points of a redeemed order back to the lots that paid for it.
    func refund(
        _ shares: [LotShare], of order: Int64, at place: Int, firstOpenDay: LocalDay,
        in database: Database
    ) throws -> Refund {
        try prepare(place, in: database)
        let posting = journal.newPosting()
        let total = shares.reduce(Points.zero) { $0 + $1.points }
        var refund = Refund()
        post(
            Transfer(
                posting: posting, source: .redeemed, target: .hold, points: total, order: order),
            at: place)
        for share in shares {
            post(
                Transfer(
                    posting: posting, source: .hold, target: .resident, points: share.points,
                    day: share.day, order: order),
                at: place)
            if share.day >= firstOpenDay {
                try move(share, out: false, at: place, in: database)
                refund.restored.append(share)
            } else {
                post(
                    Transfer(
                        posting: posting, source: .resident, target: .expired,
                        points: share.points, day: share.day),
                    at: place)
                accounts[place].expired += share.points
                refund.expired.append(share)
            }
        }
        accounts[place].spent -= total
        return refund
    }

    // MARK: Lots

    /// The lots that can be spent, soonest-to-expire first.
    func openLots(
        at place: Int, firstOpenDay: LocalDay, in database: Database
    ) throws -> [OpenLot] {
        try prepare(place, in: database)
        let statements = try prepared(in: database)
        var lots: [OpenLot] = []
        var next = accounts[place].newestLot
        while let day = next, day >= firstOpenDay {
            guard let lot = try statements.lot(at: accounts[place].lot(of: day)) else {
                preconditionFailure("the list of a resident's lots names only lots")
            }
            if lot.remaining > .zero { lots.append(OpenLot(day: day, remaining: lot.remaining)) }
            next = lot.older
        }
        return lots.reversed()
    }

    struct ExpiryStep {
        /// What expired, resident by resident, each with all of its lots of this step.
        var lots: [(place: Int, shares: [LotShare])] = []
        /// The last lot looked at; nil if none was left.
        var last: LotPlace?
    }

    /// Posts what is left in the next `limit` lots after `start` and before `end`.
    ///
    /// Everything must have been settled since lots expired: they are looked for in the store.
    func expire(
        in partition: Int, after start: LotPlace, before end: LotPlace, limit: Int,
        in database: Database
    ) throws -> ExpiryStep {
        let lots = try prepared(in: database).lots(after: start, before: end, limit: limit)
        var step = ExpiryStep()
        step.last = lots.count == limit ? lots.last?.place : nil
        let left = lots.filter { $0.remaining > .zero }
        guard !left.isEmpty else { return step }
        let posting = journal.newPosting()
        var order: [Int: Int] = [:]
        for lot in left {
            guard
                let resident = try prepared(in: database).resident(ofAccount: lot.place.number)
            else { preconditionFailure("a lot belongs to an account") }
            let place = try self.place(of: resident, partition: partition, in: database)
            let share = LotShare(day: lot.place.day, points: lot.remaining)
            try prepare(place, in: database)
            try move(share, out: true, at: place, in: database)
            post(
                Transfer(
                    posting: posting, source: .resident, target: .expired, points: share.points,
                    day: share.day),
                at: place)
            accounts[place].expired += share.points
            if let index = order[place] {
                step.lots[index].shares.append(share)
            } else {
                order[place] = step.lots.count
                step.lots.append((place, [share]))
            }
        }
        return step
    }

    /// Moves a share out of or back into its lot, and the balance with it.
    private func move(_ share: LotShare, out: Bool, at place: Int, in database: Database) throws {
        let points = out ? Points.zero - share.points : share.points
        let exists = try prepared(in: database).addToLot(
            at: accounts[place].lot(of: share.day), awarded: .zero, remaining: points)
        precondition(exists, "points move between lots that exist")
        accounts[place].balance += points
    }

    private func post(_ transfer: Transfer, at place: Int) {
        journal.enter(transfer, of: &accounts[place])
    }

    // MARK: Writing

    /// Writes the journal, and settles who is due and whom the round has come to.
    func flush(in database: Database) throws {
        try settleDue(in: database)
        try settle(round.advance(to: journal.last), in: database)
        try journal.write(in: database)
        try RewardsStore.save(settled: round.settled, in: database)
        trim()
        statements = nil
    }

    /// Settles everybody: lots in the store hold whatever was awarded.
    ///
    /// What is settled must not grow, so the journal is closed up to here.
    func settleAll(in database: Database) throws {
        try settleDue(in: database)
        try settle(round.finish(at: journal.last), in: database)
        try journal.write(in: database)
    }

    private func settleDue(in database: Database) throws {
        due.sort { $0.number < $1.number }
        try settle(due, in: database)
        due.removeAll(keepingCapacity: true)
    }

    private func settle(_ members: [SettlingRound.Member], in database: Database) throws {
        let statements = try prepared(in: database)
        for place in members.lazy.map(\.place) where accounts[place].standing != .settled {
            try fillLots(at: place, in: database)
            try statements.save(accounts[place])
            accounts[place].isStored = true
            accounts[place].standing = .settled
        }
    }

    private func fillLots(at place: Int, in database: Database) throws {
        guard !accounts[place].unsettled.isEmpty else { return }
        let awards = accounts[place].unsettled
        accounts[place].unsettled = DayAwards()
        let statements = try prepared(in: database)
        try awards.forEach { day, points in
            try statements.fillLot(
                on: day, awarded: points, remaining: points, of: &accounts[place])
        }
    }

    /// Forgets settled accounts if there are too many; the store has them.
    private func trim() {
        guard accounts.count > accountsKeptMax else { return }
        let kept = accounts.filter { $0.standing == .unsettled }
        forgetAccounts()
        round.clear()
        for account in kept { round.add(.init(number: account.number, place: add(account))) }
    }

    private func forgetAccounts() {
        places.removeAll(keepingCapacity: true)
        accounts.removeAll(keepingCapacity: true)
    }

    /// The transaction is on disk.
    func committed() {
        latest.append(journal.takeAccounts(), settled: round.settled)
    }
}
