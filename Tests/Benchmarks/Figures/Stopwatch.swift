import Glibc

/// The clocks that measure, in nanoseconds.
enum Stopwatch {
    /// A clock that never goes back and knows nothing of the time of day.
    static var now: Int64 { read(CLOCK_MONOTONIC) }

    /// What the calling thread has used of a processor.
    static var threadTime: Int64 { read(CLOCK_THREAD_CPUTIME_ID) }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
