import Foundation
import Simulation
import TestKit
import Testing

@Suite struct ScenarioTests {
    static let rules = Result {
        try Rules(
            deploy: URL(filePath: #filePath).deletingLastPathComponent()
                .deletingLastPathComponent().deletingLastPathComponent().path + "/deploy")
    }

    @Test(arguments: 0..<8)
    func `whatever goes wrong, everything comes to what the receipts say`(batch: Int) async throws {
        let simulation = Simulation(rules: try Self.rules.get())
        let first = UInt64(batch) * 250
        try await onThread {
            let seeds = ProcessInfo.processInfo.environment["GREENSEASON_SEED"]
                .flatMap(UInt64.init).map { $0..<$0 + 1 } ?? first..<first + 2
            for seed in seeds {
                do throws(Simulation.Finding) {
                    try simulation.run(Scenario(seed: seed))
                } catch {
                    Issue.record("\(simulation.minimised(error))")
                }
            }
        }
    }
}
