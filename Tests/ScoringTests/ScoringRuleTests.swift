import Model
import Scoring
import Streams
import Testing

@Suite struct ScoringRuleTests {
    static func quantity(_ text: String) -> Quantity {
        guard let quantity = Quantity(decimal: text) else {
            preconditionFailure("a test gives a decimal")
        }
        return quantity
    }

    static func rule(
        _ milligramsPerUnit: String, cap: String? = nil, points: PointsRule.Basis? = nil,
        most: Int64? = nil
    ) throws -> ScoringRule {
        try ScoringRule(
            factor: try #require(Ratio(decimal: milligramsPerUnit)), cap: cap.map(quantity),
            points: PointsRule(basis: points ?? .perWholeGram(points: 1), periodMax: most))
    }

    /// Awards of `quantities`, one after another, in one period.
    static func awards(_ quantities: [String], by rule: ScoringRule) throws -> [Award] {
        var totals = PeriodTotals.zero
        return try quantities.map {
            let award = try #require(rule.award(quantity($0), after: totals))
            totals = award.totals
            return award
        }
    }

    @Test func `an event gets the difference that it makes to the capped sum`() throws {
        let awards = try Self.awards(
            ["20", "15", "1"], by: try Self.rule("48700", cap: "30"))
        #expect(awards.map(\.beforeCap.rawValue) == [974_000, 730_500, 48_700])
        #expect(awards.map(\.milligrams.rawValue) == [974_000, 487_000, 0])
        #expect(awards.map(\.points.rawValue) == [974, 487, 0])
        #expect(awards.map(\.reason) == [.full, .capped, .capReached])
    }

    @Test func `a sum that meets the cap exactly was counted in full`() throws {
        let awards = try Self.awards(["10", "20", "1"], by: try Self.rule("100", cap: "30"))
        #expect(awards.map(\.reason) == [.full, .full, .capReached])
    }

    @Test func `18,000 steps are worth 296 grams`() throws {
        let award = try Self.awards(["18000"], by: try Self.rule("20", cap: "14800"))[0]
        #expect(award.beforeCap == Milligrams(360_000))
        #expect(award.milligrams == Milligrams(296_000))
        #expect(award.points == Points(296))
        #expect(award.reason == .capped)
    }

    @Test func `points follow the grams of the period, so no fraction is lost between events`()
        throws
    {
        let awards = try Self.awards(["0.4", "0.4", "0.4"], by: try Self.rule("1000"))
        #expect(awards.map(\.milligrams.rawValue) == [400, 400, 400])
        #expect(awards.map(\.points.rawValue) == [0, 0, 1])
    }

    @Test func `points per unit follow the capped quantity`() throws {
        let thirty = PointsRule.Basis.perUnit(points: Ratio(30))
        let rule = try Self.rule("1280000", cap: "20", points: thirty)
        #expect(try Self.awards(["2.5"], by: rule)[0].points == Points(75))
        #expect(
            try Self.awards(["19.99", "0.02"], by: rule).map(\.points.rawValue) == [599, 1])
    }

    @Test func `points of a period stop at their bound while grams go on`() throws {
        let rule = try Self.rule("93905000", cap: "2", most: 2_000)
        let awards = try Self.awards(["1", "1"], by: rule)
        #expect(awards.map(\.points.rawValue) == [2_000, 0])
        #expect(awards.map(\.milligrams.rawValue) == [93_905_000, 93_905_000])
        #expect(awards.map(\.reason) == [.full, .full])
    }

    @Test func `a factor of zero grants nothing and says so`() throws {
        let award = try Self.awards(["5"], by: try Self.rule("0", cap: "30"))[0]
        #expect(award.milligrams == .zero)
        #expect(award.points == .zero)
        #expect(award.reason == .zeroFactor)
    }

    @Test func `an event or a sum beyond all bounds is no award`() throws {
        let rule = try Self.rule("1000000")
        #expect(rule.award(Quantity(rawValue: .max), after: .zero) == nil)
        #expect(rule.award(Self.quantity("1000001"), after: .zero) == nil)
        var full = PeriodTotals.zero
        full.beforeCap = Milligrams(.max - 1)
        #expect(rule.award(Self.quantity("1"), after: full) == nil)
        full = .zero
        full.quantity = Quantity(rawValue: .max - 1)
        #expect(rule.award(Self.quantity("1"), after: full) == nil)
    }

    @Test func `every order of a few events gives the same totals`() throws {
        let quantities = ["0.333333", "7.5", "0", "29.999999", "0.000001"]
        let rules = [
            try Self.rule("48700", cap: "30"), try Self.rule("0.3", cap: "8"),
            try Self.rule("1333", cap: "0"), try Self.rule("999.7", most: 3),
            try Self.rule("7", cap: "30", points: .perUnit(points: try Ratio(7, over: 3))),
        ]
        for rule in rules {
            let totals = try permutations(of: quantities).map {
                try #require(try Self.awards($0, by: rule).last).totals
            }
            #expect(Set(totals).count == 1)
        }
    }

    @Test func `totals are independent of order, awards are never negative, sums are the awards'`()
        throws
    {
        let seed = UInt64.random(in: .min ... .max)
        print("scoring rule property, seed \(seed)")
        var numbers = SplitMix64(seed: seed)
        for _ in 0..<300 {
            let factor = try Ratio(
                .random(in: 0...2_000_000, using: &numbers),
                over: .random(in: 1...999, using: &numbers))
            let each = try Ratio(
                .random(in: 0...100, using: &numbers), over: .random(in: 1...7, using: &numbers))
            let rule = try ScoringRule(
                factor: factor,
                cap: Bool.random(using: &numbers)
                    ? Quantity(rawValue: .random(in: 0...50_000_000, using: &numbers)) : nil,
                points: PointsRule(
                    basis: Bool.random(using: &numbers)
                        ? .perUnit(points: each)
                        : .perWholeGram(points: .random(in: 0...3, using: &numbers)),
                    periodMax: Bool.random(using: &numbers)
                        ? .random(in: 0...5_000, using: &numbers) : nil))
            var quantities = (0..<20).map { _ in
                Quantity(rawValue: .random(in: 0...9_000_000, using: &numbers))
            }
            var ends: Set<PeriodTotals> = []
            for _ in 0..<3 {
                var totals = PeriodTotals.zero
                for quantity in quantities {
                    let award = try #require(rule.award(quantity, after: totals))
                    #expect(award.milligrams >= .zero && award.points >= .zero)
                    #expect(award.milligrams <= award.beforeCap)
                    #expect(totals.milligrams + award.milligrams == award.totals.milligrams)
                    #expect(totals.points + award.points == award.totals.points)
                    totals = award.totals
                }
                ends.insert(totals)
                quantities.shuffle(using: &numbers)
            }
            #expect(ends.count == 1)
        }
    }
}

private func permutations<Element>(of elements: [Element]) -> [[Element]] {
    guard let first = elements.first else { return [[]] }
    return permutations(of: Array(elements.dropFirst())).flatMap { rest in
        (0...rest.count).map { Array(rest[..<$0]) + [first] + Array(rest[$0...]) }
    }
}
