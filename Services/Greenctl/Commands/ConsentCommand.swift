import ArgumentParser
import Messages
import Model

struct ConsentCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "consent", abstract: "Consents that a partner may report a resident.",
        subcommands: [Grant.self, Withdraw.self])

    struct Arguments: ParsableArguments {
        @Argument(help: "The partner's id.") var partner: String
        @Argument(help: "The resident's registration key.") var resident: String
        @Option(help: "One behaviour's code; without it, every behaviour.") var behaviour: String?
        @Option(help: "From this event time on; without it, from now.") var at: String?

        func perform(granting: Bool, key: CommandKey, at desk: Desk) throws {
            let request = ChangeConsent(
                partner: partner, resident: resident, behaviour: behaviour, granted: granting,
                at: try at.map(Instant.written))
            try desk.show(
                desk.services.order(.ingestion, request, key: key), as: BindingCommand.lines)
        }
    }

    struct Grant: OperatorCommand {
        static let configuration = CommandConfiguration(abstract: "Opens a consent.")

        @OptionGroup var arguments: Arguments
        @OptionGroup var order: KeyOption
        @OptionGroup var common: CommonOptions

        func perform(at desk: Desk) throws {
            try arguments.perform(granting: true, key: order.value, at: desk)
        }
    }

    struct Withdraw: OperatorCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ends a consent; what was accepted before stays.")

        @OptionGroup var arguments: Arguments
        @OptionGroup var order: KeyOption
        @OptionGroup var common: CommonOptions

        func perform(at desk: Desk) throws {
            try arguments.perform(granting: false, key: order.value, at: desk)
        }
    }
}
