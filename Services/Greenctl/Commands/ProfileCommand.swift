import ArgumentParser
import Messages
import Model

struct ProfileCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "profile", abstract: "Residents' green-credit profiles.",
        subcommands: [Show.self, Consent.self])

    struct Show: OperatorCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows a resident's standing with the reason for every point of it.")

        @Argument(help: ResidentArgument.help) var resident: ResidentArgument
        @OptionGroup var common: CommonOptions

        func perform(at desk: Desk) throws {
            let request = ShowProfile(resident: try resident.resolve(at: desk))
            try desk.show(desk.services.ask(.creditProfile, request)) { profile in
                var details = Details()
                details.add("resident", "id:\(profile.resident)")
                details.add(
                    "level",
                    "\(Wording.name(profile.levelZh, profile.levelEn)) (\(profile.level))")
                details.add("score", "\(profile.score) of 1000")
                details.add("up to", profile.day ?? "no day is over yet")
                details.add("table", profile.table)
                details.add("history", profile.history ? "counts" : "from the consent on")
                var dimensions = Table("DIMENSION", ">MEASURE", ">SCORE", ">NEXT AT")
                for dimension in profile.dimensions {
                    dimensions.add(
                        Wording.name(dimension.nameZh, dimension.nameEn),
                        Wording.count(dimension.measure), "\(dimension.score) / 200",
                        dimension.nextAt.map(Wording.count) ?? "top")
                }
                return details.lines + [""] + dimensions.lines
            }
        }
    }

    struct Consent: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Consents to being scored.", subcommands: [Grant.self, Withdraw.self])

        struct Grant: OperatorCommand {
            static let configuration = CommandConfiguration(
                abstract: "Grants it; with --history, days before count too.")

            @Argument(help: ResidentArgument.help) var resident: ResidentArgument
            @Flag(help: "Days before the consent count too.") var history = false
            @OptionGroup var order: KeyOption
            @OptionGroup var common: CommonOptions

            func perform(at desk: Desk) throws {
                try Consent.change(
                    resident, granted: true, history: history, key: order.value, at: desk)
            }
        }

        struct Withdraw: OperatorCommand {
            static let configuration = CommandConfiguration(
                abstract: "Withdraws it: score, versions and reasons are deleted at once.")

            @Argument(help: ResidentArgument.help) var resident: ResidentArgument
            @OptionGroup var order: KeyOption
            @OptionGroup var common: CommonOptions

            func perform(at desk: Desk) throws {
                try Consent.change(
                    resident, granted: false, history: false, key: order.value, at: desk)
            }
        }

        private static func change(
            _ resident: ResidentArgument, granted: Bool, history: Bool, key: CommandKey,
            at desk: Desk
        ) throws {
            let request = ChangeProfileConsent(
                resident: try resident.resolve(at: desk), granted: granted, history: history)
            try desk.show(desk.services.order(.creditProfile, request, key: key)) { consent in
                var details = Details()
                details.add("resident", "id:\(consent.resident)")
                details.add("scoring", consent.granted ? "consented" : "not consented")
                if consent.granted {
                    details.add("history", consent.history ? "counts" : "from now on")
                }
                return details.lines
            }
        }
    }
}
