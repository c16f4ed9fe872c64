import Foundation
import Model
import Testing

struct LocalDayTests {
    @Test(
        arguments: [
            (1970, 1, 1, 0), (1969, 12, 31, -1), (2000, 2, 29, 11_016), (2000, 3, 1, 11_017),
            (1900, 3, 1, -25_508), (2024, 2, 29, 19_782), (2026, 8, 10, 20_675),
            (9999, 12, 31, 2_932_896), (1, 1, 1, -719_162),
        ] as [(Int, Int, Int, Int32)])
    func `a date has its number`(year: Int, month: Int, day: Int, number: Int32) throws {
        let local = try #require(LocalDay(year: year, month: month, day: day))
        #expect(local.rawValue == number)
        #expect(local.civil == (year, month, day))
    }

    @Test(arguments: [
        (2023, 2, 29), (1900, 2, 29), (2100, 2, 29), (2024, 2, 30), (2024, 4, 31), (2024, 0, 1),
        (2024, 13, 1), (2024, 1, 0), (2024, 1, 32), (0, 1, 1), (10_000, 1, 1), (-1, 1, 1),
    ])
    func `a date that is none has no day`(year: Int, month: Int, day: Int) {
        #expect(LocalDay(year: year, month: month, day: day) == nil)
    }

    @Test func `every day of four centuries follows the one before`() throws {
        var day = try #require(LocalDay(year: 1900, month: 1, day: 1))
        var (year, month, number) = (1900, 1, 1)
        while year < 2300 {
            #expect(day.civil == (year, month, number))
            #expect(LocalDay(year: year, month: month, day: number) == day)
            let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
            let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
            number += 1
            if number > days[month - 1] { (month, number) = (month + 1, 1) }
            if month > 12 { (year, month) = (year + 1, 1) }
            day = day.advanced(by: 1)
        }
    }

    @Test func `days agree with Foundation's calendar`() throws {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = try #require(TimeZone(secondsFromGMT: 28_800))
        // Every 997th day from 1970 on, which meets all months and weekdays.
        for number in stride(from: Int32(0), to: 2_932_896, by: 997) {
            let day = LocalDay(number)
            let date = Date(timeIntervalSince1970: Double(day.start.rawValue) / 1_000)
            let parts = calendar.dateComponents([.year, .month, .day, .hour, .minute], from: date)
            #expect(day.civil == (parts.year, parts.month, parts.day))
            #expect(parts.hour == 0 && parts.minute == 0)
        }
    }

    @Test(arguments: ["1970-01-01", "2026-08-10", "0001-01-01", "9999-12-31", "2024-02-29"])
    func `a day is written as it is read`(text: String) throws {
        #expect(try #require(LocalDay(text)).description == text)
    }

    @Test(arguments: [
        "", "2026", "2026-8-10", "2026-08-1", "26-08-10", "2026-02-30", "2026/08/10", "2026-08-10 ",
        "+026-08-10", "2026-+8-10", "2026-08-+1", "-026-08-10", "2026-08-10-01", "2026--08-10",
        "２026-08-10", "2026-08-1٣",
    ])
    func `a text that is no day is refused`(text: String) {
        #expect(LocalDay(text) == nil)
    }
}

struct InstantTests {
    @Test func `the local day begins at four in the afternoon in Greenwich`() throws {
        let midnight = try #require(Instant(rfc3339: "2026-08-09T16:00:00Z"))
        let day = try #require(LocalDay("2026-08-10"))
        #expect(day.start == midnight)
        #expect(midnight.localDay == day)
        #expect(midnight.advanced(byMilliseconds: -1).localDay == day.advanced(by: -1))
        #expect(midnight.advanced(byMilliseconds: 86_399_999).localDay == day)
        #expect(midnight.advanced(byMilliseconds: 86_400_000).localDay == day.advanced(by: 1))
    }

    @Test func `the first days of time are days too`() {
        #expect(Instant(milliseconds: 0).localDay == LocalDay(0))
        #expect(Instant(milliseconds: -28_800_000).localDay == LocalDay(0))
        #expect(Instant(milliseconds: -28_800_001).localDay == LocalDay(-1))
    }

