import Glibc
import Streams
import Synchronization

/// Looks at the memory of running services, ten times a second, on a thread of its own.
final class MemoryWatch: Sendable {
    private struct State {
        /// Of each service: resident megabytes at each look.
        var sights: [String: [Double]] = [:]
        var isOver = false
    }

    private enum Limits {
        static let pauseMicroseconds: UInt32 = 100_000
    }

    private let state = Mutex(State())
    private let processes: [String: Int32]
    private let thread: Mutex<OwnThread?> = Mutex(nil)

    init(_ deployment: Deployment) {
        var processes: [String: Int32] = [:]
        for service in Deployment.services { processes[service] = deployment.process(service) }
        self.processes = processes
    }

    func start() {
        let watching = OwnThread(named: "memory-watch") { [self] in
            while look() { usleep(Limits.pauseMicroseconds) }
        }
        thread.withLock { $0 = watching }
    }

    private func look() -> Bool {
        // A process that ended is somebody else's failure: it is not looked at any more.
        let now = processes.compactMapValues { try? ProcessUsage(of: $0).residentMegabytes }
        return state.withLock { state in
            for (service, megabytes) in now { state.sights[service, default: []].append(megabytes) }
            return !state.isOver
        }
    }

    /// Ends looking; tells the most that each service held in the first half of the time, and in
    /// the second.
    func finish() -> [String: (Double, Double)] {
        state.withLock { $0.isOver = true }
        thread.withLock { $0?.join() }
        return state.withLock { state in
            state.sights.mapValues { sights in
                let middle = sights.count / 2
                return (sights[..<middle].max() ?? 0, sights[middle...].max() ?? 0)
            }
        }
    }
}
