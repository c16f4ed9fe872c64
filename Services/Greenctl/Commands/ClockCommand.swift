import ArgumentParser
import Messages
import Model

struct ClockCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clock", abstract: "The city's clock, which ends the days.",
        subcommands: [Show.self, Set.self, Advance.self, Confirm.self])

    struct Show: OperatorCommand {
        static let configuration = CommandConfiguration(abstract: "Shows what time it is.")

        @OptionGroup var common: CommonOptions

        func perform(at desk: Desk) throws {
            try desk.show(
                desk.services.ask(.ingestion, ShowClock()), as: ClockCommand.lines)
        }
    }

    struct Set: OperatorCommand {
        static let configuration = CommandConfiguration(
            abstract: "Sets a manual clock, never backwards.")

        @Argument(help: "RFC 3339, or a day for its midnight.") var time: String
        @OptionGroup var common: CommonOptions

        func validate() throws { _ = try Instant.written(time) }

        func perform(at desk: Desk) throws {
            try ClockCommand.move(.set(Instant.written(time)), at: desk)
        }
    }

    struct Advance: OperatorCommand {
        static let configuration = CommandConfiguration(
            abstract: "Moves a manual clock forward by 90s, 15m, 36h or 2d.")

        @Argument(help: "How far: a number and s, m, h or d.") var span: TimeSpan
        @OptionGroup var common: CommonOptions

        func perform(at desk: Desk) throws {
            try ClockCommand.move(.advance(milliseconds: span.milliseconds), at: desk)
        }
    }

    struct Confirm: OperatorCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lets a system clock go on that stopped because it leapt.")

        @OptionGroup var common: CommonOptions

        func perform(at desk: Desk) throws { try ClockCommand.move(.confirm, at: desk) }
    }

    private static func move(_ move: MoveClock.Move, at desk: Desk) throws {
        try desk.show(
            desk.services.order(.ingestion, MoveClock(move: move), key: .random()), as: lines)
    }

    static func lines(_ clock: ClockRecord) -> [String] {
        var details = Details()
        details.add("clock", clock.kind.rawValue)
        details.add("now", clock.time)
        details.add("last day ended", clock.lastDayEnded ?? "none yet")
        if clock.stopped {
            details.add("stopped", "it leapt: check it, then `greenctl clock confirm`")
        }
        return details.lines
    }
}

/// A stretch of time as the operator writes it: `90s`, `15m`, `36h`, `2d`.
struct TimeSpan: ExpressibleByArgument, Equatable {
    let milliseconds: Int64

    private static let unitMilliseconds: [Character: Int64] = [
        "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000,
    ]

    init?(argument: String) {
        guard let unit = argument.last.flatMap({ Self.unitMilliseconds[$0] }),
            let count = Int64(argument.dropLast()), count > 0,
            case let (milliseconds, overflows) = count.multipliedReportingOverflow(by: unit),
            !overflows
        else { return nil }
        self.milliseconds = milliseconds
    }
}
