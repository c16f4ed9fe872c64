import Model

/// An exact rational number in lowest terms.
///
/// Factors are computed with it when a registry is loaded, and never afterwards: every operation is
/// checked, so a formula either has its exact value or is refused.
package struct Ratio: Hashable, Sendable {
    package let numerator: Int128
    /// Always positive.
    package let denominator: Int128

    package static let zero = Ratio(0)

    package enum Limits {
        /// Digits before the point, and after it, of a decimal.
        package static let wholeDigitsMax = 15
        package static let fractionDigitsMax = 12
    }

    package init(_ value: Int64) {
        numerator = Int128(value)
        denominator = 1
    }

    package init(_ numerator: Int128, over denominator: Int128) throws(RatioError) {
        guard denominator != 0 else { throw .dividedByZero }
        guard numerator != .min, denominator != .min else { throw .overflow }
        let divisor = greatestCommonDivisor(numerator.magnitude, denominator.magnitude)
        let sign: Int128 = denominator < 0 ? -1 : 1
        self.numerator = numerator / Int128(divisor) * sign
        self.denominator = denominator / Int128(divisor) * sign
    }

    /// Reads `-?(0|[1-9][0-9]*)(\.[0-9]+)?` within `Limits`, in ASCII and nothing else.
    package init?(decimal text: String) {
        var digits = Substring(text)
        let isNegative = digits.first == "-"
        if isNegative { digits = digits.dropFirst() }
        let parts = digits.split(separator: ".", omittingEmptySubsequences: false)
        guard let whole = parts.first, parts.count <= 2,
            (1...Limits.wholeDigitsMax).contains(whole.utf8.count),
            whole == "0" || whole.utf8.first != UInt8(ascii: "0")
        else { return nil }
        let fraction = parts.count == 2 ? parts[1] : ""
        guard parts.count == 1 || (1...Limits.fractionDigitsMax).contains(fraction.utf8.count)
        else { return nil }
        var value: Int128 = 0
        var scale: Int128 = 1
        for byte in whole.utf8 + Array(fraction.utf8) {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            value = value * 10 + Int128(byte - UInt8(ascii: "0"))
        }
        for _ in fraction.utf8 { scale *= 10 }
        let divisor = Int128(greatestCommonDivisor(value.magnitude, scale.magnitude))
        numerator = (isNegative ? -value : value) / divisor
        denominator = scale / divisor
    }

    package static func + (left: Ratio, right: Ratio) throws(RatioError) -> Ratio {
        let leftPart = try product(left.numerator, right.denominator)
        let rightPart = try product(right.numerator, left.denominator)
        let (sum, overflow) = leftPart.addingReportingOverflow(rightPart)
        guard !overflow else { throw .overflow }
        return try Ratio(sum, over: try product(left.denominator, right.denominator))
    }

    package static func - (left: Ratio, right: Ratio) throws(RatioError) -> Ratio {
        try left + (try Ratio(-1) * right)
    }

    package static func * (left: Ratio, right: Ratio) throws(RatioError) -> Ratio {
        try Ratio(
            try product(left.numerator, right.numerator),
            over: try product(left.denominator, right.denominator))
    }

    package static func / (left: Ratio, right: Ratio) throws(RatioError) -> Ratio {
        try Ratio(
            try product(left.numerator, right.denominator),
            over: try product(left.denominator, right.numerator))
    }

    private static func product(_ left: Int128, _ right: Int128) throws(RatioError) -> Int128 {
        let (product, overflow) = left.multipliedReportingOverflow(by: right)
        guard !overflow else { throw .overflow }
        return product
    }
}

package enum RatioError: Error, Equatable {
    case dividedByZero
    case overflow
}

extension RatioError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .dividedByZero: "divides by zero"
        case .overflow: "needs more than 128 bits"
        }
    }
}

extension Ratio: Comparable {
    package static func < (left: Ratio, right: Ratio) -> Bool {
        let a = left.numerator.multipliedFullWidth(by: right.denominator)
        let b = right.numerator.multipliedFullWidth(by: left.denominator)
        return (a.high, a.low) < (b.high, b.low)
    }
}

extension Ratio: CustomStringConvertible {
    /// `48700`, or a fraction in lowest terms: `1353200/3`.
    package var description: String {
        denominator == 1 ? String(numerator) : "\(numerator)/\(denominator)"
    }
}

private func greatestCommonDivisor(_ left: UInt128, _ right: UInt128) -> UInt128 {
    var (left, right) = (left, right)
    while right != 0 { (left, right) = (right, left % right) }
    return max(left, 1)
}
