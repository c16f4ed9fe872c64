import ArgumentParser
import Foundation
import Messages
import Model
import ZeroMQ

struct GenerateDayCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate-day",
        abstract: "Makes up a day of a city, as its partners would report it.",
        discussion: "The same options make the same bytes. Load it with `greenctl city load`.")

    @Argument(help: "The folder to write; it is made if it is missing.") var folder: String
    @Option(help: "Chooses the city.") var seed: UInt64 = 1
    @Option(help: "How many residents.") var residents = 1_000
    @Option(help: "How many partners.") var partners = 8
    @Option(help: "How many events, everything included.") var events = 10_000
    @Option(help: ArgumentHelp("The local day.", valueName: "yyyy-mm-dd")) var date = "2026-08-10"
    @Flag(help: "Put a few bodies between the events that are no JSON at all.")
    var malformed = false
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard LocalDay(date) != nil else {
            throw ValidationError("--date takes a day such as 2026-08-10")
        }
        try check("--residents", residents, CityDay.Limits.residents)
        try check("--partners", partners, CityDay.Limits.partners)
        try check("--events", events, CityDay.Limits.events)
    }

    private func check(_ option: String, _ value: Int, _ range: ClosedRange<Int>) throws {
        guard range.contains(value) else {
            throw ValidationError("\(option) takes \(range.lowerBound) to \(range.upperBound)")
        }
    }

    func perform(at desk: Desk) throws {
        guard let day = LocalDay(date) else { return }
        var plan = CityDay.Plan(
            seed: seed, residents: residents, partners: partners, events: events,
            date: day.rawValue)
        plan.malformed = malformed
        let tally = try CityDay(plan).write(to: folder)
        let made = GeneratedDay(folder: folder, tally)
        try desk.show(made, as: \.lines)
    }
}

/// What a generated day holds, of which kind.
private struct GeneratedDay: Encodable {
    var folder: String
    var events: Int
    var resent: Int
    var conflicting: Int
    var late: Int
    var invalid: Int
    var unbound: Int
    var doubled: Int
    var malformed: Int

    init(folder: String, _ tally: CityDay.Tally) {
        self.folder = folder
        events = tally.events
        resent = tally.resent
        conflicting = tally.conflicting
        late = tally.late
        invalid = tally.invalid
        unbound = tally.unbound
        doubled = tally.doubled
        malformed = tally.malformed
    }

    var lines: [String] {
        var table = Table("LINES", ">COUNT")
        table.add("events", Wording.count(events))
        table.add("resent, byte for byte", Wording.count(resent))
        table.add("same id, other content", Wording.count(conflicting))
        table.add("reported late", Wording.count(late))
        table.add("invalid", Wording.count(invalid))
        table.add("of strangers", Wording.count(unbound))
        table.add("rides reported twice", Wording.count(doubled))
        table.add("not JSON", Wording.count(malformed))
        return ["\(folder):"] + table.lines
    }
}

struct CityCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "city", abstract: "Whole city folders.", subcommands: [Load.self])

    struct Load: OperatorCommand {
        static let configuration = CommandConfiguration(
            abstract: "Registers the partners, residents and bindings of a city folder.",
            discussion: """
                A key pair is made for each partner in the data folder's partner-keys/, where \
                `greenctl publish` looks for it. What is registered already stays as it is.
                """)

        @Argument(help: "A folder with partners.json, residents.csv and bindings.csv.")
        var folder: String
        @Option(help: ArgumentHelp("Where partners' keys lie.", valueName: "folder"))
        var keys: String?
        @OptionGroup var common: CommonOptions

        func perform(at desk: Desk) throws {
            let keys = keys.map(PartnerKeys.init(folder:)) ?? PartnerKeys(of: desk.folder)
            let sum = try CityLoad(folder: folder, keys: keys, desk: desk).run()
            try desk.show(sum) { sum in
                [
                    "\(Wording.plural(sum.partnersAdded, "partner")) registered, "
                        + "\(Wording.count(sum.partnersKnown)) known already"
                ] + sum.bindings.lines + [
                    "\(Wording.plural(sum.residents, "resident")) in all; partners' keys are in "
                        + keys.folder
                ]
            }
        }
    }
}

/// Brings the register to where a city folder wants it; doing it again changes nothing.
private struct CityLoad {
    struct Sum: Encodable {
        var partnersAdded = 0
        var partnersKnown = 0
        var residents = 0
        var bindings = ImportedBindings()
    }

    private struct Partner: Decodable {
        var id: String
        var sources: [String]
        var behaviours: [String]
    }

    let folder: String
    let keys: PartnerKeys
    let desk: Desk

    func run() throws -> Sum {
        var sum = Sum()
        try register(try partners(), into: &sum)
        let residents = try CSVLines.read(folder + "/residents.csv", header: "resident") { $1[0] }
        let bindings = try BindingRows.read(folder + "/bindings.csv")
        sum.residents = residents.count
        sum.bindings = try desk.importBindings(bindings)
        // Bindings register their residents a thousand at a time; the few who are bound to
        // nobody are registered one by one.
        let bound = Set(bindings.map(\.resident))
        for key in residents where !bound.contains(key) {
            _ = try desk.services.order(.ingestion, AddResident(key: key), key: .random())
            sum.bindings.residentsAdded += 1
        }
        return sum
    }

    private func partners() throws -> [Partner] {
        let path = folder + "/partners.json"
        do {
            return try JSONDecoder().decode([Partner].self, from: desk.contents(of: path))
        } catch is DecodingError {
            throw Failure(
                .refused, "\(path) is not a list of {\"id\", \"sources\", \"behaviours\"}")
        }
    }

    private func register(_ partners: [Partner], into sum: inout Sum) throws {
        do {
            try FileManager.default.createDirectory(
                atPath: keys.folder, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
        } catch {
            throw Failure(.configuration, "\(keys.folder) cannot be made: check who owns it")
        }
        let known = Dictionary(
            uniqueKeysWithValues: try desk.services.ask(.ingestion, ListPartners()).items.map {
                ($0.id, $0)
            })
        for partner in partners {
            let file = try keys.file(of: partner.id)
            let key = try file.establish().publicKey.z85
            if let standing = known[partner.id] {
                guard standing.publicKey == key else {
                    throw Failure(
                        .configuration,
                        "\(partner.id) is registered under another key than the one in "
                            + "\(file.path): name the folder of its key with --keys"
                    )
                }
                sum.partnersKnown += 1
                continue
            }
            _ = try desk.services.order(
                .ingestion,
                AddPartner(
                    id: partner.id, sources: partner.sources, behaviours: partner.behaviours,
                    publicKey: key),
                key: .random())
            sum.partnersAdded += 1
        }
    }
}
