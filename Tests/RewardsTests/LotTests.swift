import Messages
import Model
import Rewards
import Streams
import Testing
import Wire

/// Lots: earned by day, spent soonest-to-expire first, taken back, owed, expired.
@Suite struct LotTests {
    private let anna = resident(11)

    @Test func `what is earned on one day is one lot, and days keep their order however they come`()
        throws
    {
        let city = try RewardsCity()
        let days = [3, 0, 5, 1, 5, 4, 2, 0].map { opening.advanced(by: $0) }
        for day in days { try city.play(scored(10, to: anna, on: day)) }
        let points = try city.points(of: anna)
        #expect(points.spendable == Points(80))
        #expect(
            points.lots.map(\.earnedDay)
                == (0...5).map { opening.advanced(by: Int32($0)).description })
        #expect(points.lots.map(\.remaining.rawValue) == [20, 10, 10, 10, 10, 20])
        #expect(points.lots[0].expiresAfter == "2028-08-09")
        #expect(try city.difference() == nil)
    }

    @Test func `the awards of one transaction are one transfer for a resident and day`() throws {
        let city = try RewardsCity()
        try city.play(
            scored(10, to: anna, on: opening), scored(5, to: resident(12), on: opening),
            scored(7, to: anna, on: opening), scored(0, to: anna, on: opening))
        let flows = try city.records { try $0.postedFlows() }
        #expect(flows.map(\.transfers) == [2])
        #expect(flows.map(\.points) == [Points(22)])
        #expect(try city.records { try $0.issuance(of: 0) } == Points(22))
    }

    @Test func `a negative award takes from its own day, then from what expires first`() throws {
        let city = try RewardsCity()
        for day in 0..<Int32(3) {
            try city.play(scored(10, to: anna, on: opening.advanced(by: day)))
        }
        try city.play(scored(-15, to: anna, on: opening.advanced(by: 1)))
        #expect(try city.lots(of: anna) == ["2026-08-10": 5, "2026-08-12": 10])
        let points = try city.points(of: anna)
        #expect(points.reversed == Points(15))
        #expect(points.debt == .zero)
        #expect(try city.events.isEmpty)
        #expect(try city.difference() == nil)
    }

    @Test func `what no lot can give is owed, seen, and paid first by what comes next`() throws {
        let city = try RewardsCity()
        try city.load([CatalogueItem(code: "ticket", points: 1)])
        try city.play(
            scored(10, to: anna, on: opening), scored(-25, to: anna, on: opening),
            scored(5, to: anna, on: opening))
        #expect(try city.points(of: anna).debt == Points(10))
        let refused = try city.send(RedeemReward(resident: anna, item: "ticket"))
        #expect(refused.code == "insufficient_points")
        try city.play(scored(12, to: anna, on: opening.advanced(by: 1)))
        let points = try city.points(of: anna)
        #expect(points.debt == .zero)
        #expect(points.spendable == Points(2))
        #expect(points.awarded == Points(27))
        #expect(
            try city.events.compactMap { event -> Int64? in
                if case .debtChanged(let change) = event.payload { change.debt } else { nil }
            } == [15, 10, 0] as [Int64])
        #expect(try city.difference() == nil)
    }

    @Test func `a lot is spent on its last day and gone on the next`() throws {
        let city = try RewardsCity()
        try city.load([CatalogueItem(code: "ticket", points: 4)])
        try city.play(scored(10, to: anna, on: opening))
        try city.play(ended(opening.advanced(by: 729)))
        #expect(try city.points(of: anna).spendable == Points(10))
        _ = try city.redeem("ticket", by: anna)
        try city.play(ended(opening.advanced(by: 730)))
        let points = try city.points(of: anna)
        #expect(points.spendable == .zero)
        #expect(points.expired == Points(6))
        #expect(points.lots.isEmpty)
        let refused = try city.send(RedeemReward(resident: anna, item: "ticket"))
        #expect(refused.code == "insufficient_points")
        let event = try #require(try city.events.last)
        #expect(event.pointsExpired.lots.map(\.points) == [6])
        #expect(event.pointsExpired.day == opening.advanced(by: 731).rawValue)
        #expect(event.resident == anna.rawValue)
        #expect(try city.difference() == nil)
    }

    @Test func `an expired lot gives nothing to a reversal, posted or not`() throws {
        let city = try RewardsCity()
        try city.play(scored(10, to: anna, on: opening))
        try city.play(scored(10, to: anna, on: opening.advanced(by: 9)))
        try city.play(ended(opening.advanced(by: 735)), scored(-15, to: anna, on: opening))
        let points = try city.points(of: anna)
        #expect(points.debt == Points(5))
        #expect(points.expired == Points(10))
        #expect(points.spendable == .zero)
        #expect(try city.difference() == nil)
    }

    @Test func `an award for a day whose lots have expired expires at once`() throws {
        let city = try RewardsCity()
        try city.play(scored(1, to: anna, on: opening.advanced(by: 1)))
        try city.play(ended(opening.advanced(by: 800)), scored(10, to: anna, on: opening))
        let points = try city.points(of: anna)
        #expect(points.spendable == .zero)
        #expect(points.expired == Points(11))
        let lots = try city.records { try $0.lots() }
        #expect(lots.map(\.awarded) == [Points(10), Points(1)])
        #expect(try city.events.map(\.pointsExpired.lots.first?.points) == [1, 10])
        #expect(try city.difference() == nil)
    }

    @Test func `expiry acts at once and is posted in steps, over restarts`() throws {
        let city = try RewardsCity()
        let residents = (1...5_000).map { resident(Int64($0)) }
        try city.commit([city.block(residents.map { scored(3, to: $0, on: opening) })])
        // Sequence 5,001; the steps that follow it stand at multiples of 64.
        try city.play(ended(opening.advanced(by: 730)))
        #expect(try city.events.count == 2_000)
        #expect(try city.points(of: residents[4_999]).spendable == .zero)
        #expect(try city.records { try $0.balances() }.allSatisfy { $0.spendable == .zero })
        #expect(try city.difference() == nil)

        try city.restart()
        let today = opening.advanced(by: 731)
        for _ in 0..<2 {
            try city.commit([
                city.block((0..<64).map { _ in scored(1, to: residents[0], on: today) })
            ])
        }
        #expect(try city.events.count == 5_000)
        #expect(try city.records { try $0.accountSums() }.expired == Points(15_000))
        #expect(
            Set(try city.events.map(\.resident)) == Set(residents.map(\.rawValue)))
        #expect(try city.difference() == nil)
    }

    @Test func `partitions live by their own days`() throws {
        let city = try RewardsCity(partitions: 4)
        let residents = (1...40).map { resident(Int64($0)) }
        for partition in 0..<4 {
            try city.commit([
                city.block(
                    residents.filter { $0.partition(of: 4) == partition }
                        .map { scored(5, to: $0, on: opening) },
                    partition: partition)
            ])
        }
        try city.play(ended(opening.advanced(by: 730)), partition: 2)
        for balance in try city.records({ try $0.balances() }) {
            #expect(
                balance.spendable
                    == (balance.resident.partition(of: 4) == 2 ? .zero : Points(5)))
        }
        #expect(try city.difference() == nil)
    }

    @Test func `events that can never be applied become dead letters and change nothing`() throws {
        let city = try RewardsCity(partitions: 2)
        var nobody = scored(5, to: anna, on: opening)
        nobody.resident = 0
        let partition = anna.partition(of: 2)
        let commit = try city.commit([
            city.block(
                [
                    nobody, scored(5, to: anna, on: LocalDay(.max)),
                    scored(.max, to: anna, on: opening), ended(opening), ended(opening),
                    scored(5, to: anna, on: opening),
                ], partition: partition),
            city.block([scored(5, to: anna, on: opening)], partition: 1 - partition),
        ])
        #expect(commit.deadLetters == 5)
        #expect(try city.points(of: anna).spendable == Points(5))
        #expect(try city.difference() == nil)
    }
}
