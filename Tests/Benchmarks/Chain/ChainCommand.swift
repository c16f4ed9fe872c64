import ArgumentParser
import Foundation

struct ChainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chain",
        abstract: "A day through all services, beside the same bytes through the floor.")

    enum Defaults {
        static let events = 1_000_000
        static let rounds = 3
        /// Of one PUBLISH: four of them fit a partner's share of the credit when all are busy.
        static let bodyEvents = 200
        static let warmUpEvents = 50_000
    }

    @OptionGroup var options: MeasureOptions
    @Option(help: "Events of one PUBLISH body, 1 to 400.") var body = Defaults.bodyEvents
    @Flag(help: "Leave the floor out.") var noFloor = false

    func validate() throws {
        guard (1...Publisher.Limits.windowEventsFirst).contains(body) else {
            throw ValidationError("a body must fit the window that a partner begins with")
        }
    }

    func run() throws {
        let rounds = options.rounds ?? Defaults.rounds
        let events = options.events ?? Defaults.events
        var report = try Report(
            "chain",
            settings: [
                "events": Wording.grouped(events),
                "residents": Wording.grouped(options.residents),
                "partners": "\(PreparedDay.Limits.partners)", "resent": "2 %",
                "events a body": "\(body)", "rounds": "\(rounds)",
            ])
        let day = try PreparedDay(
            events: events, residents: options.residents, bodyEvents: body)
        let bodies = Places.scratch("bodies")
        try day.write(bodiesTo: bodies)
        defer { try? FileManager.default.removeItem(atPath: bodies) }

        report.note("warming up")
        _ = try ChainRound(day, eventsMax: min(events, Defaults.warmUpEvents))
        var chain: [ChainRound] = []
        var floor: [FloorRound] = []
        for number in 1...rounds {
            let round = try ChainRound(day)
            chain.append(round)
            var line =
                "round \(number): chain \(Wording.number(round.eventsPerSecond)) events/s, "
                + "receipts after \(Wording.number(round.receiptsSeconds)) s, settled after "
                + "\(Wording.number(round.seconds)) s, \(round.busy) busy"
            if !noFloor {
                let round = try FloorRound(day, bodies: bodies)
                floor.append(round)
                line += "; floor \(Wording.number(round.eventsPerSecond)) events/s"
            }
            report.note(line)
        }
        add(chain, floor, to: &report)
        try report.keep(also: options.json)
    }

    private func add(_ chain: [ChainRound], _ floor: [FloorRound], to report: inout Report) {
        func figure(
            _ name: String, _ unit: String, _ value: (ChainRound) -> Double,
            _ floorValue: (FloorRound) -> Double
        ) {
            report.add(name, chain.map(value), unit, floor: floor.map(floorValue))
        }
        figure("chain", "events/s", \.eventsPerSecond, \.eventsPerSecond)
        figure("chain.cpu", "us an event", \.servicesProcessor, \.stagesProcessor)
        for name in Deployment.services {
            figure("chain.cpu.\(name)", "us an event") {
                $0.processor[name] ?? 0
            } _: {
                $0.processor[name] ?? 0
            }
        }
        report.add("publisher.cpu", chain.map { $0.processor["publisher"] ?? 0 }, "us an event")
        for name in Deployment.services {
            figure("chain.peak.\(name)", "MB") {
                $0.peakMegabytes[name] ?? 0
            } _: {
                $0.peakMegabytes[name] ?? 0
            }
        }
        figure("chain.disk", "bytes an event", \.diskBytesPerEvent, \.diskBytesPerEvent)
        if !floor.isEmpty { floor.add(to: &report) }
    }
}

extension [FloorRound] {
    /// The floor's own figures.
    func add(to report: inout Report) {
        report.add("floor", map(\.eventsPerSecond), "events/s")
        report.add("floor.cpu", map(\.stagesProcessor), "us an event")
        for name in Deployment.services {
            report.add("floor.cpu.\(name)", map { $0.processor[name] ?? 0 }, "us an event")
        }
        report.add("floor.disk", map(\.diskBytesPerEvent), "bytes an event")
    }
}
