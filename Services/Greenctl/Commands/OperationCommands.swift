import ArgumentParser
import Messages

struct DeadLetterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deadletter", abstract: "Events that could not be applied.",
        subcommands: [List.self])

    struct List: OperatorCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists the dead letters of a service, or of all.")

        @Argument(help: "ingestion, scoring, rewards or credit-profile.")
        var service: ServiceName?
        @OptionGroup var common: CommonOptions

        func perform(at desk: Desk) throws {
            var letters: [String: Listing<DeadLetterRecord>] = [:]
            for service in service.map({ [$0] }) ?? ServiceName.allCases {
                letters[service.rawValue] = try desk.services.ask(service, ListDeadLetters())
            }
            try desk.show(letters) { letters in
                var table = Table("SERVICE", "EVENT", "REASON")
                for (service, list) in letters.sorted(by: { $0.key < $1.key }) {
                    for letter in list.items {
                        table.add(
                            service, "\(letter.stream)/\(letter.partition)/\(letter.sequence)",
                            letter.reason)
                    }
                }
                return table.isEmpty ? ["no dead letters"] : table.lines
            }
        }
    }
}

struct MetricsCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "metrics", abstract: "Prints a service's counters in the Prometheus format.")

    @Argument(help: "ingestion, scoring, rewards or credit-profile.") var service: ServiceName
    @OptionGroup var common: CommonOptions

    func perform(at desk: Desk) throws {
        try desk.show(desk.services.ask(service, ShowMetrics())) { metrics in
            metrics.text.split(separator: "\n").map(String.init)
        }
    }
}

extension ServiceName: ExpressibleByArgument {}
