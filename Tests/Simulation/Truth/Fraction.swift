/// An exact rational number: what factors are made of.
struct Fraction: Equatable {
    private(set) var numerator: Int128
    private(set) var denominator: Int128

    init(_ numerator: Int128, over denominator: Int128 = 1) {
        precondition(denominator > 0, "denominators are positive")
        var (a, b) = (numerator.magnitude, denominator.magnitude)
        while b != 0 { (a, b) = (b, a % b) }
        self.numerator = numerator / Int128(a)
        self.denominator = denominator / Int128(a)
    }

    /// Reads a decimal such as `7.04`.
    init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard let whole = parts.first.flatMap({ Int128($0) }), parts.count <= 2 else { return nil }
        var scale: Int128 = 1
        var rest: Int128 = 0
        if parts.count == 2 {
            guard let digits = Int128(parts[1]) else { return nil }
            for _ in parts[1] { scale *= 10 }
            rest = digits
        }
        self.init(whole * scale + rest, over: scale)
    }

    static func + (left: Self, right: Self) -> Self {
        Fraction(
            left.numerator * right.denominator + right.numerator * left.denominator,
            over: left.denominator * right.denominator)
    }

    static func - (left: Self, right: Self) -> Self { left + Fraction(-1) * right }

    static func * (left: Self, right: Self) -> Self {
        Fraction(
            left.numerator * right.numerator, over: left.denominator * right.denominator)
    }

    /// Of a divisor greater than zero.
    static func / (left: Self, right: Self) -> Self {
        left * Fraction(right.denominator, over: right.numerator)
    }

    /// The whole number at or below; never of a negative number here.
    var floor: Int64 { Int64(numerator / denominator) }
}
