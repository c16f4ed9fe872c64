package import Model

/// Ingestion's one clock: what it shows, and which days are over.
///
/// Everything downstream learns of time from the days ended here. So the clock never goes back, and
/// a system clock that leaps more than 48 hours ahead of the last known time is not believed until
/// an operator confirms it: one bad clock would otherwise expire a city's points. If the machine's
/// clock comes back by itself, so does this one.
package struct CityClock: Equatable, Sendable {
    package enum Kind: String, Sendable {
        /// Follows the machine's clock, as the edge and the ticks report it.
        case system
        /// Moves by command alone, so that recorded streams and sandboxes do not rot.
        case manual
    }

    package enum Limits {
        package static let leapHoursMax: Int64 = 48
        static let leapMilliseconds = leapHoursMax * 3_600_000
        /// A manual clock can be set up to the end of the year 9999: what RFC 3339 can write.
        package static let last = Instant(milliseconds: 253_402_271_999_999)
        /// What a clock can show, and what a command can mean by a moment.
        static let times = Instant(milliseconds: 0)...last
        /// A manual clock moves by no more at once: each day of it ends with an event of its own.
        package static let moveDaysMax: Int32 = 3_660
        /// A system clock is written down when it has moved so far: only leaps are told by it.
        package static let savedEveryMilliseconds: Int64 = 60_000
    }

    package let kind: Kind
    /// The latest time ever believed; nil: a manual clock that was never set.
    package private(set) var reached: Instant?
    /// What a system clock last said, believed or not.
    private var reading: Instant?
    /// The day on which the clock began; nil until it first had a time.
    package private(set) var firstDay: LocalDay?
    /// In each partition the last day that is over; at first the day before the clock's first.
    package private(set) var lastDays: [LocalDay]

    package init(kind: Kind, reached: Instant?, firstDay: LocalDay?, lastDays: [LocalDay]) {
        self.kind = kind
        self.reached = reached
        self.firstDay = firstDay
        self.lastDays = lastDays
    }

    /// A clock without a past, which begins when it first gets a time.
    package init(kind: Kind) {
        self.init(kind: kind, reached: nil, firstDay: nil, lastDays: [])
    }

    /// The last day that was ended in all partitions; nil if none was yet.
    package var lastDayEnded: LocalDay? {
        guard let firstDay, let last = lastDays.min(), last >= firstDay else { return nil }
        return last
    }

    /// What the clock shows; nil: a manual clock that was never set, or no reading yet.
    package var now: Instant? {
        guard kind == .system, let reading, !isStopped else { return reached }
        return reading
    }

    /// Whether a leap waits to be confirmed.
    package var isStopped: Bool {
        guard kind == .system, let reading, let reached else { return false }
        return reading.rawValue - reached.rawValue > Limits.leapMilliseconds
    }

    /// Takes a reading of the machine's clock; a manual clock has no use for it.
    package mutating func observe(_ instant: Instant) {
        guard kind == .system else { return }
        reading = instant
        if !isStopped { reach(instant) }
    }

    package enum Answer: Equatable {
        case moved
        /// The clock is of the other kind.
        case wrongKind
        case backwards
        case beyondRange
        /// Further ahead than `moveDaysMax`.
        case tooFar
        /// There is no leap to confirm, or no time to advance from.
        case nothingToDo
    }

    /// Sets a manual clock; never backwards.
    package mutating func set(_ instant: Instant) -> Answer {
        guard kind == .manual else { return .wrongKind }
        guard Limits.times.contains(instant) else { return .beyondRange }
        if let reached, instant < reached { return .backwards }
        if let reached, reached.localDay.advanced(by: Limits.moveDaysMax) < instant.localDay {
            return .tooFar
        }
        reach(instant)
        return .moved
    }

    package mutating func advance(byMilliseconds milliseconds: Int64) -> Answer {
        guard kind == .manual else { return .wrongKind }
        guard let reached else { return .nothingToDo }
        guard milliseconds >= 0 else { return .backwards }
        let (moved, overflows) = reached.rawValue.addingReportingOverflow(milliseconds)
        return overflows ? .beyondRange : set(Instant(milliseconds: moved))
    }

    /// Believes a leap of a system clock.
    package mutating func confirm() -> Answer {
        guard kind == .system else { return .wrongKind }
        guard isStopped, let reading else { return .nothingToDo }
        reach(reading)
        return .moved
    }

    private mutating func reach(_ instant: Instant) {
        // The first day known is the clock's first: the past before it is nobody's business.
        firstDay = firstDay ?? instant.localDay
        reached = max(reached ?? instant, instant)
    }

    /// The days of `partition` that are over and have not been ended, in order; ends them.
    package mutating func endDays(in partition: Int, of partitionCount: Int) -> Range<Int32> {
        guard let today = reached?.localDay.rawValue, let firstDay else { return 0..<0 }
        if lastDays.isEmpty {
            lastDays = Array(repeating: firstDay.advanced(by: -1), count: partitionCount)
        }
        let first = lastDays[partition].rawValue + 1
        guard first < today else { return first..<first }
        lastDays[partition] = LocalDay(today - 1)
        return first..<today
    }
}
