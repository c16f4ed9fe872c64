import Foundation
import GRDB
import Messages
import Model
import Rewards
import Storage
import Streams
import TestKit
import Testing

/// Accounts and lots that follow the journal later: nobody can tell when.
@Suite struct SettlingTests {
    private let anna = resident(11)

    @Test func `an award leaves account and lots alone until its round comes`() throws {
        let city = try RewardsCity(pace: .standard)
        try city.play(scored(10, to: anna, on: opening))
        let settled = try city.rows(of: ["account", "lot"])
        try city.play(scored(5, to: anna, on: opening))
        try city.play(scored(2, to: anna, on: opening.advanced(by: -3)))
        try city.play(scored(7, to: anna, on: opening.advanced(by: 1)))
        #expect(try city.rows(of: ["account", "lot"]) == settled)
        #expect(try city.tail() == 3)
        let points = try city.points(of: anna)
        #expect(points.spendable == Points(24))
        #expect(points.awarded == Points(24))
        #expect(points.lots.map(\.earnedDay) == ["2026-08-07", "2026-08-10", "2026-08-11"])
        #expect(points.lots.map(\.remaining.rawValue) == [2, 15, 7])
        #expect(points.moves.map(\.points.rawValue) == [7, 2, 5, 10])
        #expect(try city.records { try $0.lots().map(\.awarded.rawValue) } == [2, 15, 7])
        #expect(try city.records { try $0.balances().map(\.spendable.rawValue) } == [24])
        #expect(try city.difference() == nil)

        try city.load([CatalogueItem(code: "ticket", points: 16)])
        _ = try city.redeem("ticket", by: anna)
        #expect(try city.tail() == 0)
        #expect(try city.lots(of: anna) == ["2026-08-10": 1, "2026-08-11": 7])
        #expect(try city.difference() == nil)
    }

    @Test func `what a day's end settles does not grow afterwards`() throws {
        let city = try RewardsCity(pace: .standard)
        try city.play(scored(1, to: anna, on: opening))
        try city.play(
            scored(10, to: anna, on: opening), ended(opening), scored(5, to: anna, on: opening))
        #expect(try city.tail() == 1)
        try city.restart()
        #expect(try city.points(of: anna).awarded == Points(16))
        #expect(try city.difference() == nil)
    }

