import Messages
import Model

/// How amounts are written for people; `--json` has the exact integers.
enum Wording {
    /// `1,234,567`.
    static func count(_ value: some BinaryInteger) -> String {
        var text = ""
        for (place, digit) in String(value.magnitude).reversed().enumerated() {
            if place > 0, place % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return (value < 0 ? "-" : "") + String(text.reversed())
    }

    /// Milligrams as grams, exact: `83.97 g`, `1,234 g`.
    static func grams(_ milligrams: Milligrams) -> String {
        let magnitude = milligrams.rawValue.magnitude
        var text = count(magnitude / 1_000)
        let rest = magnitude % 1_000
        if rest > 0 {
            let digits = String(rest)
            var fraction = String(repeating: "0", count: 3 - digits.utf8.count) + digits
            while fraction.hasSuffix("0") { fraction.removeLast() }
            text += "." + fraction
        }
        return (milligrams.rawValue < 0 ? "-" : "") + text + " g"
    }

    static func points(_ points: Points) -> String { count(points.rawValue) }

    /// `地铁 Metro`.
    static func name(_ chinese: String, _ english: String) -> String {
        chinese.isEmpty ? english : "\(chinese) \(english)"
    }

    /// `1 partner`, `2 partners`.
    static func plural(_ value: some BinaryInteger, _ noun: String) -> String {
        "\(count(value)) \(noun)\(value == 1 ? "" : "s")"
    }
}
