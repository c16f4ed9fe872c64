import ArgumentParser
import Foundation

struct FloorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "floor", abstract: "What libzmq and SQLite can do here, in plain C.")

    @OptionGroup var options: MeasureOptions
    @Option(help: "Events of one body.") var body = ChainCommand.Defaults.bodyEvents

    func run() throws {
        let events = options.events ?? ChainCommand.Defaults.events
        let rounds = options.rounds ?? ChainCommand.Defaults.rounds
        var report = try Report(
            "floor",
            settings: [
                "events": Wording.grouped(events),
                "residents": Wording.grouped(options.residents), "events a body": "\(body)",
                "rounds": "\(rounds)",
            ])
        let day = try PreparedDay(
            events: events, residents: options.residents, bodyEvents: body)
        let bodies = Places.scratch("bodies")
        try day.write(bodiesTo: bodies)
        defer { try? FileManager.default.removeItem(atPath: bodies) }
        try (1...rounds).map { _ in try FloorRound(day, bodies: bodies) }.add(to: &report)
        try report.keep(also: options.json)
    }
}
