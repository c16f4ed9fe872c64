import ArgumentParser

struct StagesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stages",
        abstract: "Each part of the way alone: processor time and allocations an event.")

    enum Defaults {
        static let events = 200_000
        static let rounds = 3
    }

    @OptionGroup var options: MeasureOptions
    @Option(help: ArgumentHelp("Only this stage.", valueName: "stage")) var only: Stage?

    func run() throws {
        let events = options.events ?? Defaults.events
        let rounds = options.rounds ?? Defaults.rounds
        let stages = only.map { [$0] } ?? Stage.allCases
        var report = try Report(
            "stages",
            settings: [
                "events": Wording.grouped(events),
                "residents": Wording.grouped(options.residents), "rounds": "\(rounds)",
            ])
        let day = try PreparedDay(
            events: events, residents: options.residents,
            bodyEvents: ChainCommand.Defaults.bodyEvents)
        var measures: [Stage: [StageMeasure]] = [:]
        for _ in 1...rounds {
            let run = try StageRun(day)
            for stage in stages { measures[stage, default: []].append(try run.measure(stage)) }
        }
        for stage in stages {
            let rounds = measures[stage] ?? []
            report.add(
                "stage.\(stage.rawValue)", rounds.map(\.nanosecondsPerEvent), "ns an event")
            report.add(
                "stage.\(stage.rawValue).allocations", rounds.map(\.allocationsPerEvent),
                "an event")
        }
        try report.keep(also: options.json)
    }
}

extension Stage: ExpressibleByArgument {}
