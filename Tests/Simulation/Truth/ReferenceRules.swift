import Foundation
import Model

/// The registries as the reference reads them: with a reader and an arithmetic of its own.
struct ReferenceRules: Sendable {
    struct Method: Sendable {
        var method: String
        var version: String
        var behaviour: String
        var unit: String
        var first: String
        var last: String?
        /// Milligrams per unit.
        var factor: Fraction
        /// In millionths of the unit.
        var cap: Int64?
        /// Of a date, as many characters as name the cap's period.
        var periodCharacters: Int
        var pointsPerUnit: Fraction?
        var pointsPerGram: Int64
        var pointsMax: Int64?
    }

    struct Dimension: Sendable {
        var code: String
        var measure: String
        var steps: [(atLeast: Int64, score: Int64)]
    }

    let methods: [Method]
    let dimensions: [Dimension]
    let levels: [(atLeast: Int64, code: String)]
    let windowDays: Int32
    static let strongEvidence: Set<String> = [
        "operator_order", "telematics", "weighing", "receipt",
    ]
    /// Points of a lot can be spent through this many days after the one they were earned on.
    static let lotDays: Int32 = 730

    struct Unreadable: Error { var what: String }

    init(deploy folder: String) throws {
        func object(_ path: String) throws -> [String: Any] {
            let data = try Data(contentsOf: URL(fileURLWithPath: folder + path))
            guard let object = try JSONSerialization.jsonObject(with: data) as? [String: Any] else {
                throw Unreadable(what: path)
            }
            return object
        }
        let entries = try object("/methodologies/methods.json")["methods"] as? [[String: Any]] ?? []
        methods = try entries.filter {
            $0["status"] as? String == "active" && $0["city"] as? String == Rules.city
        }.map { try Self.method($0) }
        let table = try object("/profile/v1.json")
        windowDays = Int32(table["window_days"] as? Int ?? 0)
        dimensions = (table["dimensions"] as? [[String: Any]] ?? []).map { entry in
            Dimension(
                code: entry["code"] as? String ?? "", measure: entry["measure"] as? String ?? "",
                steps: (entry["steps"] as? [[String: Int]] ?? []).map {
                    (Int64($0["at_least"] ?? 0), Int64($0["score"] ?? 0))
                })
        }
        levels = (table["levels"] as? [[String: Any]] ?? []).map {
            (Int64($0["at_least"] as? Int ?? 0), $0["code"] as? String ?? "")
        }
        guard !methods.isEmpty, dimensions.count == 5, !levels.isEmpty else {
            throw Unreadable(what: folder)
        }
    }

    private static func method(_ entry: [String: Any]) throws -> Method {
        func text(_ key: String) throws -> String {
            guard let text = entry[key] as? String else { throw Unreadable(what: key) }
            return text
        }
        let cap = entry["cap"] as? [String: Any]
        let points = entry["points"] as? [String: Any] ?? [:]
        let period = cap?["per"] as? String ?? "day"
        return Method(
            method: try text("method"), version: try text("version"),
            behaviour: try text("behaviour"), unit: try text("unit"),
            first: try text("valid_from"), last: entry["valid_to"] as? String,
            factor: try factor(entry["formula"] as? [String: Any] ?? [:]),
            cap: try (cap?["quantity"] as? String).map {
                (try fraction($0) * Fraction(1_000_000)).floor
            },
            periodCharacters: period == "day" ? 10 : period == "month" ? 7 : 4,
            pointsPerUnit: try (points["points_per_unit"] as? String).map(fraction),
            pointsPerGram: Int64(points["points_per_gram"] as? Int ?? 0),
            pointsMax: (points["points_max_per_period"] as? Int).map(Int64.init))
    }

    private static func fraction(_ text: String) throws -> Fraction {
        guard let fraction = Fraction(text) else { throw Unreadable(what: text) }
        return fraction
    }

    /// The four families of formulas, in milligrams per unit; never below zero.
    private static func factor(_ formula: [String: Any]) throws -> Fraction {
        let parameters = formula["parameters"] as? [String: String] ?? [:]
        func p(_ key: String) throws -> Fraction { try fraction(parameters[key] ?? "") }
        let million = Fraction(1_000_000)
        let factor: Fraction
        switch formula["family"] as? String {
        case "linear":
            factor = try fraction(formula["milligrams_per_unit"] as? String ?? "")
        case "nev_kilometre":
            let fuel =
                try p("fuel_litres_per_100km") / Fraction(100) * p("fuel_kg_co2_per_litre")
            let power =
                try p("kwh_per_100km") / Fraction(100) / p("charging_efficiency")
                * p("grid_kg_co2_per_kwh")
            factor = million * (fuel - power)
        case "nev_charge":
            let litres = try p("fuel_litres_per_100km") / p("kwh_per_100km")
            factor =
                try million * (litres * p("fuel_kg_co2_per_litre") - p("grid_kg_co2_per_kwh"))
        case "appliance_grade":
            let one = Fraction(1)
            let saved = try one / p("apf_baseline") - one / p("apf_product")
            factor =
                try million * p("load_kwh_per_year") * saved * p("grid_kg_co2_per_kwh")
                * p("credit_years")
        case let family:
            throw Unreadable(what: family ?? "a formula without family")
        }
        return factor.numerator < 0 ? Fraction(0) : factor
    }

    /// The one version that applies, if any does.
    ///
    /// ISO dates compare as texts.
    func method(_ behaviour: String, _ unit: String, on day: LocalDay) -> Method? {
        let date = day.description
        return methods.first {
            $0.behaviour == behaviour && $0.unit == unit && $0.first <= date
                && date <= $0.last ?? "9999-12-31"
        }
    }
}
