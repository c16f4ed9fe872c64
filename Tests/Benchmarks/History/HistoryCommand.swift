import ArgumentParser

/// What the past costs: the chain on stores that already hold millions of events.
///
/// The past is made through the chain itself, a day of a million events after the other, and the
/// measured days come on top: so nothing in the stores is other than it would be.
struct HistoryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: "The chain on stores that hold millions of events; takes half an hour.")

    enum Defaults {
        static let millions = [0, 1, 10, 30]
        static let dayEvents = 1_000_000
        static let rounds = 3
    }

    @OptionGroup var options: MeasureOptions
    @Option(help: ArgumentHelp("Days of past; may be repeated.", valueName: "days"))
    var past: [Int] = Defaults.millions
    @Option(help: ArgumentHelp("Only these names.", valueName: "random|ordered"))
    var names: PreparedDay.Names?

    func run() throws {
        let events = options.events ?? Defaults.dayEvents
        var report = try Report(
            "history",
            settings: [
                "events a day": Wording.grouped(events),
                "residents": Wording.grouped(options.residents),
                "days of past": past.map(String.init).joined(separator: " "),
            ])
        for names in names.map({ [$0] }) ?? [.ordered, .random] {
            try measure(names, events: events, into: &report)
        }
        try report.keep(also: options.json)
    }

    private func measure(
        _ names: PreparedDay.Names, events: Int, into report: inout Report
    ) throws {
        let deployment = try Deployment()
        try deployment.start()
        let days = options.rounds ?? Defaults.rounds
        var measured: [Int: [ChainRound]] = [:]
        for dayNumber in 0..<(past.max() ?? 0) + days {
            let day = try PreparedDay(
                events: events, residents: options.residents,
                bodyEvents: ChainCommand.Defaults.bodyEvents, resent: 0, names: names,
                dayNumber: dayNumber)
            if dayNumber == 0 {
                try deployment.load(day)
            } else {
                try deployment.moveClock(behind: day)
            }
            let round = try ChainRound(day, on: deployment)
            for stop in Set(past) where (stop..<stop + days).contains(dayNumber) {
                measured[stop, default: []].append(round)
            }
        }
        for stop in measured.keys.sorted() {
            add(measured[stop] ?? [], at: "history.\(names.rawValue).\(stop)", to: &report)
        }
        try deployment.greenctl("audit")
    }

    private func add(_ rounds: [ChainRound], at place: String, to report: inout Report) {
        report.add(place, rounds.map(\.eventsPerSecond), "events/s")
        report.add(place + ".cpu", rounds.map(\.servicesProcessor), "us an event")
        for service in Deployment.services {
            report.add(
                "\(place).cpu.\(service)", rounds.map { $0.processor[service] ?? 0 },
                "us an event")
            report.add(
                "\(place).peak.\(service)", rounds.map { $0.peakMegabytes[service] ?? 0 }, "MB")
        }
    }
}

extension PreparedDay.Names: ExpressibleByArgument {}
