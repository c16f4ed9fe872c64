package import Model

/// What one unit is worth, in a form that multiplies a quantity in a few instructions.
///
/// A non-negative ratio over millionths of a unit, in lowest terms and in 64 bits: its product with
/// any quantity fits 128 bits, and usually 64.
package struct Rate: Hashable, Sendable {
    private let numerator: Int64
    private let denominator: Int64

    /// The rate of `perUnit` for each whole unit, or nil if it is negative or too fine for 64 bits.
    package init?(_ perUnit: Ratio) {
        guard perUnit >= .zero,
            let exact = try? perUnit / Ratio(Quantity.millionthsPerUnit),
            let numerator = Int64(exactly: exact.numerator),
            let denominator = Int64(exactly: exact.denominator)
        else { return nil }
        self.numerator = numerator
        self.denominator = denominator
    }

    package var isZero: Bool { numerator == 0 }

    /// ⌊quantity · rate⌋, or nil if that does not fit 64 bits.
    ///
    /// The only rounding of a reduction; `quantity` must not be negative.
    package func floor(of quantity: Quantity) -> Int64? {
        let (product, overflow) = quantity.rawValue.multipliedReportingOverflow(by: numerator)
        guard overflow else { return product / denominator }
        return Int64(
            exactly: Int128(quantity.rawValue) * Int128(numerator) / Int128(denominator))
    }
}
