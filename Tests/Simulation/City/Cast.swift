import Model

/// Who lives and reports in a simulated city.
struct Cast {
    struct Company {
        var id: String
        var sources: [String]
        var trades: [Trade]

        var behaviours: [String] {
            trades.reduce(into: []) { if !$0.contains($1.behaviour) { $0.append($1.behaviour) } }
        }
    }

    /// What a company can report, within what the registry allows.
    struct Trade {
        var behaviour: String
        var unit: String
        /// In thousandths of the unit.
        var thousandths: ClosedRange<Int64>
        var evidence: String
    }

    static let companies = [
        Company(
            id: "wheels", sources: ["urn:wheels", "urn:wheels:second"],
            trades: [
                Trade(
                    behaviour: "cycling", unit: "km", thousandths: 100...24_000,
                    evidence: "operator_order"),
                Trade(
                    behaviour: "nev_driving", unit: "km", thousandths: 1_000...150_000,
                    evidence: "telematics"),
                Trade(
                    behaviour: "ebike", unit: "km", thousandths: 500...9_000,
                    evidence: "operator_order"),
            ]),
        Company(
            id: "rail", sources: ["urn:rail"],
            trades: [
                Trade(
                    behaviour: "metro", unit: "km", thousandths: 900...90_000,
                    evidence: "ride_code"),
                Trade(
                    behaviour: "bus", unit: "trip", thousandths: 1_000...1_000,
                    evidence: "ride_code"),
                Trade(
                    behaviour: "walking", unit: "step", thousandths: 1_000...9_000_000,
                    evidence: "steps"),
            ]),
        Company(
            id: "home", sources: ["urn:home"],
            trades: [
                Trade(
                    behaviour: "clothes_recycling", unit: "kg", thousandths: 500...12_345,
                    evidence: "weighing"),
                Trade(
                    behaviour: "green_appliance", unit: "unit", thousandths: 1_000...1_000,
                    evidence: "receipt"),
                Trade(
                    behaviour: "clean_plate", unit: "meal", thousandths: 1_000...1_000,
                    evidence: "photo"),
                Trade(
                    behaviour: "takeaway_box_recycling", unit: "kg", thousandths: 100...1_900,
                    evidence: "weighing"),
            ]),
    ]

    static func key(of resident: Int) -> String { "r\(resident)" }
    static func subject(of resident: Int) -> String { "s\(resident)" }

    /// Three rewards that a few rides can pay for, one of them scarce, and a gift.
    static func catalogue(_ version: Int) -> String {
        """
        {"schema":"greenseason.catalogue.v1","version":"v\(version)","items":[
         {"code":"bag","name_zh":"环保袋","name_en":"A bag","kind":"voucher",
          "points":300,"stock":\(4 + version),"valid_days":30},
         {"code":"coffee","name_zh":"咖啡","name_en":"A coffee","kind":"voucher",
          "points":70,"stock":null,"valid_days":900},
         {"code":"tree","name_zh":"一棵树","name_en":"A tree","kind":"donation",
          "points":150,"stock":null,"valid_days":0}]}
        """
    }

    static let items = ["bag", "coffee", "coffee", "tree", "no_such_item"]
}
