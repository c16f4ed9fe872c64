/// RFC 3339 date-times, as partners and operators write them.
extension Instant {
    /// Reads `2026-08-10T08:12:31.25+08:00`.
    ///
    /// The offset is required, small `t` and `z` pass, fractions below a millisecond are cut off,
    /// and a leap second (`:60`) is refused: the ledger's days have 86,400 seconds.
    package init?(rfc3339 text: UnsafeRawBufferPointer) {
        guard text.count >= 20, text.count <= 40 else { return nil }
        func digits(_ range: Range<Int>) -> Int? {
            var value = 0
            for index in range {
                let digit = text[index] &- UInt8(ascii: "0")
                guard digit <= 9 else { return nil }
                value = value * 10 + Int(digit)
            }
            return value
        }
        guard let year = digits(0..<4), text[4] == UInt8(ascii: "-"),
            let month = digits(5..<7), text[7] == UInt8(ascii: "-"), let day = digits(8..<10),
            text[10] | 0x20 == UInt8(ascii: "t"),
            let hour = digits(11..<13), text[13] == UInt8(ascii: ":"),
            let minute = digits(14..<16), text[16] == UInt8(ascii: ":"),
            let second = digits(17..<19), hour < 24, minute < 60, second < 60,
            let date = LocalDay(year: year, month: month, day: day)
        else { return nil }
        var index = 19
        var milliseconds = 0
        if text[index] == UInt8(ascii: ".") {
            index += 1
            let first = index
            var weight = 100
            while index < text.count, case let digit = text[index] &- UInt8(ascii: "0"), digit <= 9
            {
                milliseconds += Int(digit) * weight
                weight /= 10
                index += 1
            }
            guard index > first else { return nil }
        }
        guard index < text.count else { return nil }
        var offsetSeconds = 0
        switch text[index] {
        case UInt8(ascii: "Z"), UInt8(ascii: "z"):
            index += 1
        case let sign where sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-"):
            guard text.count == index + 6, text[index + 3] == UInt8(ascii: ":"),
                let hours = digits(index + 1..<index + 3), hours < 24,
                let minutes = digits(index + 4..<index + 6), minutes < 60
            else { return nil }
            offsetSeconds = (hours * 3_600 + minutes * 60) * (sign == UInt8(ascii: "-") ? -1 : 1)
            index += 6
        default:
            return nil
        }
        guard index == text.count else { return nil }
        let seconds =
            Int64(date.rawValue) * 86_400 + Int64(hour * 3_600 + minute * 60 + second)
            - Int64(offsetSeconds)
        self.init(milliseconds: seconds * 1_000 + Int64(milliseconds))
    }

    package init?(rfc3339 text: String) {
        var text = text
        guard let instant = text.withUTF8({ Instant(rfc3339: UnsafeRawBufferPointer($0)) }) else {
            return nil
        }
        self = instant
    }

    /// The moment on the city's clock, to the millisecond: `2026-08-10T08:12:31.250+08:00`.
    package var rfc3339: String {
        let day = localDay
        let milliseconds = rawValue - day.start.rawValue
        func padded(_ value: Int64, _ width: Int) -> String {
            let digits = String(value)
            return String(repeating: "0", count: width - digits.utf8.count) + digits
        }
        let time = [3_600_000, 60_000, 1_000].map { padded(milliseconds / $0 % 60, 2) }
        let fraction = milliseconds % 1_000
        return "\(day)T\(time.joined(separator: ":"))"
            + (fraction == 0 ? "" : "." + padded(fraction, 3)) + "+08:00"
    }
}
