import Model

/// A resident's account as the writer holds it.
///
/// Sums move at once. Awards that stand in the journal and not yet in lots wait in `unsettled`.
struct Account {
    /// From 1, in the order in which residents were first awarded anything; 0 until then.
    var number: Int64 = 0
    let resident: ResidentID
    let partition: Int
    /// What is left in all lots, those included that have expired and are not yet posted as such.
    var balance = Points.zero
    var debt = Points.zero
    var awarded = Points.zero
    var reversed = Points.zero
    /// Price of the orders that stand.
    var spent = Points.zero
    var expired = Points.zero
    /// Head of the list of the resident's lots in the store, newest earned day first.
    var newestLot: LocalDay?
    /// Head of the list of the account's transfers, newest first; 0: none.
    var newestTransfer: Int64 = 0
    /// Head of the list of the resident's orders, newest first; 0: none.
    var newestOrder: Int64 = 0
    var isStored = false
    var standing = Standing.settled
    var unsettled = DayAwards()

    /// How the account's row and lots in the store stand to what is in memory.
    enum Standing {
        /// They say the same.
        case settled
        /// The newest transfers, all of them awards, are in the journal alone.
        case unsettled
        /// They must be written with this transaction: the account is new, or moved by anything
        /// but an award.
        case due
    }

    init(resident: ResidentID, partition: Int) {
        self.resident = resident
        self.partition = partition
    }

    /// Takes an award that its lot does not hold yet.
    mutating func receive(_ points: Points, for day: LocalDay) {
        awarded += points
        balance += points
        unsettled.add(points, on: day)
    }

    /// Takes an award from the journal that its row and lots do not hold yet.
    mutating func fold(_ award: UnsettledAward) {
        receive(award.points, for: award.day)
        newestTransfer = max(newestTransfer, award.number)
    }

    /// Where the lot of `day` stands, if there is one.
    func lot(of day: LocalDay) -> LotPlace {
        LotPlace(partition: partition, day: day, number: number)
    }
}

/// Awards by earned day.
///
/// Nearly always one day, so the first stands inline and costs no allocation.
struct DayAwards {
    private var first: (day: LocalDay, points: Points)?
    private var others: [(day: LocalDay, points: Points)] = []

    var isEmpty: Bool { first == nil }

    mutating func add(_ points: Points, on day: LocalDay) {
        guard let first else {
            self.first = (day, points)
            return
        }
        if first.day == day {
            self.first = (day, first.points + points)
        } else if let index = others.firstIndex(where: { $0.day == day }) {
            others[index].points += points
        } else {
            others.append((day, points))
        }
    }

    func forEach(_ body: (LocalDay, Points) throws -> Void) rethrows {
        guard let first else { return }
        try body(first.day, first.points)
        for other in others { try body(other.day, other.points) }
    }
}

/// An award in the journal behind what its account's row holds.
struct UnsettledAward {
    /// Of the transfer.
    var number: Int64
    /// Number of the account.
    var account: Int64
    var day: LocalDay
    var points: Points
}

/// What is left of a lot that can still be spent.
struct OpenLot: Equatable {
    var day: LocalDay
    var remaining: Points
}

/// Points of one lot.
struct LotShare: Equatable {
    var day: LocalDay
    var points: Points
}

/// Which lots give how much.
struct LotPlan: Equatable {
    var shares: [LotShare] = []
    /// What the lots could not give.
    var missing: Points

    /// Takes `points` from `lots`, those of `first` before all others, then soonest-to-expire
    /// first.
    ///
    /// - Parameter lots: By earned day, oldest first, each with something left.
    init(taking points: Points, from lots: [OpenLot], first day: LocalDay? = nil) {
        missing = points
        for lot in lots where lot.day == day { take(from: lot) }
        for lot in lots where lot.day != day { take(from: lot) }
    }

    private mutating func take(from lot: OpenLot) {
        guard missing > .zero else { return }
        let points = min(missing, lot.remaining)
        shares.append(LotShare(day: lot.day, points: points))
        missing -= points
    }
}
