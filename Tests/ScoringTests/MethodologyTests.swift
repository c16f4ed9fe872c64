import Foundation
import Model
import Scoring
import Testing

@Suite struct MethodologyTests {
    @Test func `the deployed registry is sound`() throws {
        let registry = try Registries.deployed()
        #expect(registry.versions.count == 25)
        #expect(registry.versions.filter(\.isActive).count == 16)
        let file = "\(Registries.folder)/methods.json"
        #expect(MethodologyRegistry.check(file: file) == [])
    }

    @Test func `every worked example comes out exactly, active or not`() throws {
        var proven = 0
        for version in try Registries.deployed().versions {
            let rule = try version.rule()
            for example in version.examples {
                let award = try #require(rule.award(example.quantity, after: .zero))
                #expect(award.milligrams == example.milligrams, "\(version.id)")
                proven += 1
            }
        }
        #expect(proven == 27)
    }

    @Test(arguments: [
        ("metro.km", "sz-2021-trial", "10", 467_000, 467),
        ("walking.step", "walk-2016/2021", "18000", 296_000, 296),
        ("cycling.km", "wh-2024-batch2", "0.90", 83_970, 83),
        ("nev_driving.km", "formula-v1", "1", 67_660, 67),
        ("nev_charging.kwh", "formula-v1", "1", 451_066, 451),
        ("green_appliance.air_conditioner_grade1", "formula-v1", "1", 93_905_000, 2_000),
        ("clothes_recycling.kg", "lz-2023", "2.5", 3_200_000, 75),
        ("clean_plate.meal", "lz-2023", "1", 144_000, 5),
    ])
    func `published figures come out exactly`(
        method: String, version: String, quantity: String, milligrams: Int64, points: Int64
    ) throws {
        let registry = try Registries.deployed()
        let found = try #require(
            registry.version(MethodVersion.ID(method: method, version: version)))
        let amount = try #require(Quantity(decimal: quantity))
        let rule = try found.rule()
        let award = try #require(rule.award(amount, after: .zero))
        #expect(award.milligrams == Milligrams(milligrams))
        #expect(award.points == Points(points))
    }

    @Test func `factors and rules are explained exactly`() throws {
        let registry = try Registries.deployed()
        func version(_ method: String, _ version: String) throws -> MethodVersion {
            try #require(registry.version(MethodVersion.ID(method: method, version: version)))
        }
        #expect(
            try version("nev_charging.kwh", "formula-v1").factor.description == "1353200/3")
        let cycling = try version("cycling.km", "mee-edc-2021")
        #expect(cycling.factor.description == "48700")
        #expect(cycling.capText == "30 km a day")
        #expect(cycling.pointsRuleText == "1 point per whole gram")
        let clothes = try version("clothes_recycling.kg", "lz-2023")
        #expect(clothes.capText == "20 kg a month")
        #expect(clothes.pointsRuleText == "30 points per kg")
        let appliance = try version("green_appliance.air_conditioner_grade1", "formula-v1")
        #expect(
            appliance.pointsRuleText == "1 point per whole gram, at most 2000 points a year")
        #expect(try version("metro.trip", "wh-2023").capText == nil)
    }

    @Test func `a factor below zero is clamped`() throws {
        let coal = """
            {"family": "nev_charge", "parameters": {"fuel_litres_per_100km": "1",
             "fuel_kg_co2_per_litre": "1", "kwh_per_100km": "10", "grid_kg_co2_per_kwh": "0.9"}}
            """
        let registry = try Registries.made(of: [Registries.entry(["formula": coal])])
        #expect(registry.versions[0].factor == .zero)
    }

    @Test func `a version without points of its own follows the city's rule`() throws {
        let registry = try Registries.made(of: [Registries.entry(["points": String?.none])])
        #expect(registry.versions[0].points.basis == .perWholeGram(points: 1))
    }

    @Test func `a fingerprint sees every number and no wording`() throws {
        func fingerprint(_ changes: [String: String?]) throws -> [UInt8] {
            try Registries.made(of: [Registries.entry(changes)]).versions[0].fingerprint
        }
        let original = try fingerprint([:])
        let same: [[String: String?]] = [
            ["name_zh": #""单车""#], ["source": #""elsewhere""#], ["valid_to": #""2030-01-01""#],
            ["formula": #"{"family": "linear", "milligrams_per_unit": "1000.00"}"#],
            ["cap": #"{"quantity": "30.0", "per": "day"}"#],
        ]
        for changes in same { #expect(try fingerprint(changes) == original, "\(changes)") }
        let other: [[String: String?]] = [
            ["formula": #"{"family": "linear", "milligrams_per_unit": "1000.1"}"#],
            ["cap": "null"], ["cap": #"{"quantity": "30", "per": "month"}"#],
            ["city": #""wuhan""#], ["status": #""inactive""#], ["unit": #""trip""#],
            ["valid_from": #""2022-08-11""#], ["method": #""ride""#],
            ["points": #"{"rule": "per_whole_gram", "points_per_gram": 2}"#],
            ["points": #"{"rule": "per_unit", "points_per_unit": "1"}"#],
            [
                "points": """
                {"rule": "per_whole_gram", "points_per_gram": 1, "points_max_per_period": 1}
                """
            ],
        ]
        let fingerprints = try other.map { try fingerprint($0) }
        #expect(Set(fingerprints + [original]).count == other.count + 1)
    }
}

@Suite struct BrokenRegistryTests {
    struct Broken: CustomTestStringConvertible, Sendable {
        var changes: [String: String?]
        var says: String
        var testDescription: String { says }

        init(_ changes: [String: String?], _ says: String) {
            self.changes = changes
            self.says = says
        }
    }

    static let cases: [Broken] = [
        Broken(["formula": nil], "formula is missing"),
        Broken(["formula": #"{"family": "magic"}"#], "family must be linear"),
        Broken(
            ["formula": #"{"family": "linear", "milligrams_per_unit": 1000}"#],
            "milligrams_per_unit must be a text"),
        Broken(
            ["formula": #"{"family": "linear", "milligrams_per_unit": "1e3"}"#],
            "must be an exact decimal"),
        Broken(
            ["formula": #"{"family": "linear", "milligrams_per_unit": "1", "grams": "1"}"#],
            "grams means nothing"),
        Broken(
            ["formula": #"{"family": "nev_charge", "parameters": {}}"#],
            "fuel_litres_per_100km is missing"),
        Broken(
            [
                "formula": """
                {"family": "appliance_grade", "parameters": {"load_kwh_per_year": "1",
                "apf_baseline": "0", "apf_product": "5", "grid_kg_co2_per_kwh": "1",
                "credit_years": "1"}}
                """
            ], "divides by zero"),
        Broken(
            ["formula": #"{"family": "linear", "milligrams_per_unit": "99999999.000000000001"}"#],
            "too fine"),
        Broken(["cap": #"{"quantity": "1", "per": "week"}"#], "per must be day, month or year"),
        Broken(["cap": #"{"quantity": "-1", "per": "day"}"#], "quantity must be a decimal"),
        Broken(["cap": #"{"quantity": "1", "per": "day", "pr": "day"}"#], "pr means nothing"),
        Broken(["points": #"{"rule": "per_smile"}"#], "rule must be per_whole_gram or per_unit"),
        Broken(
            ["points": #"{"rule": "per_unit", "points_per_unit": "-1"}"#], "must be not negative"),
        Broken(
            ["points": #"{"rule": "per_whole_gram", "points_per_gram": 0.5}"#],
            "points_per_gram must be a whole number"),
        Broken(
            ["points": #"{"rule": "per_unit", "points_per_unit": "1", "points_max": 1}"#],
            "points_max means nothing"),
        Broken(["status": #""perhaps""#], "status must be active or inactive"),
        Broken(["behaviour": #""flying""#], "\"flying\" is not in the list"),
        Broken(["unit": #""mile""#], "cycling is not counted in \"mile\""),
        Broken(["valid_from": #""2022-02-30""#], "valid_from must be a date"),
        Broken(["valid_to": #""2022-08-09""#], "valid_to 2022-08-09 is before valid_from"),
        Broken(["plausible_milligrams_per_unit": "null"], "needs plausible_milligrams_per_unit"),
        Broken(["plausible_milligrams_per_unit": #"["2", "1"]"#], "the lower one first"),
        Broken(["plausible_milligrams_per_unit": #"["1", 2]"#], "two exact decimals in quotes"),
        Broken(
            ["plausible_milligrams_per_unit": #"["1001", "2000"]"#],
            "the factor 1000 is outside its plausible 1001 to 2000"),
        Broken(
            ["examples": #"[{"quantity": "31", "milligrams": 31000}]"#],
            "the example of 31 comes to 30000 mg, not to 31000"),
        Broken(
            ["examples": #"[{"quantity": "2", "milligrams": 2000, "points": 3}]"#],
            "the example of 2 comes to 2 points, not to 3"),
        Broken(["examples": "[]"], "at least one worked example"),
        Broken(["validfrom": #""2022-08-10""#], "validfrom means nothing"),
    ]

    @Test(arguments: cases)
    func `what is wrong is said in one line that names file, method and version`(
        broken: Broken
    ) throws {
        let refused = try #require(throws: MethodologyRefused.self) {
            try Registries.made(of: [Registries.entry(broken.changes)])
        }
        #expect(refused.lines.count == 1)
        let line = try #require(refused.lines.first)
        #expect(line.hasPrefix("methods.json: ride.km v1: "), "\(line)")
        #expect(line.contains(broken.says), "\(line)")
        #expect(!line.contains("\n"))
    }

    @Test func `everything that is wrong is told at once`() throws {
        let refused = try #require(throws: MethodologyRefused.self) {
            try Registries.made(of: [
                Registries.entry(["version": #""a""#, "status": #""?""#]),
                Registries.entry(["version": #""b""#, "cap": "1"]),
                Registries.entry(["version": #""b""#]),
                Registries.entry(["version": #""c""#]), Registries.entry(["version": #""d""#]),
                Registries.entry(["method": nil]),
            ])
        }
        #expect(refused.lines.count == 5)
        #expect(refused.lines[2] == "methods.json: ride.km b: this version occurs twice")
        #expect(refused.lines[3].contains("method is missing"))
        #expect(refused.lines[4].contains("ride.km d: overlaps ride.km c on 2022-08-10"))
        #expect(
            refused.description.hasSuffix("(and 4 more: greenctl methodology check lists them)"))
    }

    @Test func `versions may follow one another and may not share a day`() throws {
        let first = Registries.entry(["valid_to": #""2025-12-31""#])
        func second(_ day: String) -> String {
            Registries.entry(["version": #""v2""#, "valid_from": "\"\(day)\""])
        }
        _ = try Registries.made(of: [second("2026-01-01"), first])
        let refused = try #require(throws: MethodologyRefused.self) {
            try Registries.made(of: [second("2025-12-31"), first])
        }
        #expect(refused.lines[0].contains("ride.km v2: overlaps ride.km v1 on 2025-12-31"))
    }

    @Test(arguments: [
        (#"{"schema": "greenseason.methods.v2", "methods": []}"#, "greenseason.methods.v2"),
        (#"{"methods": []}"#, "schema is missing"), ("[]", "is not a JSON object"),
        ("{", "is not JSON"), (#"{"schema": "greenseason.methods.v1"}"#, "methods is missing"),
        (#"{"schema": "greenseason.methods.v1", "methods": [1]}"#, "objects only"),
    ])
    func `a file that is no registry is refused as a whole`(text: String, says: String) throws {
        let refused = try #require(throws: MethodologyRefused.self) {
            try MethodologyRegistry(
                methods: RegistryDocument(name: "methods.json", bytes: Array(text.utf8)),
                behaviours: RegistryDocument(
                    name: "behaviours.json", bytes: Array(Registries.behaviours.utf8)))
        }
        #expect(refused.lines.count == 1)
        #expect(refused.lines[0].hasPrefix("methods.json: "))
        #expect(refused.lines[0].contains(says), "\(refused.lines[0])")
    }

    @Test func `a file that cannot be read is named`() {
        let problems = MethodologyRegistry.check(file: "/nowhere/methods.json")
        #expect(problems.count == 1)
        #expect(problems[0].description.hasPrefix("/nowhere/methods.json: cannot be read"))
    }
}
