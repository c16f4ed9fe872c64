import ArgumentParser
import Messages
import Model

struct LedgerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger", abstract: "Residents' carbon ledgers.", subcommands: [Show.self])

    struct Show: OperatorCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows what a resident avoided, newest first, and why it counts so.")

        @Argument(help: ResidentArgument.help) var resident: ResidentArgument
        @Option(help: "The most entries to show.") var limit = 20
        @Option(help: ArgumentHelp("Read on where an earlier page ended.", valueName: "place"))
        var before: Int64?
        @Flag(help: "Explain each entry: method, factor, cap and points rule.") var explain = false
        @OptionGroup var common: CommonOptions

        func validate() throws {
            guard (1...ShowLedger.entriesMax).contains(limit) else {
                throw ValidationError("--limit takes 1 to \(ShowLedger.entriesMax)")
            }
        }

        func perform(at desk: Desk) throws {
            let request = ShowLedger(
                resident: try resident.resolve(at: desk), limit: limit, before: before)
            try desk.show(desk.services.ask(.scoring, request)) { ledger in
                var lines = [
                    "resident \(ledger.resident): avoided "
                        + "\(Wording.grams(ledger.milligrams)) CO2e, "
                        + "awarded \(Wording.points(ledger.points)) points"
                ]
                lines += explain ? ledger.entries.flatMap(explanation) : table(ledger.entries)
                if let next = ledger.next { lines.append("more: --before \(next)") }
                return lines
            }
        }

        private func table(_ entries: [LedgerEntry]) -> [String] {
            var table = Table(
                "DAY", "BEHAVIOUR", ">QUANTITY", "UNIT", "EVIDENCE", ">AVOIDED", ">POINTS", "WHY")
            for entry in entries {
                table.add(
                    entry.day, entry.behaviour, entry.quantity, entry.unit, entry.evidence,
                    Wording.grams(entry.milligrams), Wording.points(entry.points), entry.reason)
            }
            return table.lines
        }

        private func explanation(_ entry: LedgerEntry) -> [String] {
            var details = Details()
            details.add("  evidence", entry.evidence)
            details.add("  method", entry.method.map { "\($0) \(entry.version ?? "")" })
            details.add("  factor", entry.factor.map { "\($0) mg per \(entry.unit)" })
            details.add("  before cap", Wording.grams(entry.milligramsBeforeCap))
            details.add("  cap", entry.cap)
            details.add("  points rule", entry.pointsRule)
            details.add(
                "  \(entry.state)",
                "\(Wording.grams(entry.milligrams)), \(Wording.points(entry.points)) points: "
                    + entry.reason)
            return ["", "\(entry.time)  \(entry.behaviour)  \(entry.quantity) \(entry.unit)"]
                + details.lines
        }
    }
}