    @Test(arguments: 41...52 as ClosedRange<UInt64>)
    func `crashes and failures at any point change nothing that can be seen`(
        seed: UInt64
    ) throws {
        var random = SplitMix64(seed: seed)
        let paces = [
            SettlingPace.standard, RewardsCity.pace,
            SettlingPace(neighbours: 1, slices: 7, transfersPerStep: 13),
        ]
        let plain = try RandomLife.openedCity(pace: RewardsCity.atOnce)
        let rough = try RandomLife.openedCity(pace: paces[Int(seed) % paces.count])
        let steps = RandomLife.steps(seed: seed, count: 150)
        var plainRest = try RandomLife.jobs(of: steps, in: plain)[...]
        var roughRest = try RandomLife.jobs(of: steps, in: rough)[...]
        var mostTail = 0
        while !plainRest.isEmpty {
            let count = Int.random(in: 1...6, using: &random)
            try plain.commit(Array(plainRest.prefix(count)))
            plainRest = plainRest.dropFirst(count)
            let jobs = Array(roughRest.prefix(count))
            roughRest = roughRest.dropFirst(count)
            switch Int.random(in: 0..<5, using: &random) {
            case 0: try rough.fail(jobs)
            case 1: try rough.restart()
            case 2:
                rough.pace = paces.randomElement(using: &random) ?? .standard
                try rough.restart()
            default: break
            }
            try rough.commit(jobs)
            #expect(try plain.tail() == 0)
            mostTail = max(mostTail, try rough.tail())
            for number in 1...RandomLife.residents {
                let query = ShowPoints(resident: resident(number), moves: 30)
                let expected = try plain.reply(to: query)
                #expect(try rough.reply(to: query) == expected, "seed \(seed)")
                // Anybody else reads the same store without the writer's memory.
                let stranger = RewardsAnswers(voucherKey: RewardsCity.voucherKey)
                #expect(try rough.reply(to: query, by: stranger) == expected, "seed \(seed)")
            }
            #expect(
                try rough.records { try $0.lots() } == plain.records { try $0.lots() },
                "seed \(seed)")
            #expect(
                try rough.records { try $0.accountSums() }
                    == plain.records { try $0.accountSums() }, "seed \(seed)")
            #expect(try rough.difference() == nil, "seed \(seed)")
        }
        #expect(mostTail > 3, "seed \(seed) must leave something unsettled")
        #expect(rough.published.map(\.body) == plain.published.map(\.body), "seed \(seed)")
        #expect(
            try rough.rows(of: ["transfer", "flow", "reward_order"])
                == plain.rows(of: ["transfer", "flow", "reward_order"]), "seed \(seed)")
    }

    @Test(arguments: 61...64 as ClosedRange<UInt64>)
    func `the tail is never longer than a round and a transaction`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        // Rounds of 12 transfers: two slices are busy, one is hardly met.
        let city = try RewardsCity()
        var largest: Int64 = 0
        for _ in 0..<200 {
            let events = (0..<Int.random(in: 1...9, using: &random)).map { _ in
                scored(
                    1, to: resident(Int64.random(in: 1...40, using: &random)), on: opening)
            }
            try city.commit([city.block(events)])
            let (settled, last) = try city.settled()
            #expect(last - settled <= 12 + 9, "seed \(seed)")
            largest = max(largest, last - settled)
        }
        #expect(largest > 6)
        // Lives too short for a round: the bound stands still, and is made good in time.
        for _ in 0..<40 {
            try city.restart()
            try city.commit([
                city.block((1...3).map { scored(1, to: resident($0), on: opening) })
            ])
            let (settled, last) = try city.settled()
            #expect(last - settled <= 2 * 12 + 9, "seed \(seed)")
        }
        #expect(try city.difference() == nil)
    }

    @Test func `a store of the former version is taken as settled`() throws {
        let city = try RandomLife.openedCity(pace: RewardsCity.atOnce)
        let steps = RandomLife.steps(seed: 71, count: 60)
        for job in try RandomLife.jobs(of: steps, in: city) { try city.commit([job]) }
        let before = try (1...RandomLife.residents).map { try city.points(of: resident($0)) }
        try city.database.write {
            try $0.execute(
                sql: """
                    DROP VIEW tail; DROP TABLE settled;
                    DELETE FROM grdb_migrations WHERE identifier LIKE 'rewards 0003%'
                    """)
        }
        try RewardsStore.migrations.migrate(city.database)
        city.pace = .standard
        try city.restart()
        let (settled, last) = try city.settled()
        #expect(settled == last)
        #expect(try city.tail() == 0)
        #expect(
            try (1...RandomLife.residents).map { try city.points(of: resident($0)) } == before)
        try city.play(scored(9, to: resident(1), on: opening.advanced(by: 5_000)))
        #expect(try city.points(of: resident(1)).awarded == before[0].awarded + Points(9))
        #expect(try city.difference() == nil)
    }

    @Test func `a query sees its own snapshot, whatever the writer has come to`() throws {
        let folder = try TemporaryFolder()
        let pool = try Store.connect(path: folder.path + "/rewards.sqlite")
        let city = try RewardsCity(on: pool)
        let behind = city.domain.latest
        try city.restart()
        var pictures: [(snapshot: DatabaseSnapshot, awarded: [Int64])] = []
        var awarded: [Int64] = [0, 0, 0, 0]
        for number in 0..<60 {
            let place = number * 7 % 4
            try city.play(scored(Int64(number + 1), to: resident(Int64(place + 1)), on: opening))
            awarded[place] += Int64(number + 1)
            pictures.append((try pool.makeSnapshot(), awarded))
        }
        for latest in [city.domain.latest, behind] {
            let answers = RewardsAnswers(voucherKey: RewardsCity.voucherKey, latest: latest)
            for (snapshot, expected) in pictures {
                for (index, points) in expected.enumerated() {
                    let query = ShowPoints(resident: resident(Int64(index + 1)))
                    let reply = try snapshot.read {
                        try answers.answer(RewardsCity.message(query), in: $0)
                    }
                    let shown = try JSON.decode(ShowPoints.Reply.self, from: reply.body)
                    #expect(shown.awarded == Points(points))
                    #expect(shown.spendable == Points(points))
                }
            }
        }
    }

    @Test(arguments: [
        ("UPDATE account SET balance = balance + 1, awarded = awarded + 1", "the accounts to"),
        ("UPDATE lot SET remaining = remaining - 1", "the lots hold"),
        ("UPDATE settled SET transfer = 1000", "the accounts to"),
        ("UPDATE account SET newest_transfer = newest_transfer - 1", "the accounts to"),
        ("UPDATE account SET newest_transfer = 99", "the accounts to"),
        ("UPDATE transfer SET points = points + 1 WHERE number = 4", "the transfers give"),
        ("UPDATE transfer SET day = 20677 WHERE number = 1", "resident 11, lot of 2026-08-1"),
        ("UPDATE transfer SET target = 5 WHERE number = 4", "issuance to resident"),
        ("DELETE FROM transfer WHERE number = 4", "issuance to resident"),
        (
            """
            UPDATE account SET balance = balance - 1, awarded = awarded - 1 WHERE resident = 11;
            UPDATE account SET balance = balance + 1, awarded = awarded + 1 WHERE resident = 12
            """, "resident 11: the transfers come to"
        ),
        (
            """
            UPDATE lot SET awarded = awarded - 1, remaining = remaining - 1 WHERE place & 3 = 1;
            UPDATE lot SET awarded = awarded + 1, remaining = remaining + 1 WHERE place & 3 = 2
            """, "resident 11, lot of 2026-08-10: 16 awarded and 16 left"
        ),
    ])
    func `the audit finds damage before a tail and in it`(sql: String, line: String) throws {
        let city = try RewardsCity(pace: .standard)
        try city.play(scored(10, to: anna, on: opening), scored(3, to: resident(12), on: opening))
        try city.play(scored(7, to: anna, on: opening))
        try city.play(scored(4, to: resident(12), on: opening))
        #expect(try city.tail() == 2)
        #expect(try city.difference() == nil)
        try city.database.write { try $0.execute(sql: sql) }
        let difference = try #require(try city.difference())
        #expect(difference.contains(line), "\(difference)")
    }
}
