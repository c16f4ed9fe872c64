import Foundation
import Glibc
package import Greenctl
import Streams
import Synchronization

/// What `greenctl simulate` runs: scenarios on every core, until enough, or until one fails.
package struct CitySimulation: CitySimulator {
    private let simulation: Simulation

    /// - Parameter folder: the repository's `deploy`.
    package init(deploy folder: String) throws {
        simulation = Simulation(rules: try Rules(deploy: folder))
    }

    private struct Progress {
        var next = 0
        var done = 0
        var coverage = Coverage()
        var finding: Simulation.Finding?
    }

    package func carryOut(_ order: SimulationOrder) throws -> SimulationReport {
        Self.makeHashingRepeatable()
        let start = MonotonicClock.milliseconds()
        let end = order.seconds.map { start + $0 * 1_000 }
        let progress = SharedProgress()
        let cores = ProcessInfo.processInfo.activeProcessorCount
        let threads = (0..<min(cores, end == nil ? order.scenarios : cores)).map { index in
            OwnThread(named: "simulation-\(index)") {
                while let seed = progress.takeSeed(of: order, until: end) {
                    let scenario = Scenario(
                        seed: seed, days: order.days, residents: order.residents)
                    do throws(Simulation.Finding) {
                        progress.note(try simulation.run(scenario))
                    } catch {
                        progress.note(simulation.minimised(error))
                    }
                }
            }
        }
        for thread in threads { thread.join() }
        let result = progress.state.withLock { $0 }
        return SimulationReport(
            scenarios: result.done, milliseconds: MonotonicClock.milliseconds() - start,
            coverage: result.coverage.lines, finding: result.finding.map { "\($0)" })
    }

    private final class SharedProgress: Sendable {
        let state = Mutex(Progress())

        /// The next seed; nil when there has been enough, or one finding.
        func takeSeed(of order: SimulationOrder, until end: Int64?) -> UInt64? {
            state.withLock { state in
                if state.finding != nil { return nil }
                if let end {
                    guard MonotonicClock.milliseconds() < end else { return nil }
                } else {
                    guard state.next < order.scenarios else { return nil }
                }
                defer { state.next += 1 }
                return order.seed &+ UInt64(state.next)
            }
        }

        func note(_ coverage: Coverage) {
            state.withLock {
                $0.done += 1
                $0.coverage.add(coverage)
            }
        }

        func note(_ finding: Simulation.Finding) {
            state.withLock { if $0.finding == nil { $0.finding = finding } }
        }
    }

    /// Swift seeds its hashes anew in every process, and with them the order of dictionaries.
    ///
    /// No outcome depends on that order; but which page a row is written to may, and with it where
    /// in a commit a death strikes. The program starts itself again with the one setting that makes
    /// it repeatable, which is read before `main`.
    private static func makeHashingRepeatable() {
        guard getenv("SWIFT_DETERMINISTIC_HASHING") == nil else { return }
        setenv("SWIFT_DETERMINISTIC_HASHING", "1", 1)
        var arguments = CommandLine.arguments.map { strdup($0) } + [nil]
        execv("/proc/self/exe", &arguments)
    }
}
