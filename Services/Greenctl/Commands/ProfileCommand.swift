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
                details.add("resident", profile.resident.description)
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

    struct Consent: OperatorCommand {
        static let configuration = CommandConfiguration(
            abstract: "Grants or withdraws consent to being scored.",
            discussion: "Withdrawing deletes score, versions and reasons at once.")

        @Argument(help: ResidentArgument.help) var resident: ResidentArgument
        @Flag(help: "Consent.") var grant = false
        @Flag(help: "Withdraw the consent.") var withdraw = false
        @Flag(help: "Days before the consent count too.") var history = false
        @OptionGroup var order: KeyOption
        @OptionGroup var common: CommonOptions

        func validate() throws {
            guard grant != withdraw else {
                throw ValidationError("give either --grant or --withdraw")
            }
            guard grant || !history else {
                throw ValidationError("--history belongs to --grant")
            }
        }

        func perform(at desk: Desk) throws {
            let request = ChangeProfileConsent(
                resident: try resident.resolve(at: desk), granted: grant, history: history)
            let reply = try desk.services.order(.creditProfile, request, key: order.value)
            try desk.show(reply) { consent in
                var details = Details()
                details.add("resident", consent.resident.description)
                details.add("scoring", consent.granted ? "consented" : "not consented")
                if consent.granted {
                    details.add("history", consent.history ? "counts" : "from now on")
                }
                return details.lines
            }
        }
    }
}
