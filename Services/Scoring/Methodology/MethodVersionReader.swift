import Model

/// Reads one version out of `methods.json` and finds what is wrong with it by itself.
struct MethodVersionReader {
    typealias Wrong = JSONMembers.Wrong

    let behaviours: BehaviourUnits
    /// What a version without a points rule of its own grants.
    let cityPointsPerWholeGram: Int64?

    static let members: Set = [
        "method", "version", "research_code", "city", "status", "behaviour", "unit", "name_zh",
        "name_en", "formula", "cap", "valid_from", "valid_to", "points",
        "plausible_milligrams_per_unit", "evidence", "source", "confidence", "examples",
    ]

    static func id(of entry: JSONMembers) throws(Wrong) -> MethodVersion.ID {
        MethodVersion.ID(method: try entry.code("method"), version: try entry.code("version"))
    }

    /// The version that `entry` describes, sound and with its examples proven.
    func version(from entry: JSONMembers) throws(Wrong) -> MethodVersion {
        try entry.requireOnly(Self.members)
        let formula = try formula(from: try entry.object("formula"))
        let version = MethodVersion(
            id: try Self.id(of: entry),
            field: MethodVersion.Field(
                city: try entry.code("city"), behaviour: try entry.code("behaviour"),
                unit: try entry.code("unit")),
            isActive: try status(of: entry),
            nameZh: try entry.text("name_zh"), nameEn: try entry.text("name_en"),
            formula: formula,
            factor: max(.zero, try factor(of: formula)),
            cap: try cap(of: entry),
            validFrom: try entry.day("valid_from"),
            validTo: entry.has("valid_to") ? try entry.day("valid_to") : nil,
            points: try pointsRule(of: entry),
            plausible: try plausible(of: entry),
            evidence: try entry.text("evidence"), source: try entry.text("source"),
            confidence: try entry.text("confidence"),
            examples: try examples(of: entry))
        try check(version)
        return version
    }

    private func check(_ version: MethodVersion) throws(Wrong) {
        let (behaviour, unit) = (version.field.behaviour, version.field.unit)
        guard behaviours.knows(behaviour) else {
            throw Wrong(message: "behaviour \"\(behaviour)\" is not in the list of behaviours")
        }
        guard behaviours.knows(behaviour, in: unit) else {
            throw Wrong(message: "\(behaviour) is not counted in \"\(unit)\"")
        }
        if let last = version.validTo, last < version.validFrom {
            throw Wrong(message: "valid_to \(last) is before valid_from \(version.validFrom)")
        }
        if version.isActive {
            guard let plausible = version.plausible else {
                throw Wrong(message: "an active version needs plausible_milligrams_per_unit")
            }
            guard plausible.contains(version.factor) else {
                let bounds = "\(plausible.lowerBound) to \(plausible.upperBound)"
                throw Wrong(
                    message: "the factor \(version.factor) is outside its plausible \(bounds)")
            }
        }
        let rule: ScoringRule
        do {
            rule = try version.rule()
        } catch {
            throw Wrong(message: error.description)
        }
        for example in version.examples { try prove(example, by: rule) }
    }

    /// A worked example is what one event gives to a period that holds nothing else.
    private func prove(
        _ example: MethodVersion.Example, by rule: ScoringRule
    ) throws(Wrong) {
        let place = "the example of \(example.quantity)"
        guard let award = rule.award(example.quantity, after: .zero) else {
            throw Wrong(message: "\(place) comes to more than one event may")
        }
        guard award.milligrams == example.milligrams else {
            throw Wrong(
                message: "\(place) comes to \(award.milligrams.rawValue) mg, not to "
                    + "\(example.milligrams.rawValue)")
        }
        if let points = example.points, points != award.points {
            throw Wrong(
                message: "\(place) comes to \(award.points.rawValue) points, not to "
                    + "\(points.rawValue)")
        }
    }

