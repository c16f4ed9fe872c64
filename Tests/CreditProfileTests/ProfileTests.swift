import CreditProfile
import Messages
import Model
import Streams
import Testing
import Wire

/// Standings: what counts, when it counts, and for whom it is ever put together.
@Suite struct ProfileTests {
    private let anna = resident(11)

    @Test func `five measures become five scores, their sum and a level, each with its reason`()
        throws
    {
        let city = try ProfileCity()
        try city.change(anna)
        try city.play(
            scored(grams: 46, to: anna, on: opening, evidence: .operatorOrder),
            scored(grams: 80, to: anna, on: opening, behaviour: "bus"),
            scored(grams: 0, to: anna, on: opening, behaviour: "walking"),
            scored(grams: 46, to: anna, on: opening.advanced(by: 1), evidence: .receipt),
            scored(grams: -20, to: anna, on: opening.advanced(by: 1)),
            ended(opening.advanced(by: 1)))
        let profile = try city.profile(of: anna)
        #expect(profile.day == "2026-08-11")
        #expect(profile.dimensions.map(\.measure) == [152, 2, 2, 500, 1])
        #expect(profile.dimensions.map(\.score) == [50, 100, 100, 100, 60])
        #expect(profile.score == 410)
        #expect(profile.level == "tree")
        #expect(profile.dimensions.map(\.nextAt) == [nil, nil, nil, nil, nil])
        #expect(profile.history)
        #expect(profile.table == "v1")
        #expect(try city.difference() == nil)
    }

    @Test func `a measure says what would bring more`() throws {
        let city = try ProfileCity()
        try city.change(anna)
        try city.play(scored(grams: 46, to: anna, on: opening), ended(opening))
        let profile = try city.profile(of: anna)
        #expect(profile.dimensions.map(\.nextAt) == [100, 2, 2, 2, nil])
        #expect(profile.score == 200)
        #expect(profile.levelEn == "Seedling")
    }

    @Test func `nothing counts before a day has ended, nor of a day that has not`() throws {
        let city = try ProfileCity()
        try city.change(anna)
        try city.play(scored(grams: 500, to: anna, on: opening))
        #expect(try city.profile(of: anna).day == nil)
        #expect(try city.measures(of: anna)["volume"] == 0)
        try city.play(ended(opening.advanced(by: -1)))
        #expect(try city.measures(of: anna)["volume"] == 0)
        try city.play(ended(opening))
        #expect(try city.measures(of: anna)["volume"] == 500)
    }

    @Test func `a day counts for as many days as the table says and then no more`() throws {
        let city = try ProfileCity(table: TableDocument(windowDays: "10").text)
        try city.change(anna)
        try city.play(scored(grams: 500, to: anna, on: opening), ended(opening.advanced(by: 9)))
        #expect(try city.measures(of: anna)["volume"] == 500)
        try city.play(ended(opening.advanced(by: 10)))
        #expect(try city.measures(of: anna)["volume"] == 0)
        #expect(try city.events.filter { $0.profilePublished.day > 0 }.count == 2)
    }

    @Test func `a day whose awards were all taken back is no active day`() throws {
        let city = try ProfileCity()
        try city.change(anna)
        try city.play(
            scored(grams: 500, to: anna, on: opening),
            scored(grams: -500, to: anna, on: opening), ended(opening))
        let measures = try city.measures(of: anna)
        #expect(measures["regularity"] == 0)
        #expect(measures["volume"] == 0)
        #expect(measures["integrity"] == 1)
    }

    @Test func `what arrives late counts on its own day`() throws {
        let city = try ProfileCity()
        try city.change(anna)
        try city.play(ended(opening.advanced(by: 3)))
        try city.play(scored(grams: 70, to: anna, on: opening))
        #expect(try city.measures(of: anna)["volume"] == 70)
    }

    @Test func `without consent there is no profile, shown or published`() throws {
        let city = try ProfileCity()
        try city.play(scored(grams: 500, to: anna, on: opening), ended(opening))
        #expect(try city.reply(to: anna).code == "no_consent")
        #expect(try city.events.isEmpty)
        #expect(try city.records { try $0.profiles(scoredBy: city.table) }.isEmpty)
    }

    @Test func `consent without history counts from the day of the grant`() throws {
        let city = try ProfileCity()
        try city.play(scored(grams: 500, to: anna, on: opening), ended(opening))
        try city.change(anna, history: false)
        try city.play(
            scored(grams: 30, to: anna, on: opening), ended(opening.advanced(by: 1)))
        #expect(try city.measures(of: anna)["volume"] == 0)
        try city.play(
            scored(grams: 7, to: anna, on: opening.advanced(by: 1)),
            scored(grams: 8, to: anna, on: opening.advanced(by: 2)),
            ended(opening.advanced(by: 2)))
        #expect(try city.measures(of: anna)["volume"] == 15)
        #expect(try !city.profile(of: anna).history)
        // The day of the grant stays while the consent does; another kind of consent begins anew.
        try city.change(anna, history: false)
        #expect(try city.measures(of: anna)["volume"] == 15)
        try city.change(anna, history: true)
        #expect(try city.measures(of: anna)["volume"] == 545)
        try city.change(anna, history: false)
        #expect(try city.measures(of: anna)["volume"] == 0)
        #expect(try city.events.filter { $0.consentChanged.granted }.count == 3)
    }

