package import Model

/// Where a lot stands in the store: one integer of partition, earned day and account number.
///
/// From the highest bit down: 0, 8 bits of partition, 21 bits of the earned day plus 2²⁰, 34 bits
/// of the number. A partition's lots therefore lie in the order in which they expire, those that a
/// city earns on one day lie together, and a row's key costs eight bytes instead of fifteen.
package struct LotPlace: RawRepresentable, Hashable, Comparable, Sendable {
    package var rawValue: Int64

    package enum Limits {
        package static let partitionsMax = 1 << 8
        package static let accountsMax: Int64 = 1 << 34
    }

    private static let numberBits: Int64 = 34
    private static let dayBits: Int64 = 21
    private static let dayOffset: Int64 = 1 << 20

    package init(rawValue: Int64) { self.rawValue = rawValue }

    /// - Parameters:
    ///   - day: One that `CityCalendar.Limits.days` contains.
    ///   - number: Of an account; 0 stands before every lot of the day.
    package init(partition: Int, day: LocalDay, number: Int64) {
        rawValue =
            (Int64(partition) << Self.dayBits | (Int64(day.rawValue) + Self.dayOffset))
            << Self.numberBits | number
    }

    package var day: LocalDay {
        let biased = rawValue >> Self.numberBits & (1 << Self.dayBits - 1)
        return LocalDay(Int32(biased - Self.dayOffset))
    }

    package var number: Int64 { rawValue & (1 << Self.numberBits - 1) }

    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}