    @Test(
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("1970-01-01T08:00:00+08:00", 0),
            ("2026-08-10T08:12:31+08:00", 1_786_320_751_000),
            ("2026-08-10t00:12:31z", 1_786_320_751_000),
            ("2026-08-10T08:12:31.25+08:00", 1_786_320_751_250),
            ("2026-08-10T08:12:31.2509999+08:00", 1_786_320_751_250),
            ("2026-08-10T08:12:31.000999+08:00", 1_786_320_751_000),
            ("2026-08-09T19:12:31-05:00", 1_786_320_751_000),
            ("2026-08-10T05:57:31+05:45", 1_786_320_751_000),
            ("2024-02-29T23:59:59.999Z", 1_709_251_199_999),
            ("9999-12-31T23:59:59Z", 253_402_300_799_000), ("1969-12-31T23:59:59.5Z", -500),
            ("2026-08-10T00:00:00-00:00", 1_786_320_000_000),
        ] as [(String, Int64)])
    func `a date-time is read`(text: String, milliseconds: Int64) {
        #expect(Instant(rfc3339: text)?.rawValue == milliseconds)
    }

    @Test(arguments: [
        "", "2026-08-10", "2026-08-10T08:12:31", "2026-08-10 08:12:31Z", "2026-08-10T08:12Z",
        "2026-08-10T24:00:00Z", "2026-08-10T08:60:00Z", "2026-08-10T08:12:60Z",
        "2026-12-31T23:59:60Z", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z",
        "2026-08-10T08:12:31.Z", "2026-08-10T08:12:31.", "2026-08-10T08:12:31,5Z",
        "2026-08-10T08:12:31+8:00", "2026-08-10T08:12:31+0800", "2026-08-10T08:12:31+08",
        "2026-08-10T08:12:31+24:00", "2026-08-10T08:12:31+08:60", "2026-08-10T08:12:31ZZ",
        "2026-08-10T08:12:31Z ", " 2026-08-10T08:12:31Z", "2026-08-10T8:12:31Z",
        "+2026-08-10T08:12:31Z", "12026-08-10T08:12:31Z", "0000-01-01T00:00:00Z",
        "2026-08-10T08:12:31.1234567890123456789012345Z", "２026-08-10T08:12:31Z",
        "2026-08-10T08:12:31\u{2212}08:00",
    ])
    func `a text that is no date-time is refused`(text: String) {
        #expect(Instant(rfc3339: text) == nil)
    }

    @Test func `every text cut short is refused, and none traps`() {
        let whole = "2026-08-10T08:12:31.250+08:00"
        for length in 0..<whole.count {
            #expect(Instant(rfc3339: String(whole.prefix(length))) == nil)
        }
        for index in whole.utf8.indices {
            for byte in UInt8.min ... .max {
                var bytes = Array(whole.utf8)
                bytes[whole.utf8.distance(from: whole.utf8.startIndex, to: index)] = byte
                bytes.withUnsafeBytes { _ = Instant(rfc3339: $0) }
            }
        }
    }

    @Test(
        arguments: [
            (0, "1970-01-01T08:00:00+08:00"), (1_786_320_751_250, "2026-08-10T08:12:31.250+08:00"),
            (-1, "1970-01-01T07:59:59.999+08:00"),
            (1_709_251_200_005, "2024-03-01T08:00:00.005+08:00"),
        ] as [(Int64, String)])
    func `a moment is written on the city's clock`(milliseconds: Int64, text: String) {
        #expect(Instant(milliseconds: milliseconds).rfc3339 == text)
        #expect(Instant(rfc3339: text)?.rawValue == milliseconds)
    }

    @Test func `what is written reads back`() {
        for milliseconds in stride(from: Int64(0), to: 253_402_000_000_000, by: 86_413_571_113) {
            let instant = Instant(milliseconds: milliseconds)
            #expect(Instant(rfc3339: instant.rfc3339) == instant)
        }
    }
}

struct PeriodTests {
    @Test func `periods are written as ISO 8601 has them`() throws {
        #expect(Period.day(try #require(LocalDay("2026-08-10"))).description == "2026-08-10")
        #expect(Period.month(year: 2026, month: 8).description == "2026-08")
        #expect(Period.year(2026).description == "2026")
        #expect(Period.month(year: 800, month: 12).description == "0800-12")
    }

    @Test func `a day, its month and its year are three periods`() throws {
        let periods: Set<Period> = [
            .day(LocalDay(0)), .month(year: 1970, month: 1), .year(1970), .year(1970),
        ]
        #expect(periods.count == 3)
    }
}
