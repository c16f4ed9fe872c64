import Foundation
import Messages
import Model
import Rewards
import Streams
import Testing
import Wire

/// Orders: points taken means a reward given, in one transaction, or neither.
@Suite struct OrderTests {
    private let anna = resident(11)

    @Test func `an order takes the lots that expire first and gives a voucher`() throws {
        let city = try RewardsCity()
        try city.load([CatalogueItem(code: "ticket", points: 25, stock: 3, validDays: 7)])
        for day: Int32 in [2, 0, 1] {
            try city.play(scored(10, to: anna, on: opening.advanced(by: day)))
        }
        try city.play(ended(opening.advanced(by: 4)))
        let order = try city.redeem("ticket", by: anna)
        #expect(order.state == "filled")
        #expect(order.orderedDay == "2026-08-15")
        #expect(order.validUntil == "2026-08-21")
        #expect(VoucherCode(try #require(order.voucher)) != nil)
        #expect(try city.lots(of: anna) == ["2026-08-12": 5])
        let event = try #require(try city.events.last)
        #expect(event.orderFilled.lots.map(\.points) == [10, 10, 5])
        #expect(event.orderFilled.lots.map(\.earnedDay) == [20_675, 20_676, 20_677])
        #expect(event.inputCursor == 4)
        #expect(OrderID(bytes: Array(event.id))?.description == order.order)
        #expect(city.writer.heads[0].totals.points == 25)
        let shop = try city.ask(ListRewards()).items
        #expect(shop.map(\.stock) == [2])
        #expect(shop.map(\.sold) == [1])
        #expect(try city.ask(ShowOrder(order: order.order)) == order)
        #expect(try city.difference() == nil)
    }

    @Test func `an order is refused for the first reason there is`() throws {
        let city = try RewardsCity()
        let ticket = RedeemReward(resident: anna, item: "ticket")
        #expect(try city.send(ticket).code == "no_catalogue")
        try city.load([
            CatalogueItem(code: "ticket", points: 10, stock: 1),
            CatalogueItem(code: "bag", points: 10, stock: 0),
        ])
        #expect(try city.send(RedeemReward(resident: anna, item: "boat")).code == "unknown_item")
        #expect(try city.send(RedeemReward(resident: anna, item: "bag")).code == "out_of_stock")
        #expect(try city.send(ticket).code == "insufficient_points")
        try city.play(scored(9, to: anna, on: opening))
        #expect(try city.send(ticket).code == "insufficient_points")
        try city.play(scored(11, to: anna, on: opening))
        _ = try city.redeem("ticket", by: anna)
        #expect(try city.send(ticket).code == "out_of_stock")
        #expect(try city.points(of: anna).spendable == Points(10))
        try city.load([CatalogueItem(code: "bag", points: 10, stock: 5)], version: "v2")
        #expect(try city.send(ticket).code == "unknown_item")
        #expect(try city.difference() == nil)
    }

