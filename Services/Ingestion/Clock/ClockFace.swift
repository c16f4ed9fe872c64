package import Messages
import Model
import Synchronization

/// What ingestion's clock shows, for threads that only look.
///
/// The writer's thread sets it after each commit.
package final class ClockFace: Sendable {
    private let shown: Mutex<CityClock>

    init(_ clock: CityClock) { shown = Mutex(clock) }

    func show(_ clock: CityClock) { shown.withLock { $0 = clock } }

    /// nil: a manual clock that was never set, or a system clock that was never read.
    package var record: ClockRecord? { ClockRecord(shown.withLock { $0 }) }
}

extension ClockRecord {
    init?(_ clock: CityClock) {
        guard let now = clock.now else { return nil }
        self.init(
            kind: clock.kind == .system ? .system : .manual, now: now,
            lastDayEnded: clock.lastDayEnded,
            stopped: clock.isStopped)
    }
}
