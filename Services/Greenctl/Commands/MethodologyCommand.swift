import ArgumentParser
import Foundation
import Messages
import Scoring

struct MethodologyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "methodology", abstract: "The rules that turn behaviours into grams.",
        subcommands: [List.self, Show.self, Check.self])

    struct List: OperatorCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists the method versions that scoring runs with.")

        @Flag(help: "Inactive versions too.") var all = false
        @OptionGroup var common: CommonOptions

        func perform(at desk: Desk) throws {
            var list = try desk.services.ask(.scoring, ListMethodologies())
            if !all { list.items.removeAll { !$0.active } }
            try desk.show(list) { list in
                var table = Table(
                    "METHOD", "VERSION", "NAME", "BEHAVIOUR", ">MG PER UNIT", "CAP", "POINTS",
                    "FROM", "TO")
                for method in list.items {
                    table.add(
                        method.method, method.version, Wording.name(method.nameZh, method.nameEn),
                        "\(method.behaviour) \(method.unit)", method.factor, method.cap ?? "-",
                        method.pointsRule, method.validFrom,
                        method.active ? method.validTo ?? "open" : "inactive")
                }
                return table.lines
            }
        }
    }

    struct Show: OperatorCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows every version of a method with its source.")

        @Argument(help: "The method's code, see `greenctl methodology list`.") var method: String
        @OptionGroup var common: CommonOptions

        func perform(at desk: Desk) throws {
            var list = try desk.services.ask(.scoring, ListMethodologies())
            list.items.removeAll { $0.method != method }
            guard !list.items.isEmpty else {
                throw Failure(
                    .refused, "there is no method \(method): see `greenctl methodology list --all`")
            }
            try desk.show(list) { list in
                Array(list.items.map(lines).joined(separator: [""]))
            }
        }

        private func lines(_ method: MethodologyRecord) -> [String] {
            var details = Details()
            details.add("method", "\(method.method) \(method.version)")
            details.add("name", Wording.name(method.nameZh, method.nameEn))
            details.add("city", method.city)
            details.add("state", method.active ? "active" : "inactive")
            details.add("behaviour", "\(method.behaviour), in \(method.unit)")
            details.add("factor", "\(method.factor) mg CO2e per \(method.unit)")
            details.add("cap", method.cap ?? "none")
            details.add("points", method.pointsRule)
            details.add("valid", "\(method.validFrom) to \(method.validTo ?? "further notice")")
            details.add("evidence", method.evidence)
            details.add("source", method.source)
            details.add("confidence", method.confidence)
            return details.lines
        }
    }

    struct Check: OperatorCommand {
        static let configuration = CommandConfiguration(
            abstract: "Checks a methods.json before scoring is started on it.",
            discussion: "Worked examples are recomputed. Exits with 1 if anything is wrong.")

        @Argument(help: "A greenseason.methods.v1 document.") var file: String
        @Option(
            help: ArgumentHelp(
                "Its behaviours (default: behaviours.json beside it).", valueName: "file"))
        var behaviours: String?
        @OptionGroup var common: CommonOptions

        func perform(at desk: Desk) throws {
            let problems = MethodologyRegistry.check(file: file, behaviours: behaviours)
                .map(\.description)
            try desk.show(problems) { problems in
                problems.isEmpty ? ["\(file): scoring can start on it"] : problems
            }
            guard problems.isEmpty else {
                throw Failure(
                    .refused,
                    "\(Wording.plural(problems.count, "problem")) in \(file): mend them, or "
                        + "scoring will not start")
            }
        }
    }
}
