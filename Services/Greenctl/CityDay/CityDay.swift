/// A day in the life of a city, made up from a seed, as its partners would report it.
///
/// It is written as a *city folder*, which `greenctl publish` replays and `Tests/Oracle/oracle.py`
/// evaluates:
///
/// - `partners.json`: `[{"id", "sources": […], "behaviours": […]}]`;
/// - `residents.csv`: header `resident`, one registration key a line;
/// - `bindings.csv`: header `partner,subject,resident`;
/// - `day.jsonl`: the steps of the day in order, see `CityStep`.
///
/// No organisation in it exists. The same plan makes the same bytes.
package struct CityDay: Sendable {
    /// What can be asked for.
    package enum Limits {
        package static let residents = 1...10_000_000
        package static let partners = 5...99
        package static let events = 0...100_000_000
    }

    /// How often reports go wrong, in ten-thousandths of the acts reported.
    package struct Accidents: Sendable, Equatable {
        /// Sent once more, byte for byte.
        package var resent = 200
        /// Sent once more under the same id with another content.
        package var conflicting = 5
        /// Reported one to twenty-eight days after it happened.
        package var late = 100
        /// Reported with one of the flaws of `Flaw`.
        package var invalid = 40
        /// Reported for somebody who never bound themselves to the partner.
        package var unbound = 20
        /// Bicycle rides that a map app reports too.
        package var doubled = 300
        /// Stamped by a clock that runs up to four minutes ahead.
        package var hasty = 50

        package init() {}
    }

    /// What is asked for.
    package struct Plan: Sendable, Equatable {
        package var seed: UInt64
        package var residents: Int
        package var partners: Int
        /// The number of event lines, everything included.
        package var events: Int
        /// The local day, in days since 1970-01-01.
        package var date: Int32
        package var accidents = Accidents()
        /// Whether a few bodies that are no JSON at all stand between the events.
        package var malformed = false

        /// Takes numbers within `Limits` only.
        package init(seed: UInt64, residents: Int, partners: Int, events: Int, date: Int32) {
            precondition(Limits.residents.contains(residents), "residents out of limits")
            precondition(Limits.partners.contains(partners), "partners out of limits")
            precondition(Limits.events.contains(events), "events out of limits")
            self.seed = seed
            self.residents = residents
            self.partners = partners
            self.events = events
            self.date = date
        }
    }

    /// How many lines of each kind were written.
    package struct Tally: Sendable, Equatable {
        package var events = 0
        package var resent = 0
        package var conflicting = 0
        package var late = 0
        package var invalid = 0
        package var unbound = 0
        package var doubled = 0
        package var malformed = 0
    }

    package let plan: Plan

    package init(_ plan: Plan) { self.plan = plan }

    /// Writes the city folder, making it where it is missing, and says what is in it.
    @discardableResult
    package func write(to folder: String) throws(FileFailure) -> Tally {
        try OutputFile.makeFolder(folder)
        let cast = Cast(seed: plan.seed, partners: plan.partners, residents: plan.residents)
        try writePartners(cast, to: folder + "/partners.json")
        try writeResidents(to: folder + "/residents.csv")
        try writeBindings(cast, to: folder + "/bindings.csv")
        var reporter = try Reporter(plan, cast, path: folder + "/day.jsonl")
        try reporter.writeDay()
        return reporter.tally
    }

    private func writePartners(_ cast: Cast, to path: String) throws(FileFailure) {
        func list(_ texts: [String]) -> String {
            "[" + texts.map { "\"\($0)\"" }.joined(separator: ",") + "]"
        }
        var file = try OutputFile(path: path)
        let entries = cast.partners.map { partner in
            " {\"id\":\"\(partner.id)\",\"sources\":\(list(partner.sources)),"
                + "\"behaviours\":\(list(partner.role.behaviours))}"
        }
        try file.write(line: "[\n" + entries.joined(separator: ",\n") + "\n]")
        try file.flush()
    }

    private func writeResidents(to path: String) throws(FileFailure) {
        var file = try OutputFile(path: path)
        try file.write(line: "resident")
        for resident in 0..<plan.residents { try file.write(line: Cast.key(of: resident)) }
        try file.flush()
    }

    private func writeBindings(_ cast: Cast, to path: String) throws(FileFailure) {
        var file = try OutputFile(path: path)
        try file.write(line: "partner,subject,resident")
        for resident in 0..<plan.residents {
            for partner in cast.partners where cast.isBound(resident, to: partner) {
                let subject = cast.subject(of: resident, at: partner)
                try file.write(line: "\(partner.id),\(subject),\(Cast.key(of: resident))")
            }
        }
        try file.flush()
    }
}
