import Foundation
import Messages
import Model
import Streams
import Wire

/// Orders: points taken means a reward given, in one transaction, or neither.
extension RewardsDomain {
    func redeem(
        _ request: RedeemReward, by command: CommandMessage, in transaction: Transaction
    ) throws -> ReplyMessage {
        let database = transaction.database
        guard let catalogue = try RewardsStore.currentCatalogueNumber(in: database) else {
            return .refused("no_catalogue", "no catalogue is loaded yet")
        }
        guard let stored = try RewardsStore.item(request.item, in: database),
            stored.catalogue == catalogue
        else { return .refused("unknown_item", "the catalogue has no \(request.item)") }
        let item = stored.item
        if stored.left == 0 { return .refused("out_of_stock", "all of \(item.code) are taken") }

        let partition = partition(of: request.resident)
        let calendar = calendar(of: partition)
        let place = try ledger.place(of: request.resident, partition: partition, in: database)
        if ledger[place].debt > .zero {
            return .refused(
                "insufficient_points",
                "\(ledger[place].debt.rawValue) points are owed; new ones pay them first")
        }
        // The balance bounds what can be spent; only who may have enough is worth a closer look.
        let lots =
            ledger[place].balance < item.points
            ? [] : try ledger.openLots(at: place, firstOpenDay: calendar.firstOpenDay, in: database)
        let plan = LotPlan(taking: item.points, from: lots)
        guard plan.missing == .zero, let today = calendar.today else {
            return .refused(
                "insufficient_points", "\(item.code) costs \(item.points.rawValue) points")
        }

        let number = try RewardsStore.nextOrderNumber(in: database)
        let earlier = ledger[place].newestOrder
        let first = try ledger.spend(
            plan.shares, on: number, to: item.kind.sink, at: place, in: database)
        let order = Order(
            number: number, id: OrderID(of: command), resident: request.resident, item: item.code,
            kind: item.kind, points: item.points, state: .filled, day: today,
            validUntil: item.kind == .voucher ? today.advanced(by: item.validDays - 1) : nil,
            firstTransfer: first, lots: Int64(plan.shares.count), earlier: earlier)
        try RewardsStore.insert(order, in: database)
        try RewardsStore.addSold(1, of: item.code, in: database)

        var event = event(
            of: order.resident, in: partition,
            after: transaction.inputCursor(of: .points, partition: partition))
        event.id = Data(order.id.bytes)
        event.orderFilled.item = order.item
        event.orderFilled.kind = order.kind.rawValue
        event.orderFilled.points = order.points.rawValue
        event.orderFilled.lots = plan.shares.map(\.wire)
        event.orderFilled.day = today.rawValue
        event.orderFilled.validUntil = order.validUntil?.rawValue ?? 0
        // The log's control totals of points are what is spent: the price of the orders that stand.
        try transaction.emit(event, to: partition, points: order.points)
        return try .ok(order.record(voucherKey))
    }

    func cancel(_ request: CancelOrder, in transaction: Transaction) throws -> ReplyMessage {
        let database = transaction.database
        guard let id = OrderID(request.order),
            var order = try RewardsStore.order(id, in: database)
        else { return .refused("unknown_order", "there is no order \(request.order)") }
        guard order.kind == .voucher else {
            return .refused("donation_final", "a donation has been passed on")
        }
        guard order.state == .filled else {
            return .refused("already_cancelled", "the points have been given back")
        }
        let partition = partition(of: order.resident)
        let calendar = calendar(of: partition)
        let today = calendar.today ?? order.day
        if let validUntil = order.validUntil, validUntil < today {
            return .refused("voucher_expired", "the voucher was valid until \(validUntil)")
        }

        let place = try ledger.place(of: order.resident, partition: partition, in: database)
        let shares = try ledger.shares(from: order.firstTransfer, count: order.lots, in: database)
        let refund = try ledger.refund(
            shares, of: order.number, at: place, firstOpenDay: calendar.firstOpenDay,
            in: database)
        order.state = .cancelled
        try RewardsStore.cancel(order, in: database)
        try RewardsStore.addSold(-1, of: order.item, in: database)

        var event = event(
            of: order.resident, in: partition,
            after: transaction.inputCursor(of: .points, partition: partition))
        event.id = Data(order.id.bytes)
        event.orderCancelled.item = order.item
        event.orderCancelled.points = order.points.rawValue
        event.orderCancelled.restored = refund.restored.map(\.wire)
        event.orderCancelled.expired = refund.expired.map(\.wire)
        event.orderCancelled.day = today.rawValue
        try transaction.emit(event, to: partition, points: Points(-order.points.rawValue))
        return try .ok(order.record(voucherKey))
    }
}
