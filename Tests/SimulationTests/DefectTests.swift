import Simulation
import TestKit
import Testing

/// The simulator finds bugs: each of these was planted, and each is found.
@Suite struct DefectTests {
    @Test(arguments: Defect.all)
    func `a planted defect is caught`(defect: Defect) async throws {
        let simulation = Simulation(rules: try Stage.rules.get(), parts: defect.parts)
        let caught = try await onThread { () -> (seed: UInt64, finding: Simulation.Finding)? in
            for seed in 1...defect.seedsMax {
                do throws(Simulation.Finding) {
                    try simulation.run(defect.scenario(seed: seed))
                } catch {
                    return (seed, error)
                }
            }
            return nil
        }
        let caughtInTime = try #require(caught, "\(defect.name) went by unseen")
        print(
            "caught by seed \(caughtInTime.seed): \(defect.name): "
                + "\(caughtInTime.finding.violation)")
    }
}
