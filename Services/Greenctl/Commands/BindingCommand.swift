import ArgumentParser
import Messages
import Model

struct BindingCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "binding", abstract: "Which resident a partner's subject stands for.",
        subcommands: [Add.self, Import.self, Show.self])

    struct Add: OperatorCommand {
        static let configuration = CommandConfiguration(
            abstract: "Binds one resident to a partner, with consent to every behaviour.")

        @Argument(help: "The partner's id.") var partner: String
        @Argument(help: "The resident's registration key.") var resident: String
        @Option(help: "The pairwise subject; without it the deployment derives one.")
        var subject: String?
        @OptionGroup var order: KeyOption
        @OptionGroup var common: CommonOptions

        func perform(at desk: Desk) throws {
            let row = ImportBindings.Row(partner: partner, subject: subject, resident: resident)
            let reply = try desk.services.order(
                .ingestion, ImportBindings(rows: [row]), key: order.value)
            try desk.show(reply) { reply in
                var details = Details()
                details.add("partner", partner)
                details.add("resident", resident)
                details.add("subject", reply.subjects.first)
                details.add("state", reply.bound == 1 ? "bound" : "was bound already")
                return details.lines
            }
        }
    }

    struct Import: OperatorCommand {
        static let configuration = CommandConfiguration(
            abstract: "Imports bindings from CSV with the header partner,subject,resident.",
            discussion: """
                Rows that stand already are left as they are, so a file can be imported again. \
                Residents not yet known are registered.
                """)

        @Argument(help: "The CSV file.") var file: String
        @OptionGroup var common: CommonOptions

        func perform(at desk: Desk) throws {
            let rows = try BindingRows.read(file)
            let sum = try desk.importBindings(rows)
            try desk.show(sum, as: \.lines)
        }
    }

    struct Show: OperatorCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows whom a subject stands for, and what is consented to.")

        @Argument(help: "The partner's id.") var partner: String
        @Argument(help: "The pairwise subject.") var subject: String
        @OptionGroup var common: CommonOptions

        func perform(at desk: Desk) throws {
            try desk.show(
                desk.services.ask(.ingestion, ShowBinding(partner: partner, subject: subject)),
                as: BindingCommand.lines)
        }
    }

    static func lines(_ binding: BindingRecord) -> [String] {
        var details = Details()
        details.add("partner", binding.partner)
        details.add("subject", binding.subject)
        details.add("resident", binding.resident.description)
        var consents = Table("CONSENT", "FROM", "UNTIL")
        for consent in binding.consents {
            consents.add(
                consent.behaviour ?? "every behaviour", consent.from?.rfc3339 ?? "always",
                consent.until?.rfc3339 ?? "open")
        }
        return details.lines + (consents.isEmpty ? ["no consents"] : consents.lines)
    }
}

/// What an import came to, over all its requests.
struct ImportedBindings: Encodable {
    var bound = 0
    var unchanged = 0
    var residentsAdded = 0

    var lines: [String] {
        [
            "\(Wording.plural(bound, "binding")) added, \(Wording.count(unchanged)) stood already, "
                + "\(Wording.plural(residentsAdded, "resident")) registered"
        ]
    }
}

extension Desk {
    /// Imports `rows`, a request's worth at a time.
    func importBindings(_ rows: [ImportBindings.Row]) throws -> ImportedBindings {
        var sum = ImportedBindings()
        for start in stride(from: 0, to: rows.count, by: ImportBindings.rowsMax) {
            let page = Array(rows[start..<min(start + ImportBindings.rowsMax, rows.count)])
            let reply = try services.order(
                .ingestion, ImportBindings(rows: page), key: .random())
            sum.bound += reply.bound
            sum.unchanged += reply.unchanged
            sum.residentsAdded += reply.residentsAdded
        }
        return sum
    }
}

/// Bindings in CSV: `partner,subject,resident`; no value holds a comma or a quote.
enum BindingRows {
    static let header = "partner,subject,resident"

    static func read(_ path: String) throws -> [ImportBindings.Row] {
        try CSVLines.read(path, header: header) { number, cells in
            guard cells.count == 3, !cells[0].isEmpty, !cells[2].isEmpty else {
                throw Failure(
                    .refused, "\(path), line \(number): a row is \(header); subject may be empty")
            }
            return ImportBindings.Row(
                partner: cells[0], subject: cells[1].isEmpty ? nil : cells[1], resident: cells[2])
        }
    }
}
