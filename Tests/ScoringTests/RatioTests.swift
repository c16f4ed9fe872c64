import Model
import Scoring
import Testing

@Suite struct RatioTests {
    @Test(arguments: [
        ("0", "0"), ("46000", "46000"), ("0.5", "1/2"), ("7.04", "176/25"), ("-0.25", "-1/4"),
        ("15.000", "15"), ("0.000000000001", "1/1000000000000"),
    ])
    func `a decimal is read exactly`(text: String, expected: String) throws {
        #expect(try #require(Ratio(decimal: text)).description == expected)
    }

    @Test(arguments: [
        "", ".", "1.", ".5", "+1", "--1", "01", "1e3", "1,5", " 1", "1 ", "1.2.3", "٣", "0x10",
        "1234567890123456", "0.1234567890123",
    ])
    func `anything but a plain decimal is refused`(text: String) {
        #expect(Ratio(decimal: text) == nil)
    }

    @Test func `arithmetic on small fractions agrees with cross-multiplication`() throws {
        let numbers = try (-4...4).flatMap { top in
            try (1...5).map { try Ratio(Int128(top), over: Int128($0)) }
        }
        for a in numbers {
            for b in numbers {
                let (p, q, r, s) = (a.numerator, a.denominator, b.numerator, b.denominator)
                #expect(try a + b == Ratio(p * s + r * q, over: q * s))
                #expect(try a - b == Ratio(p * s - r * q, over: q * s))
                #expect(try a * b == Ratio(p * r, over: q * s))
                #expect((a < b) == (p * s < r * q))
                if b == .zero {
                    #expect(throws: RatioError.dividedByZero) { try a / b }
                } else {
                    #expect(try a / b == Ratio(p * s, over: q * r))
                }
            }
        }
    }

    @Test func `a number beyond 128 bits is refused and not wrapped`() throws {
        let large = try Ratio(Int128.max, over: 1)
        #expect(throws: RatioError.overflow) { try large * Ratio(2) }
        #expect(throws: RatioError.overflow) { try large + Ratio(1) }
        #expect(try Ratio(1, over: Int128.max) < (try Ratio(2, over: Int128.max)))
    }

    @Test func `a rate rounds down once, in 64 bits and beyond`() throws {
        let third = try #require(Rate(try Ratio(1, over: 3)))
        #expect(third.floor(of: Quantity(rawValue: 2_999_999)) == 0)
        #expect(third.floor(of: Quantity(rawValue: 3_000_000)) == 1)
        let heavy = try #require(Rate(Ratio(93_905_000)))
        let most = Quantity(rawValue: 98_000_000_000_000_000)
        let expected: Int64 = 9_202_690_000_000_000_000
        #expect(heavy.floor(of: most) == expected)
        let heavier = try #require(Rate(Ratio(1_000_000_000_000)))
        #expect(heavier.floor(of: Quantity(rawValue: .max)) == nil)
    }

    @Test func `a rate is neither negative nor finer than 64 bits`() throws {
        #expect(Rate(Ratio(-1)) == nil)
        #expect(Rate(try Ratio(1, over: Int128(Int64.max))) == nil)
        #expect(try #require(Rate(.zero)).isZero)
    }
}
