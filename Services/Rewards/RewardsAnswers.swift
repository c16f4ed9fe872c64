package import GRDB
package import Messages
import Model
package import Streams

/// The read side of Rewards: what a resident has, what can be had, and what was taken.
package struct RewardsAnswers: Answering {
    private let voucherKey: VoucherKey
    private let latest: LatestTransfers

    /// - Parameter latest: of the domain that writes the store; without it a query about a resident
    ///   searches the journal's tail.
    package init(voucherKey: VoucherKey, latest: LatestTransfers = LatestTransfers()) {
        self.voucherKey = voucherKey
        self.latest = latest
    }

    package func answer(_ query: QueryMessage, in database: Database) throws -> ReplyMessage {
        switch query.method {
        case ShowPoints.method:
            try .answering(ShowPoints.self, query.body) { try show($0, in: database) }
        case ListRewards.method:
            try .answering(ListRewards.self, query.body) { _ in try rewards(in: database) }
        case ShowOrder.method:
            try .answering(ShowOrder.self, query.body) { try show($0, in: database) }
        case ListOrders.method:
            try .answering(ListOrders.self, query.body) { try list($0, in: database) }
        default: .unknownMethod(query.method)
        }
    }

    private func show(_ query: ShowPoints, in database: Database) throws -> ReplyMessage {
        guard (0...ShowPoints.movesMax).contains(query.moves) else {
            return .invalid("bad_moves", "0 to \(ShowPoints.movesMax) moves can be shown")
        }
        let stored = try RewardsStore.account(of: query.resident, latest: latest, in: database)
        guard let account = stored else {
            return try .ok(
                ShowPoints.Reply(
                    resident: query.resident, spendable: .zero, debt: .zero, awarded: .zero,
                    reversed: .zero, spent: .zero, expired: .zero, lots: [], moves: []))
        }
        let calendar = try RewardsStore.calendar(of: account.partition, in: database)
        let lots = try RewardsStore.lots(
            of: account, since: calendar.firstOpenDay, in: database
        ).filter { $0.remaining > .zero }
        let spendable = lots.reduce(Points.zero) { $0 + $1.remaining }
        let moves = try RewardsStore.moves(of: account, limit: query.moves, in: database)
        return try .ok(
            ShowPoints.Reply(
                resident: query.resident, spendable: spendable, debt: account.debt,
                awarded: account.awarded, reversed: account.reversed, spent: account.spent,
                // What has expired counts as expired, posted or not.
                expired: account.expired + account.balance - spendable,
                lots: lots.reversed().map { lot in
                    ShowPoints.Lot(
                        earnedDay: lot.day.description,
                        expiresAfter: CityCalendar.lastDay(ofLotEarnedOn: lot.day).description,
                        remaining: lot.remaining)
                },
                moves: moves.map { transfer in
                    ShowPoints.Move(
                        from: transfer.source.code, to: transfer.target.code,
                        points: transfer.points, earnedDay: transfer.day?.description)
                }))
    }

    private func rewards(in database: Database) throws -> ReplyMessage {
        guard let catalogue = try RewardsStore.currentCatalogueNumber(in: database) else {
            return try .ok(Listing<RewardRecord>(items: []))
        }
        return try .ok(
            Listing(
                items: try RewardsStore.items(of: catalogue, in: database).map { stored in
                    RewardRecord(
                        code: stored.item.code, nameZh: stored.item.nameZh,
                        nameEn: stored.item.nameEn, kind: stored.item.kind.rawValue,
                        points: stored.item.points, stock: stored.left, sold: stored.sold,
                        validDays: Int(stored.item.validDays))
                }))
    }

    private func show(_ query: ShowOrder, in database: Database) throws -> ReplyMessage {
        guard let id = OrderID(query.order), let order = try RewardsStore.order(id, in: database)
        else { return .refused("unknown_order", "there is no order \(query.order)") }
        return try .ok(order.record(voucherKey))
    }

    private func list(_ query: ListOrders, in database: Database) throws -> ReplyMessage {
        guard (1...ListOrders.limitMax).contains(query.limit) else {
            return .invalid("bad_limit", "1 to \(ListOrders.limitMax) orders can be listed")
        }
        var next: Int64
        if let before = query.before {
            guard let id = OrderID(before), let order = try RewardsStore.order(id, in: database),
                order.resident == query.resident
            else { return .refused("unknown_order", "the resident has no order \(before)") }
            next = order.earlier
        } else {
            let account = try AccountQuery(.resident, in: database)
                .account(query.resident.rawValue)
            next = account?.newestOrder ?? 0
        }
        var orders: [Order] = []
        while orders.count < query.limit, next > 0,
            let order = try RewardsStore.order(number: next, in: database)
        {
            orders.append(order)
            next = order.earlier
        }
        return try .ok(
            Listing(
                items: orders.map { $0.record(voucherKey) },
                next: next > 0 ? orders.last?.id.description : nil))
    }
}
