package import Model

/// What was applied of one partition, and what day it has reached.
package struct PartitionSums: Equatable, Sendable {
    /// `Scored` events.
    package var awards: Int64 = 0
    package var milligrams = Milligrams.zero
    package var points = Points.zero
    package var lastEnded: LocalDay?
    /// The latest day on which anything was done.
    package var latestDay: LocalDay?

    /// The day after the last one that ended; before that, the latest that anything was done on.
    package var today: LocalDay? { lastEnded?.advanced(by: 1) ?? latestDay }
}

/// A resident's consent to being scored.
package struct Consent: Equatable, Sendable {
    package var resident: ResidentID
    package var partition: Int
    /// Whether days before the grant count.
    package var history: Bool
    /// The day of the grant; nil if the city's day was not known yet, and then nothing was before.
    package var since: LocalDay?
    /// How many profiles were published under it.
    package var versions: Int64

    /// The days that count on the evening of `last`.
    func window(endingOn last: LocalDay, days: Int32) -> (first: LocalDay, last: LocalDay) {
        let first = last.advanced(by: 1 - days)
        guard !history, let since else { return (first, last) }
        return (max(first, since), last)
    }
}
