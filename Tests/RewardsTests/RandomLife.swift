import GRDB
import Messages
import Model
import Rewards
import Streams
import Wire

/// Random things that residents of a small city do with points.
enum RandomLife {
    enum Step {
        case events([PointsEvent])
        case redeem(ResidentID, PlainRewards.Item)
        /// Cancels what came of one of the attempts to order so far, counted round.
        case cancel(Int)
    }

    static let items = [
        PlainRewards.Item(code: "ticket", price: 30, isDonation: false, stock: 60, validDays: 900),
        PlainRewards.Item(code: "tree", price: 55, isDonation: true, stock: 9, validDays: 0),
    ]

    /// Residents 1 to this one live in it.
    static let residents: Int64 = 12

    static func steps(seed: UInt64, count: Int) -> [Step] {
        var random = SplitMix64(seed: seed)
        var day: Int32 = 0
        return (0..<count).map { _ in
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<6:
                var events = (0..<Int.random(in: 1...40, using: &random)).map { _ in
                    var points = Int64.random(in: 0...20, using: &random)
                    if Int.random(in: 0..<8, using: &random) == 0 { points *= -2 }
                    return scored(
                        points, to: resident(.random(in: 1...residents, using: &random)),
                        on: opening.advanced(by: day - .random(in: 0...30, using: &random)))
                }
                if Int.random(in: 0..<3, using: &random) == 0 {
                    day += [1, 1, 40, 300].randomElement(using: &random) ?? 1
                    events.insert(
                        ended(opening.advanced(by: day - 1)),
                        at: .random(in: 0...events.count, using: &random))
                }
                return .events(events)
            case 6..<8:
                return .redeem(
                    resident(.random(in: 1...residents, using: &random)),
                    items[Int.random(in: 0..<items.count, using: &random)])
            default:
                return .cancel(.random(in: 0..<1_000, using: &random))
            }
        }
    }

    static func openedCity(
        pace: SettlingPace = RewardsCity.pace, on writer: (any DatabaseWriter)? = nil
    ) throws -> RewardsCity {
        let city = try RewardsCity(pace: pace, on: writer)
        try city.load(
            items.map {
                CatalogueItem(
                    code: $0.code, kind: $0.isDonation ? "donation" : "voucher", points: $0.price,
                    stock: Int64($0.stock), validDays: Int($0.validDays))
            })
        return city
    }

    /// The jobs that carry out `steps` in `city`.
    static func jobs(
        of steps: [Step], in city: RewardsCity
    ) throws -> [Writer<RewardsDomain>.Job] {
        var orders: [String] = []
        return try steps.map { step in
            switch step {
            case .events(let events):
                return try city.block(events)
            case .redeem(let resident, let item):
                let command = try city.command(
                    RedeemReward(resident: resident, item: item.code))
                orders.append(OrderID(of: command).description)
                return .command(command, 0)
            case .cancel(let number):
                let order = orders.isEmpty ? "none" : orders[number % orders.count]
                return .command(try city.command(CancelOrder(order: order)), 0)
            }
        }
    }
}
