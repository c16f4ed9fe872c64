import Model

/// A resident's account as the writer holds it during a transaction.
///
/// Sums move at once; lots that awards fill wait in `awards` and are written once a transaction.
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
    /// Head of the list of the resident's lots, newest earned day first.
    var newestLot: LocalDay?
    /// Head of the list of the account's transfers, newest first; 0: none.
    var newestTransfer: Int64 = 0
    /// Head of the list of the resident's orders, newest first; 0: none.
    var newestOrder: Int64 = 0
    var isStored = false
    var isTouched = false
    var awards = DayAwards()

    init(resident: ResidentID, partition: Int) {
        self.resident = resident
        self.partition = partition
    }

    /// Where the lot of `day` stands, if there is one.
    func lot(of day: LocalDay) -> LotPlace {
        LotPlace(partition: partition, day: day, number: number)
    }
}

/// What a transaction has awarded so far, by earned day.
///
/// Nearly always one day, so the first stands inline and costs no allocation.
struct DayAwards {
    private(set) var first: (day: LocalDay, points: Points)?
    private(set) var others: [(day: LocalDay, points: Points)] = []

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
