import Model
import Testing

/// `(0|[1-9][0-9]{0,11})(\.[0-9]{1,6})?`, as GSP/1 has it.
struct QuantityTests {
    @Test(
        arguments: [
            ("0", 0), ("1", 1_000_000), ("0.000001", 1), ("0.0", 0), ("0.000000", 0),
            ("3.42", 3_420_000), ("10", 10_000_000), ("10.5", 10_500_000),
            ("999999999999", 999_999_999_999_000_000),
            ("999999999999.999999", 999_999_999_999_999_999),
            ("100000000000", 100_000_000_000_000_000),
        ] as [(String, Int64)])
    func `a decimal is read exactly`(text: String, millionths: Int64) {
        #expect(Quantity(decimal: text)?.rawValue == millionths)
    }

    @Test(arguments: [
        "", ".", "0.", ".5", "00", "01", "00.1", "-1", "+1", "-0", " 1", "1 ", "1e3", "1E3", "1,5",
        "0x1", "1.0000000", "1000000000000", "1.2.3", "1..2", "NaN", "inf", "１", "1\u{0}", "\u{0}",
        "1.5\n", "٣", "1_000", "1.٣",
    ])
    func `anything else is refused`(text: String) {
        #expect(Quantity(decimal: text) == nil)
    }

    @Test func `every short text is judged as the expression judges it`() throws {
        let expression = try Regex("(0|[1-9][0-9]{0,11})(\\.[0-9]{1,6})?")
        let letters = Array("019.-e")
        var texts = [""]
        for _ in 0..<5 {
            for text in texts {
                #expect(
                    (Quantity(decimal: text) != nil)
                        == (try expression.wholeMatch(in: text) != nil), "\(text)")
            }
            texts = texts.flatMap { text in letters.map { text + String($0) } }
        }
    }

    @Test func `twelve digits before the point and six after it, and no more`() {
        for whole in 1...14 {
            for fraction in 0...8 {
                let text =
                    String(repeating: "9", count: whole)
                    + (fraction > 0 ? "." + String(repeating: "9", count: fraction) : "")
                #expect((Quantity(decimal: text) != nil) == (whole <= 12 && fraction <= 6))
            }
        }
    }

    @Test func `what is written reads back, and is the shortest`() throws {
        var values: [Int64] = [0, 1, 10, 999_999, 1_000_000, 1_000_001, 999_999_999_999_999_999]
        var value: Int64 = 1
        while value < 900_000_000_000_000_000 {
            values += [value, value - 1, value + 1]
            value = value * 7 + 3
        }
        for value in values {
            let text = Quantity(rawValue: value).description
            #expect(try #require(Quantity(decimal: text)).rawValue == value)
            #expect(!text.contains(".") || !text.hasSuffix("0"))
        }
    }

    @Test func `differences may be negative, and are written so`() {
        #expect(Quantity(rawValue: -1).description == "-0.000001")
        #expect(Quantity(rawValue: -2_500_000).description == "-2.5")
        #expect(Quantity(rawValue: .min).description == "-9223372036854.775808")
    }

    @Test func `quantities are ordered by size`() {
        #expect(Quantity(rawValue: 1) < Quantity(rawValue: 2))
    }
}
