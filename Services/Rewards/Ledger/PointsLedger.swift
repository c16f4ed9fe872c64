import GRDB
import Model
import Streams

/// The points ledger in double entry, as the writer holds it over a transaction.
///
/// Every movement of points is one transfer. Awards are the many: they move an account's sums in
/// memory, and lots, transfers and accounts are written once for each resident and earned day when
/// the transaction ends. Everything else is rare and writes its transfers and lots at once, after
/// the awards that came before it. Of accounts, what is in memory is the truth until `flush`.
///
/// An order's points pass through its hold and leave it in the same transaction. Between
/// transactions every hold is empty; in the ledger it ties the lots of an order to its price, so
/// that a cancel can restore the same lots and the audit can prove each order by itself.
final class PointsLedger {
    private let partitionCount: Int
    private var places: [Int64: Int] = [:]
    private var accounts: [Account] = []
    private var touched: [(number: Int64, place: Int)] = []
    private var flows: Flows
    private var nextTransfer: Int64
    private var nextPosting: Int64
    private var nextAccount: Int64
    private var statements: LedgerStatements?

    enum Limits {
        /// Accounts kept between transactions, of about 200 bytes each.
        static let accountsKeptMax = 100_000
    }

    init(partitions: Int, in database: Database) throws {
        partitionCount = partitions
        flows = Flows(partitions: partitions)
        (nextTransfer, nextPosting, nextAccount) = try RewardsStore.nextNumbers(in: database)
    }

    /// Forgets everything that was not committed.
    func reload(from database: Database) throws {
        forgetAccounts()
        flows = Flows(partitions: partitionCount)
        statements = nil
        (nextTransfer, nextPosting, nextAccount) = try RewardsStore.nextNumbers(in: database)
    }

    private func forgetAccounts() {
        places.removeAll(keepingCapacity: true)
        accounts.removeAll(keepingCapacity: true)
        touched.removeAll(keepingCapacity: true)
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
        places[resident.rawValue] = accounts.count
        accounts.append(stored ?? Account(resident: resident, partition: partition))
        return accounts.count - 1
    }

    /// Statements live no longer than a transaction: the store could not be closed under them.
    private func prepared(in database: Database) throws -> LedgerStatements {
        if let statements { return statements }
        let statements = try LedgerStatements(database)
        self.statements = statements
        return statements
    }

