import Greenctl
import Testing

@Suite struct SimulateCommandTests {
    @Test func `what is asked for is simulated, and a clean run says so`() throws {
        let bench = try Bench()
        bench.simulator.report = SimulationReport(
            scenarios: 40, milliseconds: 2_000, coverage: ["7  day ended"], finding: nil)
        #expect(
            bench.run(
                "simulate", "--seed", "9", "--scenarios", "40", "--days", "3", "--residents", "5")
                == 0)
        #expect(bench.simulator.orders.map(\.seed) == [9])
        #expect(bench.simulator.orders.map(\.scenarios) == [40])
        #expect(bench.simulator.orders.map(\.days) == [3])
        #expect(bench.simulator.orders.map(\.residents) == [5])
        #expect(bench.output.text.contains("every promise was kept"))
        #expect(bench.output.text.contains("1,200 a minute"))
    }

    @Test func `a broken promise is shown with the line that replays it, and is a failure`() throws
    {
        let bench = try Bench()
        bench.simulator.report = SimulationReport(
            scenarios: 3, milliseconds: 10, coverage: [],
            finding: "I4: applied twice\nreplay: greenctl simulate --seed 3")
        #expect(bench.run("simulate") == 1)
        #expect(bench.output.text.contains("replay: greenctl simulate --seed 3"))
        #expect(bench.errors.text.contains("a promise was broken"))
    }

    @Test(arguments: [["--days", "0"], ["--residents", "0"], ["--scenarios", "0"]])
    func `what cannot be simulated is refused`(arguments: [String]) throws {
        let bench = try Bench()
        #expect(bench.run(["simulate"] + arguments) == 64)
        #expect(bench.simulator.orders.isEmpty)
    }
}

/// Answers what it was told to, and remembers what it was asked for.
final class ScriptedSimulator: CitySimulator {
    var report = SimulationReport(scenarios: 0, milliseconds: 0, coverage: [], finding: nil)
    private(set) var orders: [SimulationOrder] = []

    func carryOut(_ order: SimulationOrder) -> SimulationReport {
        orders.append(order)
        return report
    }
}