    @Test func `the same key is the same order, and another request under it is a conflict`() throws
    {
        let city = try RewardsCity()
        try city.load([CatalogueItem(code: "ticket", points: 10)])
        try city.play(scored(100, to: anna, on: opening))
        let key = [UInt8](repeating: 9, count: 16)
        let ticket = RedeemReward(resident: anna, item: "ticket")
        let first = try city.send(ticket, key: key)
        #expect(first.status == .ok)
        #expect(try city.send(ticket, key: key) == first)
        try city.restart()
        #expect(try city.send(ticket, key: key) == first)
        #expect(
            try city.send(RedeemReward(resident: resident(12), item: "ticket"), key: key).status
                == .conflict)
        #expect(try city.points(of: anna).spent == Points(10))
    }

    @Test func `a cancelled order gives the same lots back and its stock too`() throws {
        let city = try RewardsCity()
        try city.load([CatalogueItem(code: "ticket", points: 15, stock: 1)])
        try city.play(
            scored(10, to: anna, on: opening), scored(10, to: anna, on: opening.advanced(by: 1)))
        let before = try city.lots(of: anna)
        let order = try city.redeem("ticket", by: anna)
        let reply = try city.send(CancelOrder(order: order.order))
        let cancelled = try JSON.decode(OrderRecord.self, from: reply.body)
        #expect(cancelled.state == "cancelled")
        #expect(try city.lots(of: anna) == before)
        #expect(try city.points(of: anna).spent == .zero)
        #expect(try city.ask(ListRewards()).items.map(\.stock) == [1])
        #expect(city.writer.heads[0].totals.points == 0)
        #expect(
            try city.send(CancelOrder(order: order.order)).code == "already_cancelled")
        #expect(try city.send(CancelOrder(order: "ff")).code == "unknown_order")
        #expect(
            try city.send(CancelOrder(order: String(repeating: "0", count: 32))).code
                == "unknown_order")
        #expect(try city.difference() == nil)
    }

    @Test func `what expired while an order stood expires when it is cancelled`() throws {
        let city = try RewardsCity()
        try city.load([CatalogueItem(code: "ticket", points: 15, validDays: 365)])
        try city.play(
            scored(10, to: anna, on: opening),
            scored(10, to: anna, on: opening.advanced(by: 100)),
            ended(opening.advanced(by: 720)))
        let order = try city.redeem("ticket", by: anna)
        try city.play(ended(opening.advanced(by: 760)))
        _ = try city.send(CancelOrder(order: order.order))
        let event = try #require(try city.events.last)
        #expect(event.orderCancelled.restored.map(\.points) == [5])
        #expect(event.orderCancelled.expired.map(\.points) == [10])
        let points = try city.points(of: anna)
        #expect(points.spendable == Points(10))
        #expect(points.expired == Points(10))
        #expect(points.moves.first?.to == "resident")
        #expect(points.moves.contains { $0.from == "resident" && $0.to == "expired" })
        #expect(try city.difference() == nil)
    }

    @Test func `a donation is final, and a voucher that has run out stays spent`() throws {
        let city = try RewardsCity()
        try city.load([
            CatalogueItem(code: "tree", kind: "donation", points: 10),
            CatalogueItem(code: "ticket", points: 10, validDays: 3),
        ])
        try city.play(scored(20, to: anna, on: opening), ended(opening))
        let tree = try city.redeem("tree", by: anna)
        #expect(tree.voucher == nil)
        #expect(tree.validUntil == nil)
        #expect(try city.send(CancelOrder(order: tree.order)).code == "donation_final")
        let ticket = try city.redeem("ticket", by: anna)
        try city.play(ended(opening.advanced(by: 3)))
        #expect(try city.send(CancelOrder(order: ticket.order)).code == "voucher_expired")
        let flows = try city.records { try $0.postedFlows() }
        #expect(
            flows.filter { $0.source == .hold }.map(\.target) == [.redeemed, .donated])
        #expect(try city.difference() == nil)
    }

    @Test func `a resident's orders are listed newest first, page by page`() throws {
        let city = try RewardsCity()
        try city.load([CatalogueItem(code: "ticket", points: 1)])
        try city.play(
            scored(50, to: anna, on: opening), scored(50, to: resident(12), on: opening))
        var orders: [OrderRecord] = []
        for _ in 0..<5 {
            orders.insert(try city.redeem("ticket", by: anna), at: 0)
            _ = try city.redeem("ticket", by: resident(12))
        }
        var listed: [OrderRecord] = []
        var page = try city.ask(ListOrders(resident: anna, limit: 2))
        listed += page.items
        while let next = page.next {
            page = try city.ask(ListOrders(resident: anna, limit: 2, before: next))
            listed += page.items
        }
        #expect(listed == orders)
        #expect(
            try city.reply(to: ListOrders(resident: resident(12), before: orders[0].order)).code
                == "unknown_order")
        #expect(try city.ask(ListOrders(resident: resident(99))).items.isEmpty)
    }

    @Test func `of ten thousand who want a hundred vouchers, a hundred get one and pay once`()
        throws
    {
        let city = try RewardsCity(partitions: 4)
        try city.load([CatalogueItem(code: "concert", points: 40, stock: 100)])
        let crowd = (1...10_000).map { resident(Int64($0) * 7_919) }
        for partition in 0..<4 {
            try city.commit([
                city.block(
                    crowd.filter { $0.partition(of: 4) == partition }
                        .map { scored(50, to: $0, on: opening) },
                    partition: partition)
            ])
        }
        // Everybody sends twice under one key, as a client does that lost the reply.
        var replies: [Int: ReplyMessage] = [:]
        var jobs: [Writer<RewardsDomain>.Job] = []
        for (index, resident) in crowd.enumerated() {
            let command = try city.command(RedeemReward(resident: resident, item: "concert"))
            jobs += [.command(command, UInt64(index)), .command(command, UInt64(index))]
        }
        for start in stride(from: 0, to: jobs.count, by: 1_024) {
            let batch = Array(jobs[start..<min(start + 1_024, jobs.count)])
            for (ticket, reply) in try city.commit(batch).replies {
                if let earlier = replies.updateValue(reply, forKey: Int(ticket)) {
                    #expect(earlier == reply)
                }
            }
        }
        #expect(replies.count == 10_000)
        #expect(replies.values.count { $0.status == .ok } == 100)
        #expect(replies.values.count { $0.code == "out_of_stock" } == 9_900)
        let vouchers = try city.records { try $0.orders() }
        #expect(vouchers.count == 100)
        #expect(Set(vouchers.map(\.resident)).count == 100)
        #expect(Set(vouchers.map { RewardsCity.voucherKey.code(of: $0.id) }).count == 100)
        let buyers = Set(vouchers.map(\.resident))
        for balance in try city.records({ try $0.balances() }) {
            #expect(
                balance.spendable == Points(buyers.contains(balance.resident) ? 10 : 50))
        }
        #expect(try city.difference() == nil)
    }
}
