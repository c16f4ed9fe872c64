import CZeroMQ
import Glibc
import Synchronization

/// Ends another thread's wait: any thread signals, the thread that polls drains.
///
/// An eventfd, which sits in a `PollSet` beside the sockets. The owner drains first and looks at
/// its queues after; whoever fills a queue does so first and signals after. Then nothing is missed,
/// and of many signals between two drains only one costs a system call.
package final class WakeUp: Sendable {
    let fileDescriptor: Int32
    private let isSignalled = Atomic(false)

    package init() throws(ZeroMQError) {
        fileDescriptor = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
        if fileDescriptor < 0 { throw ZeroMQError(during: .openWakeUp) }
    }

    deinit {
        close(fileDescriptor)
    }

    /// Makes the next wait, or the one going on, return at once.
    package func signal() {
        if isSignalled.exchange(true, ordering: .acquiringAndReleasing) { return }
        let code = eventfd_write(fileDescriptor, 1)
        precondition(code == 0, "one increment always fits")
    }

    /// Readies the wake-up for the next signal; to be called before the queues are looked at.
    package func drain() {
        var count: eventfd_t = 0
        // Nothing to read is a fine answer: the signal may not have come through here.
        _ = eventfd_read(fileDescriptor, &count)
        _ = isSignalled.exchange(false, ordering: .acquiringAndReleasing)
    }
}
