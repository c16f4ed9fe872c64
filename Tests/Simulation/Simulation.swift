import Streams
import Synchronization

/// Runs scenarios, one after the other or side by side, and tells what came of them.
package struct Simulation: Sendable {
    /// A scenario in which a promise was broken.
    package struct Finding: Error, Sendable {
        package var scenario: Scenario
        package var violation: Violation
    }

    private let rules: Rules
    private let parts: @Sendable () -> Parts

    /// - Parameter parts: what every world is put together from.
    package init(rules: Rules, parts: @escaping @Sendable () -> Parts = { Parts() }) {
        self.rules = rules
        self.parts = parts
    }

    /// Runs one scenario and answers what it met.
    ///
    /// Throws a `Finding` if a promise was broken in it.
    @discardableResult
    package func run(_ scenario: Scenario) throws(Finding) -> Coverage {
        let world = World(scenario, rules: rules, parts: parts())
        do {
            try RunningSeeds.note(scenario.seed) { try world.run() }
        } catch let violation as Violation {
            throw Finding(scenario: scenario, violation: violation)
        } catch {
            throw Finding(
                scenario: scenario, violation: Violation("no error but ours", "\(error)"))
        }
        return world.coverage
    }

    /// The same finding with as few faults as still lead to it.
    ///
    /// Delta debugging: A. Zeller and R. Hildebrandt, "Simplifying and Isolating Failure-Inducing
    /// Input" (IEEE TSE 28, 2002). Whatever law the smaller scenario breaks will do.
    package func minimised(_ finding: Finding) -> Finding {
        var smallest = finding
        var chunk = max(1, smallest.scenario.faults.count / 2)
        while true {
            var start = 0
            var isSmaller = false
            while start < smallest.scenario.faults.count {
                var candidate = smallest.scenario
                candidate.faults.removeSubrange(
                    start..<min(start + chunk, candidate.faults.count))
                do {
                    try run(candidate)
                    start += chunk
                } catch {
                    smallest = error
                    isSmaller = true
                }
            }
            if chunk == 1, !isSmaller { return smallest }
            chunk = max(1, chunk / 2)
        }
    }
}

extension Simulation.Finding: CustomStringConvertible {
    /// What was broken, the one line that replays it, and the faults that led to it.
    package var description: String {
        let faults = scenario.faults.map { "  \($0)" }
        return
            (["\(violation)", "replay: \(command)"]
            + (faults.isEmpty ? ["without any fault"] : ["faults:"] + faults))
            .joined(separator: "\n")
    }

    private var command: String {
        "greenctl simulate --seed \(scenario.seed) --days \(scenario.days) "
            + "--residents \(scenario.residents)"
    }
}
