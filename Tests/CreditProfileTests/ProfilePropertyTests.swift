import CreditProfile
import GRDB
import Messages
import Model
import Streams
import Testing
import Wire

/// What holds whatever happens: random cities, compared with every event added up plainly.
@Suite struct ProfilePropertyTests {
    private enum Step {
        case events([PointsEvent])
        case consent(ResidentID, granted: Bool, history: Bool)
    }

    private static let behaviours = ["metro", "bus", "cycling", "walking"]
    private static let evidence: [EvidenceKind] = [.operatorOrder, .receipt, .rideCode, .steps]
    private static let table = TableDocument(windowDays: "40").text

    private static func steps(seed: UInt64, count: Int) -> [Step] {
        var random = SplitMix64(seed: seed)
        var day: Int32 = 0
        return (0..<count).map { _ in
            if Int.random(in: 0..<4, using: &random) == 0 {
                return .consent(
                    resident(.random(in: 1...8, using: &random)),
                    granted: .random(in: 0..<3, using: &random) > 0,
                    history: .random(using: &random))
            }
            var events = (0..<Int.random(in: 1...30, using: &random)).map { _ in
                scored(
                    grams: .random(in: -10...60, using: &random),
                    to: resident(.random(in: 1...8, using: &random)),
                    on: opening.advanced(by: day - .random(in: 0...20, using: &random)),
                    behaviour: behaviours[Int.random(in: 0..<4, using: &random)],
                    evidence: evidence[Int.random(in: 0..<4, using: &random)])
            }
            if Int.random(in: 0..<2, using: &random) == 0 {
                day += .random(in: 1...9, using: &random)
                events.insert(
                    ended(opening.advanced(by: day - 1)),
                    at: .random(in: 0...events.count, using: &random))
            }
            return .events(events)
        }
    }

    private static func jobs(
        of steps: [Step], in city: ProfileCity
    ) throws -> [Writer<CreditProfileDomain>.Job] {
        try steps.map { step in
            switch step {
            case .events(let events): try city.block(events)
            case .consent(let resident, let granted, let history):
                try city.consent(resident, granted: granted, history: history)
            }
        }
    }

    @Test(arguments: 1...6 as ClosedRange<UInt64>)
    func `a profile is what its resident's events of the window come to`(seed: UInt64) throws {
        let city = try ProfileCity(table: Self.table)
        let steps = Self.steps(seed: seed, count: 80)
        var events: [PointsEvent] = []
        var since: [ResidentID: LocalDay?] = [:]
        var last: LocalDay?
        for (step, job) in zip(steps, try Self.jobs(of: steps, in: city)) {
            try city.commit([job])
            switch step {
            case .events(let more):
                events += more
                for event in more {
                    if case .dayEnded(let ended) = event.payload { last = LocalDay(ended.day) }
                }
            case .consent(let resident, let granted, let history):
                let latest = events.compactMap { event -> Int32? in
                    if case .scored(let scored) = event.payload { scored.day } else { nil }
                }.max().map { LocalDay($0) }
                let today = last?.advanced(by: 1) ?? latest
                if !granted {
                    since[resident] = nil
                } else if history {
                    since[resident] = .some(nil)
                } else if since[resident] == nil || since[resident] == .some(nil) {
                    since[resident] = .some(today ?? LocalDay(-100_000))
                }
            }
        }
        for number in 1...8 {
            let resident = resident(Int64(number))
            guard let from = since[resident] else {
                #expect(try city.reply(to: resident).code == "no_consent")
                continue
            }
            let counted = events.compactMap { event -> Scored? in
                guard let last, event.resident == resident.rawValue,
                    case .scored(let scored) = event.payload,
                    scored.day <= last.rawValue, scored.day > last.rawValue - 40,
                    scored.day >= from?.rawValue ?? .min
                else { return nil }
                return scored
            }
            let days = Dictionary(grouping: counted, by: \.day)
                .mapValues { $0.reduce(0) { $0 + $1.milligrams } }
            let given = counted.filter { $0.milligrams >= 0 }
            let strong = given.filter { [1, 4].contains($0.evidence) }
            let expected = [
                "volume": max(0, counted.reduce(0) { $0 + $1.milligrams }) / 1_000,
                "regularity": Int64(days.values.count { $0 > 0 }),
                "breadth": Int64(Set(given.filter { $0.milligrams > 0 }.map(\.behaviour)).count),
                "evidence": given.isEmpty ? 0 : Int64(strong.count * 1_000 / given.count),
                "integrity": Int64(counted.count - given.count),
            ]
            #expect(try city.measures(of: resident) == expected)
        }
        #expect(try city.difference() == nil)
    }

    @Test(arguments: 21...24 as ClosedRange<UInt64>)
    func `neither transactions nor restarts nor failures change what comes out`(
        seed: UInt64
    ) throws {
        let steps = Self.steps(seed: seed, count: 120)
        let single = try ProfileCity(table: Self.table)
        for job in try Self.jobs(of: steps, in: single) { try single.commit([job]) }
        let whole = try ProfileCity(table: Self.table)
        try whole.commit(Self.jobs(of: steps, in: whole))
        let rough = try ProfileCity(table: Self.table)
        var random = SplitMix64(seed: seed)
        var rest = try Self.jobs(of: steps, in: rough)[...]
        while !rest.isEmpty {
            let jobs = Array(rest.prefix(.random(in: 1...30, using: &random)))
            rest = rest.dropFirst(jobs.count)
            switch Int.random(in: 0..<3, using: &random) {
            case 0: try fail(jobs, in: rough)
            case 1: try rough.restart()
            default: break
            }
            try rough.commit(jobs)
        }
        let events = try single.events
        #expect(events.count > 20)
        for city in [whole, rough] {
            #expect(try city.events == events)
            #expect(try city.contents() == single.contents())
            #expect(try city.difference() == nil)
        }
    }

    /// Lets `jobs` fail at the very end of their transaction, and checks that nothing is left.
    private func fail(_ jobs: [Writer<CreditProfileDomain>.Job], in city: ProfileCity) throws {
        let hasBlock = jobs.contains { if case .block = $0 { true } else { false } }
        guard hasBlock else { return }
        let before = try city.contents()
        try city.database.write {
            try $0.execute(
                sql: """
                    CREATE TRIGGER broken BEFORE INSERT ON cursor
                    BEGIN SELECT raise(ABORT, 'broken'); END
                    """)
        }
        #expect(throws: DatabaseError.self) { try city.commit(jobs) }
        try city.database.write { try $0.execute(sql: "DROP TRIGGER broken") }
        #expect(try city.contents() == before)
    }

    @Test func `the audit names what does not add up`() throws {
        let anna = resident(11)
        let wrongs = [
            ("UPDATE day_sum SET milligrams = milligrams + 1", "partition 0: the days hold 2"),
            ("DELETE FROM day_sum", "partition 0: the days hold 0 awards of 0 mg"),
            ("UPDATE profile SET score = 1", "resident 11, profile 1: the score is 1"),
        ]
        for (sql, line) in wrongs {
            let city = try ProfileCity()
            try city.change(anna)
            try city.play(
                scored(grams: 10, to: anna, on: opening), scored(grams: 5, to: anna, on: opening),
                ended(opening))
            #expect(try city.difference() == nil)
            try city.database.write { try $0.execute(sql: sql) }
            let difference = try #require(try city.difference())
            #expect(difference.contains(line), "\(sql): \(difference)")
        }
    }
}
