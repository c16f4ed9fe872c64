/// One quantity, as it came out in each round.
struct Figure: Codable {
    /// `chain`, or `chain.cpu.scoring`: what, and of whom.
    var name: String
    var unit: String
    var rounds: [Double]
    /// A latency in the median times that this disk takes to make 4 KiB durable.
    var fsyncs: Double?
    /// This figure divided by the floor's, of medians; nil where the floor has none.
    var ratioToFloor: Double?

    var median: Double { rounds.median }
}

extension [Double] {
    /// The middle one, or the mean of the two in the middle; of none, zero.
    var median: Double {
        if isEmpty { return 0 }
        let sorted = sorted()
        return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2
    }
}

enum Wording {
    /// `66,857`, `6.60`, `0.412`: three digits at least, and no more than mean something.
    static func number(_ value: Double) -> String {
        switch abs(value) {
        case 100...: grouped(Int(value.rounded()))
        case 10...: decimal(value, places: 1)
        case 1...: decimal(value, places: 2)
        default: decimal(value, places: 3)
        }
    }

    static func grouped(_ value: Int) -> String {
        var text = ""
        for (place, digit) in String(abs(value)).reversed().enumerated() {
            if place > 0, place.isMultiple(of: 3) { text.append(",") }
            text.append(digit)
        }
        return (value < 0 ? "-" : "") + String(text.reversed())
    }

    private static func decimal(_ value: Double, places: Int) -> String {
        let scale = (0..<places).reduce(1) { scale, _ in scale * 10 }
        let scaled = Int((abs(value) * Double(scale)).rounded())
        let fraction = String(scaled % scale)
        let zeros = String(repeating: "0", count: places - fraction.count)
        return (value < 0 ? "-" : "") + "\(scaled / scale).\(zeros)\(fraction)"
    }
}
