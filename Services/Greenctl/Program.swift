import ArgumentParser
import Foundation
import Glibc
import Storage

/// The operator's tool: one binary, the same requests that the gateway makes.
struct Greenctl: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "greenctl",
        abstract: "Operates a GreenSeason deployment.",
        discussion: """
            Services are found by what they wrote into the data folder's run/. Exit codes: 0 done, \
            1 refused or a check failed, 64 usage, 69 a service does not answer, 78 bad \
            configuration.
            """,
        groupedSubcommands: [
            CommandGroup(
                name: "Register",
                subcommands: [
                    PartnerCommand.self, ResidentCommand.self, BindingCommand.self,
                    ConsentCommand.self, CityCommand.self,
                ]),
            CommandGroup(
                name: "Events",
                subcommands: [PublishCommand.self, ClockCommand.self, GenerateDayCommand.self]),
            CommandGroup(
                name: "Residents' benefits",
                subcommands: [
                    LedgerCommand.self, PointsCommand.self, RewardsCommand.self,
                    CatalogueCommand.self, RedeemCommand.self, OrderCommand.self,
                    ProfileCommand.self, MethodologyCommand.self,
                ]),
            CommandGroup(
                name: "Operation",
                subcommands: [
                    StatusCommand.self, WaitCommand.self, StopCommand.self, MetricsCommand.self,
                    DeadLetterCommand.self, StreamCommand.self, AuditCommand.self,
                    DumpCommand.self, SimulateCommand.self,
                ]),
        ])

    // Read here too, so that `greenctl --data FOLDER status` is as good as the other order.
    @OptionGroup var common: CommonOptions
}

/// Runs `greenctl` with the arguments that followed its name.
package enum Program {
    /// Carries out what `arguments` say and answers the exit code.
    package static func run(_ arguments: [String], in surroundings: Surroundings) -> Int32 {
        do {
            var command = try Greenctl.parseAsRoot(arguments)
            if let command = command as? any OperatorCommand {
                try carryOut(command, in: surroundings)
            } else {
                try command.run()
            }
            return EXIT_SUCCESS
        } catch let failure as Failure {
            surroundings.errors.write("greenctl: \(failure.message)\n")
            return failure.exit.rawValue
        } catch {
            let code = Greenctl.exitCode(for: error)
            let text = Greenctl.fullMessage(for: error)
            if code == .success {
                surroundings.output.write(text + "\n")
            } else {
                surroundings.errors.write(text + "\n")
            }
            return code == .validationFailure ? Failure.Exit.usage.rawValue : code.rawValue
        }
    }

    /// Lets nothing out but a `Failure`, or what the parser says of arguments.
    private static func carryOut(
        _ command: any OperatorCommand, in surroundings: Surroundings
    ) throws {
        do {
            try command.perform(at: Desk(command.common, in: surroundings))
        } catch let failure as Failure {
            throw failure
        } catch let mistake as ValidationError {
            throw mistake
        } catch {
            let text = "\(error)".split(whereSeparator: \.isNewline).joined(separator: " ")
            throw Failure(.refused, text)
        }
    }

    /// The whole program: never returns.
    ///
    /// - Parameter simulator: what `greenctl simulate` runs, by the registries in a folder.
    package static func main(
        simulator: @escaping (_ deploy: String) throws -> any CitySimulator
    ) -> Never {
        let code = run(
            Array(CommandLine.arguments.dropFirst()),
            in: Surroundings(
                environment: ProcessInfo.processInfo.environment,
                output: DescriptorOutput(STDOUT_FILENO), errors: DescriptorOutput(STDERR_FILENO),
                isWatched: isatty(STDERR_FILENO) == 1, calls: { LiveServiceCalls(in: $0) },
                simulator: simulator))
        exit(code)
    }
}