    private func formula(from entry: JSONMembers) throws(Wrong) -> Formula {
        let family = try entry.text("family")
        if family == "linear" {
            try entry.requireOnly(["family", "milligrams_per_unit"])
            return .linear(milligramsPerUnit: try entry.decimal("milligrams_per_unit"))
        }
        try entry.requireOnly(["family", "parameters"])
        guard ["nev_kilometre", "nev_charge", "appliance_grade"].contains(family) else {
            throw entry.wrong(
                "family", "linear, nev_kilometre, nev_charge or appliance_grade, not \"\(family)\"")
        }
        let parameters = try entry.object("parameters")
        let formula: Formula =
            switch family {
            case "nev_kilometre":
                .nevKilometre(
                    fuelLitresPer100km: try parameters.decimal("fuel_litres_per_100km"),
                    fuelKgPerLitre: try parameters.decimal("fuel_kg_co2_per_litre"),
                    kwhPer100km: try parameters.decimal("kwh_per_100km"),
                    chargingEfficiency: try parameters.decimal("charging_efficiency"),
                    gridKgPerKwh: try parameters.decimal("grid_kg_co2_per_kwh"))
            case "nev_charge":
                .nevCharge(
                    fuelLitresPer100km: try parameters.decimal("fuel_litres_per_100km"),
                    fuelKgPerLitre: try parameters.decimal("fuel_kg_co2_per_litre"),
                    kwhPer100km: try parameters.decimal("kwh_per_100km"),
                    gridKgPerKwh: try parameters.decimal("grid_kg_co2_per_kwh"))
            default:
                .applianceGrade(
                    loadKwhPerYear: try parameters.decimal("load_kwh_per_year"),
                    apfBaseline: try parameters.decimal("apf_baseline"),
                    apfProduct: try parameters.decimal("apf_product"),
                    gridKgPerKwh: try parameters.decimal("grid_kg_co2_per_kwh"),
                    creditYears: try parameters.decimal("credit_years"))
            }
        try parameters.requireOnly(Set(formula.parameters.map(\.name)))
        return formula
    }

    private func factor(of formula: Formula) throws(Wrong) -> Ratio {
        do {
            return try formula.milligramsPerUnit()
        } catch {
            throw Wrong(message: "the formula \(formula.family) \(error)")
        }
    }

    private func status(of entry: JSONMembers) throws(Wrong) -> Bool {
        switch try entry.text("status") {
        case "active": return true
        case "inactive": return false
        case let other: throw entry.wrong("status", "active or inactive, not \"\(other)\"")
        }
    }

    private func cap(of entry: JSONMembers) throws(Wrong) -> MethodVersion.Cap? {
        guard entry.has("cap") else { return nil }
        let cap = try entry.object("cap")
        try cap.requireOnly(["quantity", "per", "basis"])
        let name = try cap.text("per")
        guard let per = CapPeriod(rawValue: name) else {
            throw cap.wrong("per", "day, month or year, not \"\(name)\"")
        }
        return MethodVersion.Cap(quantity: try cap.quantity("quantity"), per: per)
    }

    private func pointsRule(of entry: JSONMembers) throws(Wrong) -> PointsRule {
        guard entry.has("points") else {
            guard let cityPointsPerWholeGram else {
                throw Wrong(message: "points is missing, and there is no city_points_rule")
            }
            return PointsRule(basis: .perWholeGram(points: cityPointsPerWholeGram), periodMax: nil)
        }
        let points = try entry.object("points")
        let most = "points_max_per_period"
        let periodMax: Int64? = points.has(most) ? try points.count(most) : nil
        switch try points.text("rule") {
        case "per_whole_gram":
            try points.requireOnly(["rule", "points_per_gram", most])
            return PointsRule(
                basis: .perWholeGram(points: try points.count("points_per_gram")),
                periodMax: periodMax)
        case "per_unit":
            try points.requireOnly(["rule", "points_per_unit", most])
            let each = try points.decimal("points_per_unit")
            guard each >= .zero else { throw points.wrong("points_per_unit", "not negative") }
            return PointsRule(basis: .perUnit(points: each), periodMax: periodMax)
        case let other:
            throw points.wrong("rule", "per_whole_gram or per_unit, not \"\(other)\"")
        }
    }

    private func plausible(of entry: JSONMembers) throws(Wrong) -> ClosedRange<Ratio>? {
        let name = "plausible_milligrams_per_unit"
        guard entry.has(name) else { return nil }
        var bounds: [Ratio] = []
        for case .text(let text) in try entry.array(name) {
            if let bound = Ratio(decimal: text) { bounds.append(bound) }
        }
        guard bounds.count == 2, try entry.array(name).count == 2, bounds[0] <= bounds[1] else {
            throw entry.wrong(name, "two exact decimals in quotes, the lower one first")
        }
        return bounds[0]...bounds[1]
    }

    private func examples(of entry: JSONMembers) throws(Wrong) -> [MethodVersion.Example] {
        var examples: [MethodVersion.Example] = []
        for example in try entry.objects("examples") {
            try example.requireOnly(["quantity", "milligrams", "points"])
            examples.append(
                MethodVersion.Example(
                    quantity: try example.quantity("quantity"),
                    milligrams: Milligrams(try example.count("milligrams")),
                    points: example.has("points") ? Points(try example.count("points")) : nil))
        }
        guard !examples.isEmpty else {
            throw entry.wrong("examples", "at least one worked example")
        }
        return examples
    }
}
