/// Reduction of greenhouse gases: milligrams of CO2 equivalent avoided.
///
/// An integer, because a ledger that rounds is not a ledger. The city's grams are made of it when
/// they are shown, never before.
package struct Milligrams: RawRepresentable, Hashable, Comparable, Sendable, Codable {
    package var rawValue: Int64

    package init(rawValue: Int64) { self.rawValue = rawValue }
    package init(_ value: Int64) { rawValue = value }

    package static let zero = Milligrams(0)

    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    package static func + (left: Self, right: Self) -> Self { Self(left.rawValue + right.rawValue) }
    package static func - (left: Self, right: Self) -> Self { Self(left.rawValue - right.rawValue) }
    package static func += (left: inout Self, right: Self) { left.rawValue += right.rawValue }

    /// Whole grams, rounded half up: for people only.
    package var displayGrams: Int64 { (rawValue + 500).floorDivided(by: 1_000) }
}

/// Green points (绿色积分): the reward currency, whole by nature.
package struct Points: RawRepresentable, Hashable, Comparable, Sendable, Codable {
    package var rawValue: Int64

    package init(rawValue: Int64) { self.rawValue = rawValue }
    package init(_ value: Int64) { rawValue = value }

    package static let zero = Points(0)

    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    package static func + (left: Self, right: Self) -> Self { Self(left.rawValue + right.rawValue) }
    package static func - (left: Self, right: Self) -> Self { Self(left.rawValue - right.rawValue) }
    package static func += (left: inout Self, right: Self) { left.rawValue += right.rawValue }
    package static func -= (left: inout Self, right: Self) { left.rawValue -= right.rawValue }
}

extension FixedWidthInteger {
    /// The quotient rounded towards negative infinity, where `/` rounds towards zero.
    package func floorDivided(by divisor: Self) -> Self {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder != 0 && (remainder < 0) != (divisor < 0) ? quotient - 1 : quotient
    }
}
