package import Model

/// What day it is in one partition, and how far its expired lots have been posted.
///
/// Time arrives as `DayEnded`; nobody here looks at a clock.
package struct CityCalendar: Equatable, Sendable {
    package let partition: Int
    /// The last local day that has ended; nil before the first `DayEnded`.
    package var lastEnded: LocalDay?
    /// The latest day on which anything was earned.
    package var latestEarned: LocalDay?
    /// The lot up to which expired ones have been posted.
    package var posted: LotPlace

    package enum Limits {
        /// Days for which a lot lasts after the day it was earned: the city's points rule v1.
        package static let lotDays: Int32 = 730
        /// Days since 1970 that an event may name; anything else is no date of this city's.
        package static let days: ClosedRange<Int32> = -100_000...1_000_000
        /// Lots that one step of posting expiry looks at.
        package static let lotsPerStepMax = 2_000
        /// Events of the partition between two steps: a city's day of events carries more steps
        /// than its day of lots needs, and none of them holds the writer for long.
        package static let eventsPerStep: UInt64 = 64
    }

    /// The calendar of a partition of which nothing is known yet.
    package init(partition: Int) {
        self.partition = partition
        posted = LotPlace(
            partition: partition, day: LocalDay(Limits.days.lowerBound), number: 0)
    }

    /// The day after the last one that ended.
    ///
    /// Before the first `DayEnded` the city's day is not known; the latest day on which anything
    /// was earned has at least been reached, and dates the first orders. nil if nothing was earned
    /// either, and then nobody has anything to spend.
    package var today: LocalDay? { lastEnded?.advanced(by: 1) ?? latestEarned }

    /// The earliest earned day whose lot can still be spent: its last day is today.
    ///
    /// Before the first `DayEnded` nothing is known to have expired.
    package var firstOpenDay: LocalDay {
        lastEnded?.advanced(by: 1 - Limits.lotDays) ?? LocalDay(.min)
    }

    /// Whether lots have expired that may not be posted yet.
    package var hasUnposted: Bool { lastEnded != nil && posted < firstOpenPlace }

    /// Where the lots begin that can still be spent; known once a day has ended.
    package var firstOpenPlace: LotPlace {
        LotPlace(partition: partition, day: firstOpenDay, number: 0)
    }

    /// The last local day on which a lot earned on `day` can be spent.
    package static func lastDay(ofLotEarnedOn day: LocalDay) -> LocalDay {
        day.advanced(by: Limits.lotDays)
    }
}
