import ArgumentParser
import Messages
import Model

struct ResidentCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resident", abstract: "Owners of carbon ledgers.",
        subcommands: [Add.self, Show.self, List.self])

    struct Add: OperatorCommand {
        static let configuration = CommandConfiguration(abstract: "Registers a resident.")

        @Argument(help: "Registration key.") var key: String
        @OptionGroup var order: KeyOption
        @OptionGroup var common: CommonOptions

        func perform(at desk: Desk) throws {
            try desk.show(
                desk.services.order(.ingestion, AddResident(key: key), key: order.value),
                as: ResidentCommand.lines)
        }
    }

    struct Show: OperatorCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows the ResidentID of a registration key.")

        @Argument(help: "Registration key.") var key: String
        @Flag(help: "Print the ResidentID alone, for other commands.") var id = false
        @OptionGroup var common: CommonOptions

        func perform(at desk: Desk) throws {
            try desk.show(desk.services.ask(.ingestion, FindResident(key: key))) {
                id ? [$0.resident.description] : ResidentCommand.lines($0)
            }
        }
    }

    struct List: OperatorCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists residents in the order of their registration keys.")

        @Option(help: ArgumentHelp("Begin after this key.", valueName: "key")) var after: String?
        @Option(help: "The most residents to list.") var limit: Int?
        @OptionGroup var common: CommonOptions

        func perform(at desk: Desk) throws {
            let wanted = limit ?? .max
            var all: [ResidentRecord] = []
            var next = after
            repeat {
                let page = try desk.services.ask(.ingestion, ListResidents(after: next))
                all += page.items.prefix(wanted - all.count)
                next = page.next
            } while next != nil && all.count < wanted
            try desk.show(all) { residents in
                guard let last = residents.last else {
                    return ["no residents: register one with `greenctl resident add`"]
                }
                var table = Table("RESIDENT", ">ID")
                for resident in residents {
                    table.add(resident.key, resident.resident.description)
                }
                return table.lines + (next == nil ? [] : ["more: --after \(last.key)"])
            }
        }
    }

    static func lines(_ resident: ResidentRecord) -> [String] {
        var details = Details()
        details.add("resident", resident.key)
        details.add("id", resident.resident.description)
        return details.lines
    }
}
