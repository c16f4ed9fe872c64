import Messages
import Model
import Wire

/// The rules of points written down as plainly as can be, for one partition.
struct PlainRewards {
    struct Resident: Equatable {
        var lots: [LocalDay: Int64] = [:]
        var debt: Int64 = 0
        var awarded: Int64 = 0
        var reversed: Int64 = 0
        var spent: Int64 = 0
        var expired: Int64 = 0

        var spendable: Int64 { lots.values.reduce(0, +) }
    }

    private struct Order {
        var resident: ResidentID
        var item: Item
        var shares: [(day: LocalDay, points: Int64)]
        var validUntil: LocalDay
        var stands = true
    }

    struct Item {
        var code: String
        var price: Int64
        var isDonation: Bool
        var stock: Int
        var validDays: Int32
    }

    private(set) var residents: [ResidentID: Resident] = [:]
    /// By the number of the attempt to order.
    private var orders: [Int: Order] = [:]
    private var lastEnded: LocalDay?
    private var latest: LocalDay?

    private var today: LocalDay? { lastEnded?.advanced(by: 1) ?? latest }

    private func hasExpired(_ day: LocalDay) -> Bool {
        guard let lastEnded else { return false }
        return day.advanced(by: 730) <= lastEnded
    }

    mutating func apply(_ event: PointsEvent) {
        switch event.payload {
        case .scored(let scored):
            guard let id = ResidentID(rawValue: event.resident) else { return }
            let day = LocalDay(scored.day)
            latest = max(latest ?? day, day)
            if scored.points != 0 {
                var resident = residents[id] ?? Resident()
                if scored.points > 0 {
                    award(scored.points, for: day, to: &resident)
                } else {
                    reverse(-scored.points, for: day, from: &resident)
                }
                residents[id] = resident
            }
        case .dayEnded(let ended):
            lastEnded = LocalDay(ended.day)
            for id in residents.keys {
                for (day, left) in residents[id]?.lots ?? [:] where hasExpired(day) {
                    residents[id]?.expired += left
                    residents[id]?.lots[day] = nil
                }
            }
        case .refused, .residentErased, nil: break
        }
    }

    private func award(_ points: Int64, for day: LocalDay, to resident: inout Resident) {
        resident.awarded += points
        let repaid = min(points, resident.debt)
        resident.debt -= repaid
        if hasExpired(day) {
            resident.expired += points - repaid
        } else if points > repaid {
            resident.lots[day, default: 0] += points - repaid
        }
    }

    private func reverse(_ points: Int64, for day: LocalDay, from resident: inout Resident) {
        resident.reversed += points
        var rest = points
        for lot in [day] + resident.lots.keys.sorted() {
            let taken = min(rest, resident.lots[lot] ?? 0)
            if taken > 0 { resident.lots[lot] = (resident.lots[lot] ?? 0) - taken }
            if resident.lots[lot] == 0 { resident.lots[lot] = nil }
            rest -= taken
        }
        resident.debt += rest
    }

    /// Says whether the order is filled.
    mutating func redeem(_ item: Item, by id: ResidentID, attempt: Int) -> Bool {
        let sold = orders.values.count { $0.item.code == item.code && $0.stands }
        guard var resident = residents[id], let today, sold < item.stock, resident.debt == 0,
            resident.spendable >= item.price
        else { return false }
        var rest = item.price
        var shares: [(day: LocalDay, points: Int64)] = []
        for day in resident.lots.keys.sorted() where rest > 0 {
            let left = resident.lots[day] ?? 0
            let taken = min(rest, left)
            resident.lots[day] = left == taken ? nil : left - taken
            shares.append((day, taken))
            rest -= taken
        }
        resident.spent += item.price
        residents[id] = resident
        orders[attempt] = Order(
            resident: id, item: item, shares: shares,
            validUntil: today.advanced(by: item.validDays - 1))
        return true
    }

    /// Says whether the order is cancelled.
    mutating func cancel(attempt: Int) -> Bool {
        guard let order = orders[attempt], order.stands, !order.item.isDonation, let today,
            order.validUntil >= today, var resident = residents[order.resident]
        else { return false }
        orders[attempt]?.stands = false
        for (day, points) in order.shares {
            if hasExpired(day) {
                resident.expired += points
            } else {
                resident.lots[day, default: 0] += points
            }
        }
        resident.spent -= order.item.price
        residents[order.resident] = resident
        return true
    }
}
