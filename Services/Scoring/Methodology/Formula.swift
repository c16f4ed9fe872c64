/// How a version arrives at its factor: four named families, and no expression to interpret.
///
/// A formula is reduced to one exact number when the registry is loaded.
package enum Formula: Hashable, Sendable {
    /// Published as milligrams of CO2e per unit.
    case linear(milligramsPerUnit: Ratio)
    /// A kilometre driven on electricity instead of fuel (T/CSAE 235-2021).
    case nevKilometre(
        fuelLitresPer100km: Ratio, fuelKgPerLitre: Ratio, kwhPer100km: Ratio,
        chargingEfficiency: Ratio, gridKgPerKwh: Ratio)
    /// A kilowatt-hour charged, by the kilometres that it drives.
    case nevCharge(
        fuelLitresPer100km: Ratio, fuelKgPerLitre: Ratio, kwhPer100km: Ratio, gridKgPerKwh: Ratio)
    /// A better efficiency grade of an appliance, over the years that are credited.
    case applianceGrade(
        loadKwhPerYear: Ratio, apfBaseline: Ratio, apfProduct: Ratio, gridKgPerKwh: Ratio,
        creditYears: Ratio)

    /// The name of the family, as `methods.json` spells it.
    package var family: String {
        switch self {
        case .linear: "linear"
        case .nevKilometre: "nev_kilometre"
        case .nevCharge: "nev_charge"
        case .applianceGrade: "appliance_grade"
        }
    }

    /// Milligrams of CO2e per unit, exactly; negative where the formula says so.
    package func milligramsPerUnit() throws(RatioError) -> Ratio {
        let milligramsPerKg = Ratio(1_000_000)
        switch self {
        case .linear(let milligramsPerUnit):
            return milligramsPerUnit
        case .nevKilometre(let litres, let kgPerLitre, let kwh, let efficiency, let grid):
            let burnt = try litres / Ratio(100) * kgPerLitre
            let drawn = try kwh / Ratio(100) / efficiency * grid
            return try milligramsPerKg * (burnt - drawn)
        case .nevCharge(let litres, let kgPerLitre, let kwh, let grid):
            return try milligramsPerKg * (litres / kwh * kgPerLitre - grid)
        case .applianceGrade(let load, let baseline, let product, let grid, let years):
            let saved = try Ratio(1) / baseline - Ratio(1) / product
            return try milligramsPerKg * load * saved * grid * years
        }
    }

    /// The numbers that the formula is made of, by the names they have in `methods.json`, sorted.
    package var parameters: [(name: String, value: Ratio)] {
        switch self {
        case .linear(let milligramsPerUnit):
            [("milligrams_per_unit", milligramsPerUnit)]
        case .nevKilometre(let litres, let kgPerLitre, let kwh, let efficiency, let grid):
            [
                ("charging_efficiency", efficiency), ("fuel_kg_co2_per_litre", kgPerLitre),
                ("fuel_litres_per_100km", litres), ("grid_kg_co2_per_kwh", grid),
                ("kwh_per_100km", kwh),
            ]
        case .nevCharge(let litres, let kgPerLitre, let kwh, let grid):
            [
                ("fuel_kg_co2_per_litre", kgPerLitre), ("fuel_litres_per_100km", litres),
                ("grid_kg_co2_per_kwh", grid), ("kwh_per_100km", kwh),
            ]
        case .applianceGrade(let load, let baseline, let product, let grid, let years):
            [
                ("apf_baseline", baseline), ("apf_product", product), ("credit_years", years),
                ("grid_kg_co2_per_kwh", grid), ("load_kwh_per_year", load),
            ]
        }
    }
}
