import Foundation

/// A thread that belongs to one loop: sockets and stores block, and Swift's pool must not.
package final class OwnThread: Sendable {
    private let finished = DispatchGroup()

    /// Starts `body` on a thread called `name`, of which Linux keeps 15 bytes.
    package init(named name: String, _ body: @escaping @Sendable () -> Void) {
        finished.enter()
        let thread = Thread { [finished] in
            Thread.current.name = name
            body()
            finished.leave()
        }
        thread.stackSize = 2 << 20
        thread.start()
    }

    /// Waits, on the caller's thread, until the loop has ended.
    package func join() { finished.wait() }
}

/// Milliseconds of a clock that only goes forward: for time-outs, never for what happens.
package enum MonotonicClock {
    package static func milliseconds() -> Int64 {
        Int64(DispatchTime.now().uptimeNanoseconds / 1_000_000)
    }
}
