import ArgumentParser

/// Measures GreenSeason: what each benchmark does stands in `docs/benchmarks.md`.
@main
struct Benchmarks: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "benchmarks", abstract: "Measures the chain and its parts.",
        subcommands: [
            ChainCommand.self, FloorCommand.self, StagesCommand.self, LatencyCommand.self,
            HistoryCommand.self, DuplicatesCommand.self, CatchUpCommand.self, RushCommand.self,
            OverloadCommand.self, GuardCommand.self,
        ])
}

/// What every benchmark can be told.
struct MeasureOptions: ParsableArguments {
    @Option(help: "How many events.") var events: Int?
    @Option(help: "How many residents.") var residents = 50_000
    @Option(help: "How many rounds.") var rounds: Int?
    @Option(help: ArgumentHelp("Keep the figures in this file, too.", valueName: "file"))
    var json: String?

    func validate() throws {
        guard (1...10_000_000).contains(residents), (1...100_000_000).contains(events ?? 1),
            (1...100).contains(rounds ?? 1)
        else { throw ValidationError("numbers begin at 1, and their zeros can be counted") }
    }
}

/// What is measured came to another end than it must: the figures would mean nothing.
struct Broken: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
