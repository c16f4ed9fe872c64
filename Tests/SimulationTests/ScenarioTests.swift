import Foundation
import Simulation
import Synchronization
import TestKit
import Testing

@Suite struct ScenarioTests {
    static let batches = 8
    static let seedsPerBatch: UInt64 = 250

    @Test func `whatever goes wrong, everything comes to what the receipts say`() async throws {
        let simulation = Simulation(rules: try Stage.rules.get())
        let start = ContinuousClock.now
        let coverage = try await withThrowingTaskGroup { group in
            for batch in 0..<Self.batches {
                group.addTask {
                    try await onThread { () -> Coverage in
                        var coverage = Coverage()
                        let first = UInt64(batch) * Self.seedsPerBatch
                        for seed in first..<first + Self.seedsPerBatch {
                            do throws(Simulation.Finding) {
                                coverage.add(try simulation.run(Scenario(seed: seed)))
                            } catch {
                                Issue.record("\(simulation.minimised(error))")
                            }
                        }
                        return coverage
                    }
                }
            }
            return try await group.reduce(into: Coverage()) { $0.add($1) }
        }
        let took = ContinuousClock.now - start
        print(coverage.lines.joined(separator: "\n"))
        print("\(Self.batches * Int(Self.seedsPerBatch)) scenarios in \(took)")
        // What was never met was never tried.
        #expect(coverage.missing.isEmpty)
    }

    @Test(arguments: [3, 33, 333] as [UInt64])
    func `the same seed is the same run`(seed: UInt64) async throws {
        let simulation = Simulation(rules: try Stage.rules.get())
        try await onThread {
            let first = try simulation.run(Scenario(seed: seed))
            #expect(try simulation.run(Scenario(seed: seed)) == first)
        }
    }

    @Test func `a city without faults loses no message and asks for none`() async throws {
        let simulation = Simulation(rules: try Stage.rules.get())
        try await onThread {
            for seed in 0..<20 as Range<UInt64> {
                let coverage = try simulation.run(Scenario(seed: seed, faulty: false))
                #expect(coverage.milestones[.gapFound] == nil)
                #expect(coverage.milestones[.commitRetried] == nil)
            }
        }
    }
}