    @Test func `a profile is published when a day ends and it has changed`() throws {
        let city = try ProfileCity()
        try city.change(anna)
        try city.play(scored(grams: 120, to: anna, on: opening), ended(opening))
        try city.play(ended(opening.advanced(by: 1)))
        try city.play(
            scored(grams: 1, to: anna, on: opening.advanced(by: 2)),
            ended(opening.advanced(by: 2)))
        let published = try city.events.filter { $0.profilePublished.day > 0 }
        #expect(published.map(\.profilePublished.day) == [20_675, 20_677])
        let first = try #require(published.first)
        #expect(first.resident == anna.rawValue)
        #expect(first.inputCursor == 2)
        #expect(first.profilePublished.score == 250)
        #expect(first.profilePublished.table == "v1")
        #expect(first.profilePublished.dimensions.map(\.measure) == [120, 1, 1, 0, 0])
        #expect(first.profilePublished.dimensions.map(\.score) == [50, 0, 0, 0, 200])
        let kept = try #require(try city.records { try $0.published(of: anna) })
        #expect(kept.dimensions.map(\.measure) == [121, 2, 1, 0, 0])
        let dumped = try city.records { try $0.profiles(scoredBy: city.table) }
        #expect(dumped.map(\.profile) == [kept])
        #expect(try city.difference() == nil)
    }

    @Test func `another table publishes anew on the next day`() throws {
        let city = try ProfileCity()
        try city.change(anna)
        try city.play(scored(grams: 120, to: anna, on: opening), ended(opening))
        try city.restart(table: TableDocument(version: #""v2""#).text)
        #expect(try city.profile(of: anna).table == "v2")
        #expect(try city.records { try $0.published(of: anna) }?.table == "v1")
        try city.play(ended(opening.advanced(by: 1)))
        #expect(try city.records { try $0.published(of: anna) }?.table == "v2")
    }

    @Test func `a withdrawal deletes score, versions and reasons at once and keeps the sums`()
        throws
    {
        let city = try ProfileCity()
        try city.change(anna)
        try city.play(scored(grams: 120, to: anna, on: opening), ended(opening))
        try city.play(
            scored(grams: 120, to: anna, on: opening.advanced(by: 1)),
            ended(opening.advanced(by: 1)))
        try city.change(anna, granted: false)
        #expect(try city.reply(to: anna).code == "no_consent")
        let rows = try city.contents()
        #expect(rows.count == 3, "two days and a partition: \(rows)")
        #expect(try city.events.suffix(2).map { $0.consentChanged.granted } == [false, false])
        #expect(try city.events.last?.profileWithdrawn.day == 20_677)
        let count = try city.events.count
        try city.change(anna, granted: false)
        #expect(try city.events.count == count)
        try city.play(ended(opening.advanced(by: 2)))
        #expect(try city.events.count == count)
        try city.change(anna)
        #expect(try city.measures(of: anna)["volume"] == 240)
        #expect(try city.records { try $0.published(of: anna) } == nil)
        #expect(try city.difference() == nil)
    }

    @Test func `consent withdrawn before anything was published withdraws no profile`() throws {
        let city = try ProfileCity()
        try city.change(anna)
        try city.change(anna, granted: false)
        #expect(try city.events.count == 2)
        #expect(try city.events.allSatisfy { $0.profileWithdrawn.day == 0 })
    }

    @Test func `an erased resident consents to nothing`() throws {
        let city = try ProfileCity()
        try city.change(anna)
        try city.play(scored(grams: 120, to: anna, on: opening), ended(opening))
        var erased = PointsEvent()
        erased.resident = anna.rawValue
        erased.residentErased = ResidentErased()
        try city.play(erased)
        #expect(try city.reply(to: anna).code == "no_consent")
        let last = try #require(try city.events.last)
        if case .profileWithdrawn = last.payload {} else { Issue.record("\(last)") }
    }

    @Test func `days end in each partition by itself`() throws {
        let city = try ProfileCity(partitions: 4)
        let residents = (1...20).map { resident(Int64($0)) }
        for resident in residents {
            try city.change(resident)
            try city.play(
                scored(grams: 10, to: resident, on: opening), partition: resident.partition(of: 4))
        }
        try city.play(ended(opening), partition: 1)
        let here = residents.filter { $0.partition(of: 4) == 1 }
        #expect(
            try city.events.filter { $0.profilePublished.score > 0 }.map(\.resident)
                == here.map(\.rawValue))
        for resident in residents {
            #expect(
                try city.measures(of: resident)["volume"] == (here.contains(resident) ? 10 : 0))
        }
        #expect(try city.records { try $0.sums(of: 1) }.awards == Int64(here.count))
        #expect(try city.difference() == nil)
    }

    @Test func `events that can never be applied become dead letters and change nothing`() throws {
        let city = try ProfileCity()
        var nobody = scored(grams: 5, to: anna, on: opening)
        nobody.resident = 0
        var huge = scored(grams: 5, to: anna, on: opening)
        huge.scored.milligrams = .min
        let commit = try city.play(
            nobody, huge, scored(grams: 5, to: anna, on: LocalDay(.min)), ended(opening),
            ended(opening))
        #expect(commit.deadLetters == 4)
        let kinds = (0..<70).map {
            scored(grams: 5, to: anna, on: opening, behaviour: "kind \($0)")
        }
        #expect(try city.commit([city.block(kinds)]).deadLetters == 7)
        #expect(try city.records { try $0.sums(of: 0) }.awards == 63)
        #expect(try city.difference() == nil)
    }
}
