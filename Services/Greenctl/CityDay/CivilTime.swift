import Model

/// Instants, milliseconds since 1970 in UTC, as partners write them.
enum CivilTime {
    static let second: Int64 = 1_000
    static let minute: Int64 = 60 * second
    static let hour: Int64 = 60 * minute
    static let day: Int64 = 24 * hour
    /// Asia/Shanghai is eight hours ahead of UTC all year.
    static let cityOffset: Int64 = 8 * hour

    /// How a partner words its times.
    enum Style {
        /// City time to the second, `2026-08-10T08:12:31+08:00`.
        case city
        /// UTC to the millisecond, `2026-08-10T00:12:31.250Z`.
        case utc
    }

    /// The instant at which a city day begins; `date` counts days since 1970-01-01.
    static func midnight(_ date: Int32) -> Int64 { Int64(date) * day - cityOffset }

    /// RFC 3339 text of an instant.
    static func text(_ instant: Int64, _ style: Style) -> String {
        let shifted = style == .city ? instant + cityOffset : instant
        let days = shifted.dividingFloor(by: day)
        let rest = Int(shifted - days * day)
        var text = date(days)
        text.append("T")
        text.append(digits(rest / 3_600_000, width: 2))
        text.append(":")
        text.append(digits(rest / 60_000 % 60, width: 2))
        text.append(":")
        text.append(digits(rest / 1_000 % 60, width: 2))
        switch style {
        case .city:
            text.append("+08:00")
        case .utc:
            text.append(".")
            text.append(digits(rest % 1_000, width: 3))
            text.append("Z")
        }
        return text
    }

    /// The date of a day counted from 1970-01-01, with `separator` between its parts.
    static func date(_ days: Int64, separator: String = "-") -> String {
        let (year, month, day) = LocalDay(Int32(days)).civil
        return digits(year, width: 4) + separator + digits(month, width: 2)
            + separator + digits(day, width: 2)
    }

    /// `value` in at least `width` decimal digits.
    static func digits(_ value: Int, width: Int) -> String {
        precondition(value >= 0, "only counts are written so")
        let plain = String(value)
        let missing = width - plain.utf8.count
        return missing > 0 ? String(repeating: "0", count: missing) + plain : plain
    }
}

extension Int64 {
    /// The quotient rounded down, also for negative numbers.
    fileprivate func dividingFloor(by divisor: Int64) -> Int64 {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }
}
