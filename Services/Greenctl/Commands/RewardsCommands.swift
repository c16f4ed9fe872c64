import ArgumentParser
import Messages
import Model

struct PointsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "points", abstract: "Residents' green points.", subcommands: [Show.self])

    struct Show: OperatorCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows what a resident can spend, owes, and when lots expire.")

        @Argument(help: ResidentArgument.help) var resident: ResidentArgument
        @Option(help: "How many of the latest movements to show.") var moves = 10
        @OptionGroup var common: CommonOptions

        func validate() throws {
            guard (0...ShowPoints.movesMax).contains(moves) else {
                throw ValidationError("--moves takes 0 to \(ShowPoints.movesMax)")
            }
        }

        func perform(at desk: Desk) throws {
            let request = ShowPoints(resident: try resident.resolve(at: desk), moves: moves)
            try desk.show(desk.services.ask(.rewards, request)) { points in
                var details = Details()
                details.add("resident", points.resident.description)
                details.add("spendable", Wording.points(points.spendable))
                if points.debt > .zero { details.add("debt", Wording.points(points.debt)) }
                details.add("awarded", Wording.points(points.awarded))
                details.add("spent", Wording.points(points.spent))
                details.add("expired", Wording.points(points.expired))
                if points.reversed > .zero {
                    details.add("reversed", Wording.points(points.reversed))
                }
                var lots = Table("EARNED", "EXPIRES AFTER", ">LEFT")
                for lot in points.lots {
                    lots.add(lot.earnedDay, lot.expiresAfter, Wording.points(lot.remaining))
                }
                var moves = Table("FROM", "TO", ">POINTS", "LOT OF")
                for move in points.moves {
                    moves.add(
                        move.from, move.to, Wording.points(move.points), move.earnedDay ?? "-")
                }
                return details.lines + (lots.isEmpty ? [] : [""] + lots.lines)
                    + (moves.isEmpty ? [] : [""] + moves.lines)
            }
        }
    }
}

struct RewardsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rewards", abstract: "What points are exchanged for.",
        subcommands: [List.self])

    struct List: OperatorCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists the rewards that can be had now.")

        @OptionGroup var common: CommonOptions

        func perform(at desk: Desk) throws {
            try desk.show(desk.services.ask(.rewards, ListRewards())) { list in
                guard !list.items.isEmpty else {
                    return ["no rewards: load a catalogue with `greenctl catalogue load FILE`"]
                }
                var table = Table(
                    "ITEM", "NAME", "KIND", ">POINTS", ">LEFT", ">SOLD", ">VALID DAYS")
                for reward in list.items {
                    table.add(
                        reward.code, Wording.name(reward.nameZh, reward.nameEn), reward.kind,
                        Wording.points(reward.points), reward.stock.map(Wording.count) ?? "∞",
                        Wording.count(reward.sold),
                        reward.validDays == 0 ? "-" : Wording.count(reward.validDays))
                }
                return table.lines
            }
        }
    }
}

struct CatalogueCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "catalogue", abstract: "The document that rewards come from.",
        subcommands: [Load.self])

    struct Load: OperatorCommand {
        static let configuration = CommandConfiguration(
            abstract: "Loads a catalogue as the store's new version.",
            discussion: "Stock moves by the difference to the former version: nothing is un-sold.")

        @Argument(help: "A greenseason.catalogue.v1 document.") var file: String
        @OptionGroup var order: KeyOption
        @OptionGroup var common: CommonOptions

        func perform(at desk: Desk) throws {
            let bytes = try desk.contents(of: file)
            guard let document = String(validating: bytes, as: UTF8.self) else {
                throw Failure(.refused, "\(file) is not UTF-8: a catalogue is JSON text")
            }
            let reply = try desk.services.order(
                .rewards, LoadCatalogue(document: document), key: order.value)
            try desk.show(reply) {
                ["catalogue \($0.version): \(Wording.plural($0.items, "item"))"]
            }
        }
    }
}

struct RedeemCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "redeem", abstract: "Exchanges a resident's points for a reward.")

    @Argument(help: ResidentArgument.help) var resident: ResidentArgument
    @Argument(help: "The reward's code, see `greenctl rewards list`.") var item: String
    @OptionGroup var order: KeyOption
    @OptionGroup var common: CommonOptions

    func perform(at desk: Desk) throws {
        let request = RedeemReward(resident: try resident.resolve(at: desk), item: item)
        try desk.show(
            desk.services.order(.rewards, request, key: order.value), as: OrderCommand.lines)
    }
}

struct OrderCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "order", abstract: "What residents redeemed.",
        subcommands: [Show.self, List.self, Cancel.self])

    struct Show: OperatorCommand {
        static let configuration = CommandConfiguration(abstract: "Shows one order.")

        @Argument(help: "The order's 32 hexadecimal digits.") var id: String
        @OptionGroup var common: CommonOptions

        func perform(at desk: Desk) throws {
            try desk.show(
                desk.services.ask(.rewards, ShowOrder(order: id)), as: OrderCommand.lines)
        }
    }

    struct List: OperatorCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists a resident's orders, newest first.")

        @Argument(help: ResidentArgument.help) var resident: ResidentArgument
        @Option(help: "The most orders to list.") var limit = 50
        @Option(help: ArgumentHelp("Read on where an earlier page ended.", valueName: "place"))
        var before: String?
        @OptionGroup var common: CommonOptions

        func validate() throws {
            guard (1...ListOrders.limitMax).contains(limit) else {
                throw ValidationError("--limit takes 1 to \(ListOrders.limitMax)")
            }
        }

        func perform(at desk: Desk) throws {
            let request = ListOrders(
                resident: try resident.resolve(at: desk), limit: limit, before: before)
            try desk.show(desk.services.ask(.rewards, request)) { list in
                guard !list.items.isEmpty else { return ["no orders yet"] }
                var table = Table("ORDER", "DAY", "ITEM", ">POINTS", "STATE", "VOUCHER")
                for order in list.items {
                    table.add(
                        order.order, order.orderedDay, order.item, Wording.points(order.points),
                        order.state, order.voucher ?? "-")
                }
                return table.lines + (list.next.map { ["more: --before \($0)"] } ?? [])
            }
        }
    }

    struct Cancel: OperatorCommand {
        static let configuration = CommandConfiguration(
            abstract: "Takes an order back: its points return to the lots they came from.")

        @Argument(help: "The order's 32 hexadecimal digits.") var id: String
        @OptionGroup var order: KeyOption
        @OptionGroup var common: CommonOptions

        func perform(at desk: Desk) throws {
            try desk.show(
                desk.services.order(.rewards, CancelOrder(order: id), key: order.value),
                as: OrderCommand.lines)
        }
    }

    static func lines(_ order: OrderRecord) -> [String] {
        var details = Details()
        details.add("order", order.order)
        details.add("resident", order.resident.description)
        details.add("item", "\(order.item) (\(order.kind))")
        details.add("points", Wording.points(order.points))
        details.add("state", order.state)
        details.add("ordered", order.orderedDay)
        details.add("voucher", order.voucher)
        details.add("valid until", order.validUntil)
        return details.lines
    }
}
