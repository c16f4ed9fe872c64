import Glibc
import Synchronization

/// The seeds that are being run, told on stderr if the process traps: a precondition of a service
/// that does not hold ends everything, and without its seed nobody could see it again.
enum RunningSeeds {
    private static let slotCount = 64
    // Unsafe: written by the thread that took the slot, and read by whoever is about to die.
    nonisolated(unsafe) private static let slots = {
        let slots = UnsafeMutablePointer<UInt64>.allocate(capacity: slotCount)
        slots.initialize(repeating: 0, count: slotCount)
        for trap in [SIGILL, SIGTRAP, SIGSEGV] { signal(trap, tell) }
        return slots
    }()
    private static let taken = Atomic(0)

    /// Runs `body`, which simulates `seed`.
    static func note<Result, Failure>(
        _ seed: UInt64, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let slot = taken.add(1, ordering: .relaxed).oldValue % slotCount
        // Zero says that nothing runs there.
        slots[slot] = seed &+ 1
        defer { slots[slot] = 0 }
        return try body()
    }

    /// Only calls that a signal handler may make.
    private static let tell: @convention(c) (Int32) -> Void = { trap in
        for slot in 0..<slotCount where slots[slot] != 0 {
            var digits: (UInt64, UInt64, UInt64) = (0, 0, 0)
            withUnsafeMutableBytes(of: &digits) { bytes in
                var rest = slots[slot] &- 1
                var place = bytes.count - 1
                bytes[place] = UInt8(ascii: "\n")
                repeat {
                    place -= 1
                    bytes[place] = UInt8(ascii: "0") + UInt8(rest % 10)
                    rest /= 10
                } while rest > 0
                _ = write(STDERR_FILENO, "trapped while simulating --seed ", 32)
                let text = UnsafeRawBufferPointer(rebasing: bytes[place...])
                _ = write(STDERR_FILENO, text.baseAddress, text.count)
            }
        }
        signal(trap, SIG_DFL)
        raise(trap)
    }
}
