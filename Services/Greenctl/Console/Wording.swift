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

    /// Milligrams as grams, or from ten kilograms on as kilograms, exact: `83.97 g`, `12.5 kg`.
    static func grams(_ milligrams: Milligrams) -> String {
        let magnitude = milligrams.rawValue.magnitude
        let (unit, places) = magnitude < 10_000_000 ? ("g", 3) : ("kg", 6)
        let scale: UInt64 = places == 3 ? 1_000 : 1_000_000
        var text = count(magnitude / scale)
        let rest = magnitude % scale
        if rest > 0 {
            let digits = String(rest)
            var fraction = String(repeating: "0", count: places - digits.utf8.count) + digits
            while fraction.hasSuffix("0") { fraction.removeLast() }
            text += "." + fraction
        }
        return (milligrams.rawValue < 0 ? "-" : "") + text + " " + unit
    }

    /// Seconds and tenths: `12.3 s`.
    static func seconds(_ milliseconds: Int64) -> String {
        "\(milliseconds / 1_000).\(milliseconds % 1_000 / 100) s"
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
