import ArgumentParser

/// A city in a box of faults, for operators who want to see promises kept before they rely on them.
package struct SimulationOrder: Sendable, Equatable {
    package var seed: UInt64
    /// Drawn from the seed if nil.
    package var days: Int?
    package var residents: Int?
    /// Scenarios from the seed on.
    package var scenarios: Int
    /// Instead: as many as fit into so many seconds.
    package var seconds: Int64?
}

/// What came of it.
package struct SimulationReport: Encodable, Sendable {
    package var scenarios: Int
    package var milliseconds: Int64
    /// What was met, how often; for people.
    package var coverage: [String]
    /// The first promise that was broken, and how to see it again; nil if none was.
    package var finding: String?

    package init(scenarios: Int, milliseconds: Int64, coverage: [String], finding: String?) {
        self.scenarios = scenarios
        self.milliseconds = milliseconds
        self.coverage = coverage
        self.finding = finding
    }
}

/// Whoever can simulate a city; the program brings one that does.
package protocol CitySimulator {
    func carryOut(_ order: SimulationOrder) throws -> SimulationReport
}

struct SimulateCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Runs cities with faults in one process, and checks that nothing is lost.",
        discussion: """
            The real services on simulated disks, networks and clocks. Everything follows from \
            the seed, so what was found once is found again.
            """)

    @OptionGroup var common: CommonOptions

    @Option(help: "The first scenario's seed.") var seed: UInt64 = 1
    @Option(help: "Local days that the city passes, 1 to 60 (default: drawn from the seed).")
    var days: Int?
    @Option(help: "Residents, 1 to 1000 (default: drawn from the seed).")
    var residents: Int?
    @Option(help: "How many scenarios, each with the next seed.") var scenarios = 1
    @Option(help: "Instead: as many scenarios as fit into so many seconds.") var seconds: Int64?
    @Option(help: ArgumentHelp("The folder of registries and tables.", valueName: "folder"))
    var deploy = "deploy"

    func validate() throws {
        guard days.map({ (1...60).contains($0) }) ?? true else {
            throw ValidationError("--days lies between 1 and 60")
        }
        guard residents.map({ (1...1_000).contains($0) }) ?? true else {
            throw ValidationError("--residents lies between 1 and 1000")
        }
        guard scenarios >= 1, seconds ?? 1 >= 1 else {
            throw ValidationError("--scenarios and --seconds are at least 1")
        }
    }

    func perform(at desk: Desk) throws {
        let report = try desk.simulator(deploy).carryOut(
            SimulationOrder(
                seed: seed, days: days, residents: residents, scenarios: scenarios,
                seconds: seconds))
        try desk.show(report, as: \.lines)
        if report.finding != nil { throw Failure(.refused, "a promise was broken") }
    }
}

extension SimulationReport {
    fileprivate var lines: [String] {
        let rate = Int64(scenarios) * 60_000 / max(1, milliseconds)
        let summary =
            "\(Wording.plural(scenarios, "scenario")) in "
            + "\(Wording.seconds(milliseconds)), \(Wording.count(rate)) a minute"
        return coverage + [finding ?? "every promise was kept", summary]
    }
}
