import Model
import Scoring
import Storage
import Testing
import Wire

@Suite struct RegistryPinTests {
    /// A house that has decided rides of 2026-08-10.
    static func house(_ entries: [String] = [Registries.entry()]) throws -> House {
        let house = try House(registry: try Registries.made(of: entries))
        try house.apply([accepted("cycling", "1", "km", at: "2026-08-10T08:00:00+08:00")])
        return house
    }

    static let v1 = MethodVersion.ID(method: "ride.km", version: "v1")
    static let v2 = MethodVersion.ID(method: "ride.km", version: "v2")

    static func violation(
        of entries: [String], in house: House
    ) throws -> RegistryRefused.Violation {
        let before = try house.contents()
        let refused = try #require(throws: RegistryRefused.self) {
            try house.restart(with: try Registries.made(of: entries))
        }
        #expect(refused.description.hasPrefix("methods.json: "))
        #expect(!refused.description.contains("\n"))
        #expect(try house.contents() == before)
        return refused.violation
    }

    static func day(_ text: String) throws -> LocalDay { try #require(LocalDay(text)) }

    @Test func `the same registry, reworded, starts again`() throws {
        let house = try Self.house()
        try house.restart(
            with: try Registries.made(of: [Registries.entry(["source": #""a better one""#])]))
        #expect(try house.apply([accepted("cycling", "1", "km")])[0].scored.points == 1)
    }

    @Test func `a published version that changed stops the start`() throws {
        let house = try Self.house()
        let changed = Registries.entry(["cap": #"{"quantity": "31", "per": "day"}"#])
        #expect(try Self.violation(of: [changed], in: house) == .changed(Self.v1))
    }

    @Test func `a published version that is missing stops the start, even if it was never used`()
        throws
    {
        let inactive = Registries.entry(["version": #""v2""#, "status": #""inactive""#])
        let house = try Self.house([Registries.entry(), inactive])
        #expect(try Self.violation(of: [Registries.entry()], in: house) == .removed(Self.v2))
    }

    @Test func `a new version begins after the days already decided, or not at all`() throws {
        let house = try Self.house()
        func successor(from day: String) -> [String] {
            [
                Registries.entry(["valid_to": #""2026-08-10""#]),
                Registries.entry([
                    "version": #""v2""#, "valid_from": "\"\(day)\"",
                    "formula": #"{"family": "linear", "milligrams_per_unit": "2000"}"#,
                ]),
            ]
        }
        try house.restart(with: try Registries.made(of: successor(from: "2026-08-11")))
        let events = try house.apply([
            accepted("cycling", "1", "km", at: "2026-08-11T00:00:00+08:00"),
            accepted("cycling", "1", "km", at: "2026-08-10T23:59:59+08:00"),
        ])
        #expect(events.map(\.scored.milligrams) == [2_000, 1_000])
    }

    @Test func `a new version for a day already refused stops the start too`() throws {
        let ended = Registries.entry(["valid_to": #""2026-08-01""#])
        let house = try Self.house([ended])
        let late = Registries.entry(["version": #""v2""#, "valid_from": #""2026-08-10""#])
        #expect(
            try Self.violation(of: [ended, late], in: house)
                == .beginsTooEarly(
                    Self.v2, validFrom: try Self.day("2026-08-10"),
                    decidedThrough: try Self.day("2026-08-10")))
    }

    @Test func `new versions that decide nothing here may begin whenever they like`() throws {
        let house = try Self.house()
        try house.restart(
            with: try Registries.made(of: [
                Registries.entry(),
                Registries.entry([
                    "version": #""other-city""#, "city": #""wuhan""#,
                ]),
                Registries.entry(["version": #""asleep""#, "status": #""inactive""#]),
                Registries.entry(["version": #""trips""#, "unit": #""trip""#]),
            ]))
    }

    @Test(arguments: ["2026-08-09", "2026-08-01"])
    func `a version cannot end before a day it has decided`(last: String) throws {
        let house = try Self.house()
        let ended = Registries.entry(["valid_to": "\"\(last)\""])
        #expect(
            try Self.violation(of: [ended], in: house)
                == .lastDayMoved(Self.v1, decidedThrough: try Self.day("2026-08-10")))
    }

    @Test func `a version that has ended cannot come back over decided days`() throws {
        let house = try Self.house([Registries.entry(["valid_to": #""2026-08-01""#])])
        #expect(
            try Self.violation(of: [Registries.entry()], in: house)
                == .lastDayMoved(Self.v1, decidedThrough: try Self.day("2026-08-10")))
    }

    @Test func `a store scores for one city, and for one that has methods`() throws {
        let beijing = Registries.entry()
        let wuhan = Registries.entry(["version": #""w""#, "city": #""wuhan""#])
        let house = try Self.house([beijing, wuhan])
        let registry = try Registries.made(of: [beijing, wuhan])
        func start(_ city: String) throws {
            _ = try ScoringDomain(database: house.store.writer, registry: registry, city: city)
        }
        try start("beijing")
        let other = try #require(throws: RegistryRefused.self) { try start("wuhan") }
        #expect(other.violation == .otherCity(kept: "beijing", wanted: "wuhan"))
        let misspelt = try #require(throws: RegistryRefused.self) { try start("bejing") }
        #expect(misspelt.violation == .nothingActive(city: "bejing"))
    }
}
