import GRDB
import Messages
import Model
import Rewards
import Streams
import Testing
import Wire

/// What holds whatever happens: random cities, compared with the rules written down plainly.
@Suite struct RewardsPropertyTests {
    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func `points are where the plain rules say, and every sum can be recomputed`(
        seed: UInt64
    ) throws {
        let city = try RandomLife.openedCity()
        let steps = RandomLife.steps(seed: seed, count: 200)
        var plain = PlainRewards()
        var attempts = 0
        var filled = 0
        for (step, job) in zip(steps, try RandomLife.jobs(of: steps, in: city)) {
            let reply = try city.commit([job]).replies.first?.1
            switch step {
            case .events(let events):
                for event in events { plain.apply(event) }
            case .redeem(let resident, let item):
                let expected = plain.redeem(item, by: resident, attempt: attempts)
                attempts += 1
                filled += expected ? 1 : 0
                #expect((reply?.status == .ok) == expected, "\(reply?.message ?? "")")
            case .cancel(let number):
                let expected = attempts > 0 && plain.cancel(attempt: number % attempts)
                #expect((reply?.status == .ok) == expected, "\(reply?.message ?? "")")
            }
        }
        #expect(filled > 3, "the life of seed \(seed) must have orders in it")
        for (resident, expected) in plain.residents {
            let points = try city.points(of: resident)
            #expect(points.spendable.rawValue == expected.spendable)
            #expect(points.debt.rawValue == expected.debt)
            #expect(points.awarded.rawValue == expected.awarded)
            #expect(points.reversed.rawValue == expected.reversed)
            #expect(points.spent.rawValue == expected.spent)
            #expect(points.expired.rawValue == expected.expired)
            #expect(
                try city.lots(of: resident)
                    == Dictionary(
                        uniqueKeysWithValues: expected.lots.map { ($0.key.description, $0.value) }))
        }
        let sums = try city.records { RewardsRecords.Conservation(try $0.postedFlows()) }
        #expect(sums.holds)
        #expect(sums.held == .zero)
        #expect(try city.difference() == nil)
    }

    @Test(arguments: 21...24 as ClosedRange<UInt64>)
    func `neither transactions nor restarts nor failures change what comes out`(
        seed: UInt64
    ) throws {
        let steps = RandomLife.steps(seed: seed, count: 200)
        let single = try RandomLife.openedCity()
        for job in try RandomLife.jobs(of: steps, in: single) { try single.commit([job]) }
        let whole = try RandomLife.openedCity()
        try whole.commit(RandomLife.jobs(of: steps, in: whole))
        let rough = try RandomLife.openedCity()
        var random = SplitMix64(seed: seed)
        var rest = try RandomLife.jobs(of: steps, in: rough)[...]
        while !rest.isEmpty {
            let jobs = Array(rest.prefix(.random(in: 1...30, using: &random)))
            rest = rest.dropFirst(jobs.count)
            switch Int.random(in: 0..<3, using: &random) {
            case 0: try rough.fail(jobs)
            case 1: try rough.restart()
            default: break
            }
            try rough.commit(jobs)
        }
        let events = try single.events
        #expect(events.count > 20)
        for city in [whole, rough] {
            #expect(try city.events == events)
            #expect(
                try city.records { try $0.lots() } == single.records { try $0.lots() })
            #expect(
                try city.records { try $0.balances() } == single.records { try $0.balances() })
            #expect(
                try city.records { try $0.orders().map(\.id) }
                    == single.records { try $0.orders().map(\.id) })
            #expect(
                try city.records { try $0.accountSums() }
                    == single.records { try $0.accountSums() })
            #expect(
                try city.records { try $0.calendar(of: 0) }
                    == single.records { try $0.calendar(of: 0) })
            #expect(try city.difference() == nil)
        }
    }

    @Test func `an event that must not be skipped holds back its partition and nothing else`()
        throws
    {
        let city = try RewardsCity(partitions: 2)
        var unknown = PointsEvent()
        unknown.critical = true
        let residents = (1...20).map { resident(Int64($0)) }
        func awards(_ partition: Int) -> [PointsEvent] {
            residents.filter { $0.partition(of: 2) == partition }
                .map { scored(5, to: $0, on: opening) }
        }
        let commit = try city.commit([
            city.block(awards(0), partition: 0),
            city.block(awards(1) + [unknown], partition: 1),
        ])
        #expect(commit.stopped.map(\.partition) == [1])
        #expect(
            try city.records { try $0.balances().map(\.resident) }
                == residents.filter { $0.partition(of: 2) == 0 })
        #expect(try city.records { try $0.issuance(of: 1) } == .zero)
        #expect(try city.difference() == nil)
    }

    @Test func `the audit names what does not add up`() throws {
        let anna = resident(11)
        let wrongs = [
            ("UPDATE account SET balance = balance + 1, awarded = awarded + 1", "the accounts to"),
            (
                """
                UPDATE lot SET remaining = remaining - 1
                WHERE place & 0x3FFFFFFFF = 1 AND remaining = 20
                """,
                "the lots hold"
            ),
            (
                """
                UPDATE lot SET remaining = remaining + 1
                WHERE place & 0x3FFFFFFFF = 1 AND remaining = 0;
                UPDATE lot SET remaining = remaining - 1
                WHERE place & 0x3FFFFFFFF = 1 AND remaining = 20;
                """, "resident 11, lot of 2026-08-11: 40 awarded and 19 left"
            ),
            ("UPDATE flow SET points = points + 1 WHERE target = 3", "resident to hold"),
            ("UPDATE flow SET partition = 1 WHERE target = 2", "partition 0: issuance gave 0"),
            ("UPDATE item SET sold = 2", "item ticket: 2 are sold, 1 orders stand"),
            ("UPDATE reward_order SET points = 29", "the orders that stand cost 29"),
            ("UPDATE transfer SET day = 20677 WHERE day = 20676", "resident 11, lot of 2026-08-11"),
            ("DELETE FROM transfer WHERE source = 3", "hold to redeemed: there are no transfers"),
        ]
        for (sql, line) in wrongs {
            let city = try RewardsCity()
            try city.load([CatalogueItem(code: "ticket", points: 30)])
            try city.play(
                scored(10, to: anna, on: opening),
                scored(40, to: anna, on: opening.advanced(by: 1)))
            _ = try city.redeem("ticket", by: anna)
            #expect(try city.difference() == nil)
            try city.database.write { try $0.execute(sql: sql) }
            let difference = try #require(try city.difference())
            #expect(difference.contains(line), "\(sql): \(difference)")
        }
    }
}