    private func touch(_ place: Int) {
        guard !accounts[place].isTouched else { return }
        accounts[place].isTouched = true
        if accounts[place].number == 0 {
            precondition(nextAccount < LotPlace.Limits.accountsMax, "the city outgrew its lots")
            accounts[place].number = nextAccount
            nextAccount += 1
        }
        touched.append((accounts[place].number, place))
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
        touch(place)
        var outcome = AwardOutcome()
        accounts[place].awarded += points
        if accounts[place].debt > .zero {
            let repaid = min(points, accounts[place].debt)
            accounts[place].debt -= repaid
            outcome.repaid = repaid
            try post(
                Transfer(
                    posting: newPosting(), source: .issuance, target: .debt, points: repaid),
                at: place, in: database)
        }
        let rest = points - outcome.repaid
        guard rest > .zero else { return outcome }
        if day >= firstOpenDay {
            accounts[place].balance += rest
            accounts[place].awards.add(rest, on: day)
        } else {
            accounts[place].expired += rest
            outcome.expired = rest
            try writeAwards(at: place, in: database)
            try fillLot(on: day, awarded: rest, remaining: .zero, at: place, in: database)
            let posting = newPosting()
            for (source, target) in [
                (AccountKind.issuance, AccountKind.resident), (.resident, .expired),
            ] {
                try post(
                    Transfer(
                        posting: posting, source: source, target: target, points: rest, day: day),
                    at: place, in: database)
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
        let posting = newPosting()
        touch(place)
        for share in plan.shares {
            try move(share, out: true, at: place, in: database)
            try post(
                Transfer(
                    posting: posting, source: .resident, target: .issuance, points: share.points,
                    day: share.day),
                at: place, in: database)
        }
        if plan.missing > .zero {
            accounts[place].debt += plan.missing
            try post(
                Transfer(
                    posting: posting, source: .debt, target: .issuance, points: plan.missing),
                at: place, in: database)
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
        let first = nextTransfer
        let posting = newPosting()
        var total = Points.zero
        touch(place)
        for share in shares {
            try move(share, out: true, at: place, in: database)
            try post(
                Transfer(
                    posting: posting, source: .resident, target: .hold, points: share.points,
                    day: share.day, order: order),
                at: place, in: database)
            total += share.points
        }
        try post(
            Transfer(
                posting: posting, source: .hold, target: sink, points: total, order: order),
            at: place, in: database)
        accounts[place].spent += total
        accounts[place].newestOrder = order
        return first
    }

    /// The lots that paid for an order.
    func shares(from first: Int64, count: Int64, in database: Database) throws -> [LotShare] {
        try prepared(in: database).lots(from: first, count: count)
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
        try writeAwards(at: place, in: database)
        let posting = newPosting()
        let total = shares.reduce(Points.zero) { $0 + $1.points }
        var refund = Refund()
        touch(place)
        try post(
            Transfer(
                posting: posting, source: .redeemed, target: .hold, points: total, order: order),
            at: place, in: database)
        for share in shares {
            try post(
                Transfer(
                    posting: posting, source: .hold, target: .resident, points: share.points,
                    day: share.day, order: order),
                at: place, in: database)
            if share.day >= firstOpenDay {
                try move(share, out: false, at: place, in: database)
                refund.restored.append(share)
            } else {
                try post(
                    Transfer(
                        posting: posting, source: .resident, target: .expired,
                        points: share.points, day: share.day),
                    at: place, in: database)
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
        try writeAwards(at: place, in: database)
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
    /// Everything must have been flushed since lots expired: it is looked for in the store.
    func expire(
        in partition: Int, after start: LotPlace, before end: LotPlace, limit: Int,
        in database: Database
    ) throws -> ExpiryStep {
        let lots = try prepared(in: database).lots(after: start, before: end, limit: limit)
        let posting = newPosting()
        var step = ExpiryStep()
        var order: [Int: Int] = [:]
        for lot in lots where lot.remaining > .zero {
            guard
                let resident = try prepared(in: database).resident(ofAccount: lot.place.number)
            else { preconditionFailure("a lot belongs to an account") }
            let place = try self.place(of: resident, partition: partition, in: database)
            let share = LotShare(day: lot.place.day, points: lot.remaining)
            touch(place)
            try move(share, out: true, at: place, in: database)
            try post(
                Transfer(
                    posting: posting, source: .resident, target: .expired, points: share.points,
                    day: share.day),
                at: place, in: database)
            accounts[place].expired += share.points
            if let index = order[place] {
                step.lots[index].shares.append(share)
            } else {
                order[place] = step.lots.count
                step.lots.append((place, [share]))
            }
        }
        step.last = lots.count == limit ? lots.last?.place : nil
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

    // MARK: Writing

    /// Writes everything that is only in memory, each account once, in the order of the store.
    func flush(in database: Database) throws {
        let statements = try prepared(in: database)
        touched.sort { $0.number < $1.number }
        for (_, place) in touched {
            try writeAwards(at: place, in: database)
            try statements.save(accounts[place])
            accounts[place].isStored = true
            accounts[place].isTouched = false
        }
        touched.removeAll(keepingCapacity: true)
        try flows.flush(in: database)
        if accounts.count > Limits.accountsKeptMax { forgetAccounts() }
        self.statements = nil
    }

    private func writeAwards(at place: Int, in database: Database) throws {
        guard let first = accounts[place].awards.first else { return }
        let others = accounts[place].awards.others
        accounts[place].awards = DayAwards()
        let posting = newPosting()
        try writeAward(first, posting: posting, at: place, in: database)
        for award in others { try writeAward(award, posting: posting, at: place, in: database) }
    }

    private func writeAward(
        _ award: (day: LocalDay, points: Points), posting: Int64, at place: Int,
        in database: Database
    ) throws {
        try fillLot(
            on: award.day, awarded: award.points, remaining: award.points, at: place, in: database)
        try post(
            Transfer(
                posting: posting, source: .issuance, target: .resident, points: award.points,
                day: award.day),
            at: place, in: database)
    }

    /// Adds to the lot of `day`, or puts it where it belongs in the resident's list of lots.
    private func fillLot(
        on day: LocalDay, awarded: Points, remaining: Points, at place: Int, in database: Database
    ) throws {
        let statements = try prepared(in: database)
        guard var newer = accounts[place].newestLot, day <= newer else {
            try statements.insertLot(
                at: accounts[place].lot(of: day), awarded: awarded, remaining: remaining,
                older: accounts[place].newestLot)
            accounts[place].newestLot = day
            return
        }
        if try statements.addToLot(
            at: accounts[place].lot(of: day), awarded: awarded, remaining: remaining)
        {
            return
        }
        // A late day: few lots are newer.
        while let older = try statements.lot(at: accounts[place].lot(of: newer))?.older,
            older > day
        {
            newer = older
        }
        let older = try statements.lot(at: accounts[place].lot(of: newer))?.older
        try statements.insertLot(
            at: accounts[place].lot(of: day), awarded: awarded, remaining: remaining, older: older
        )
        try statements.linkLot(at: accounts[place].lot(of: newer), older: day)
    }

    private func newPosting() -> Int64 {
        defer { nextPosting += 1 }
        return nextPosting
    }

    private func post(_ transfer: Transfer, at place: Int, in database: Database) throws {
        let number = nextTransfer
        try prepared(in: database).insert(
            transfer, number: number, account: accounts[place].number,
            earlier: accounts[place].newestTransfer)
        accounts[place].newestTransfer = number
        nextTransfer += 1
        flows.add(transfer, partition: accounts[place].partition)
    }
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

    mutating func add(_ transfer: Transfer, partition: Int) {
        let index =
            (partition * Self.kinds + Int(transfer.source.rawValue)) * Self.kinds
            + Int(transfer.target.rawValue)
        counts[index] += 1
        points[index] += transfer.points
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
