import CMeasuring

/// What one stage took, alone, on this thread.
struct StageMeasure {
    var events: Int
    /// Processor time: other work on the machine does not count, nor does waiting for the disk.
    var nanoseconds: Int64
    /// Blocks asked of malloc.
    var allocations: UInt64

    var nanosecondsPerEvent: Double { Double(nanoseconds) / Double(events) }
    var allocationsPerEvent: Double { Double(allocations) / Double(events) }

    /// Runs `body`, which handles `events`.
    ///
    /// - Parameter isMarked: whether it runs inside the function that callgrind is told to collect
    ///   in, see `GuardCommand`.
    init(events: Int, isMarked: Bool = true, _ body: () throws -> Void) throws {
        let allocationsBefore = greenseason_allocations()
        let before = Stopwatch.threadTime
        if isMarked { try Self.mark(body) } else { try body() }
        nanoseconds = Stopwatch.threadTime - before
        allocations = greenseason_allocations() - allocationsBefore
        self.events = events
    }

    private static func mark(_ body: () throws -> Void) throws {
        var result: Result<Void, any Error> = .success(())
        withoutActuallyEscaping(body) { body in
            let call = Call { result = Result { try body() } }
            withExtendedLifetime(call) {
                greenseason_measured(
                    { context in
                        guard let context else { return }
                        Unmanaged<Call>.fromOpaque(context).takeUnretainedValue().body()
                    }, Unmanaged.passUnretained(call).toOpaque())
            }
        }
        try result.get()
    }

    /// A closure that C can carry.
    private final class Call {
        let body: () -> Void

        init(_ body: @escaping () -> Void) { self.body = body }
    }
}
