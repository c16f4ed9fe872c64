/// A moment, in milliseconds since 1970-01-01T00:00:00Z.
package struct Instant: RawRepresentable, Hashable, Comparable, Sendable, Codable {
    package var rawValue: Int64

    package init(rawValue: Int64) { self.rawValue = rawValue }
    package init(milliseconds: Int64) { rawValue = milliseconds }

    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

    package func advanced(byMilliseconds milliseconds: Int64) -> Self {
        Self(rawValue: rawValue + milliseconds)
    }

    /// The city's local day that holds this moment.
    package var localDay: LocalDay {
        let seconds = rawValue.floorDivided(by: 1_000) + LocalDay.utcOffsetSeconds
        return LocalDay(Int32(truncatingIfNeeded: seconds.floorDivided(by: 86_400)))
    }
}

/// A calendar day in Asia/Shanghai, as days since 1970-01-01.
///
/// The zone has had no daylight saving since 1991, so a constant offset is exact for every event
/// the platform can meet.
package struct LocalDay: RawRepresentable, Hashable, Comparable, Sendable, Codable {
    package var rawValue: Int32

    package init(rawValue: Int32) { self.rawValue = rawValue }
    package init(_ daysSince1970: Int32) { rawValue = daysSince1970 }

    package static let utcOffsetSeconds: Int64 = 28_800

    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

    package func advanced(by days: Int32) -> Self { Self(rawValue + days) }

    /// Local midnight, at which this day begins.
    package var start: Instant {
        Instant(milliseconds: (Int64(rawValue) * 86_400 - Self.utcOffsetSeconds) * 1_000)
    }

    /// Year, month and day of month in the proleptic Gregorian calendar.
    ///
    /// The algorithm is Howard Hinnant's `civil_from_days`
    /// (https://howardhinnant.github.io/date_algorithms.html).
    package var civil: (year: Int, month: Int, day: Int) {
        let z = Int(rawValue) + 719_468
        let era = z.floorDivided(by: 146_097)
        let dayOfEra = z - era * 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }

    /// The day of a civil date, or nil if there is no such date.
    package init?(year: Int, month: Int, day: Int) {
        guard (1...9_999).contains(year), (1...12).contains(month), (1...31).contains(day) else {
            return nil
        }
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted.floorDivided(by: 400)
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        self.init(Int32(era * 146_097 + dayOfEra - 719_468))
        guard civil == (year, month, day) else { return nil }
    }
}

extension LocalDay: CustomStringConvertible {
    /// ISO 8601: `2026-08-10`.
    package var description: String {
        let (year, month, day) = civil
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
    }

    /// Reads `2026-08-10`.
    package init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.map(\.utf8.count) == [4, 2, 2], text.utf8.allSatisfy({ $0 != 0x2B }),
            let year = Int(parts[0]), let month = Int(parts[1]), let day = Int(parts[2])
        else { return nil }
        self.init(year: year, month: month, day: day)
    }
}

/// The stretch of days over which a cap counts.
package enum Period: Hashable, Sendable {
    case day(LocalDay)
    case month(year: Int, month: Int)
    case year(Int)
}

extension Period: CustomStringConvertible {
    /// `2026-08-10`, `2026-08` or `2026`.
    package var description: String {
        switch self {
        case .day(let day): day.description
        case .month(let year, let month): "\(padded(year, 4))-\(padded(month, 2))"
        case .year(let year): padded(year, 4)
        }
    }
}

private func padded(_ value: Int, _ width: Int) -> String {
    let digits = String(value)
    return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
}
