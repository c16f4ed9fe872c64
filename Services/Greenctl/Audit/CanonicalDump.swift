import CreditProfile
import GRDB
import Ingestion
import Model
import Rewards
import Scoring
import Streams

/// What all services have come to, without anything that depends on when and how it came.
///
/// Two systems are equal when their dumps are equal, byte for byte: after a crash, a replay, a
/// shuffle or a rebuild. The format is specified in docs/canonical-dump.md: keys sorted, no
/// whitespace, rows sorted by their bytes.
package struct CanonicalDump {
    private static let eventsAtOnce = 10_000

    private let snapshots: StoreSnapshots

    package init(_ snapshots: StoreSnapshots) { self.snapshots = snapshots }

    package func text() throws -> String {
        var text = "{\"creditProfile\":{\"profiles\":"
        text += Self.array(try profiles())
        text += "},\"ingestion\":{\"events\":"
        text += Self.array(try events())
        text += "},\"rewards\":{\"balances\":"
        text += Self.array(try balances())
        text += ",\"lots\":"
        text += Self.array(try lots())
        text += ",\"vouchers\":"
        text += Self.array(try vouchers())
        text += "},\"scoring\":{\"periods\":"
        text += Self.array(try periods())
        return text + "}}"
    }

    /// `["source","id","state",milligrams before caps]`.
    ///
    /// An event that scoring has not applied is `unscored`; in a settled system there is none.
    private func events() throws -> [String] {
        let scoring = ScoringRecords(snapshots[.scoring])
        var outcomes: [ScoringRecords.Event] = []
        var place = 0
        var partition = -1
        var rows: [String] = []
        // Both are in the order of their places, so one walk joins them.
        try IngestionRecords(snapshots[.ingestion]).forEachAccepted { event in
            if event.partition != partition {
                partition = event.partition
                outcomes = []
                place = 0
            }
            while place == outcomes.count || outcomes[place].sequence < event.sequence {
                if place < outcomes.count {
                    place += 1
                } else {
                    let last = max(outcomes.last?.sequence ?? 0, event.sequence - 1)
                    outcomes = try scoring.events(
                        in: partition, after: last, limit: Self.eventsAtOnce)
                    place = 0
                    if outcomes.isEmpty { break }
                }
            }
            let name = "[\(Self.string(event.source)),\(Self.string(event.id)),"
            if place < outcomes.count, outcomes[place].sequence == event.sequence {
                let outcome = outcomes[place]
                rows.append(name + "\"\(outcome.state)\",\(outcome.beforeCap.rawValue)]")
            } else {
                rows.append(name + "\"unscored\",0]")
            }
        }
        return rows
    }

    /// `["resident","method","version","period",milligrams,points]`.
    private func periods() throws -> [String] {
        var rows: [String] = []
        try ScoringRecords(snapshots[.scoring]).forEachPeriod { period in
            rows.append(
                "[\"\(period.resident)\",\(Self.string(period.method)),"
                    + "\(Self.string(period.version)),\"\(period.period)\","
                    + "\(period.milligrams.rawValue),\(period.points.rawValue)]")
        }
        return rows
    }

    /// `["resident",spendable,debt]`, of those who have either.
    private func balances() throws -> [String] {
        try RewardsRecords(snapshots[.rewards]).balances()
            .filter { $0.spendable > .zero || $0.debt > .zero }
            .map { "[\"\($0.resident)\",\($0.spendable.rawValue),\($0.debt.rawValue)]" }
    }

    /// `["resident","earned day",remaining,awarded]`.
    private func lots() throws -> [String] {
        try RewardsRecords(snapshots[.rewards]).lots().map { lot in
            "[\"\(lot.resident)\",\"\(lot.earnedDay)\",\(lot.remaining.rawValue),"
                + "\(lot.awarded.rawValue)]"
        }
    }

    /// `["resident","item","state",points]`.
    private func vouchers() throws -> [String] {
        try RewardsRecords(snapshots[.rewards]).orders().map { order in
            "[\"\(order.resident)\",\(Self.string(order.item)),\"\(order.state.rawValue)\","
                + "\(order.points.rawValue)]"
        }
    }

    /// `["resident",score,"level",[["dimension",measure,score],…]]`, of those who consent.
    private func profiles() throws -> [String] {
        let records = CreditProfileRecords(snapshots[.creditProfile])
        return try records.consents().map { consent in
            guard let profile = try records.published(of: consent.resident) else {
                return "[\"\(consent.resident)\",0,\"\",[]]"
            }
            let dimensions = profile.dimensions.map {
                "[\(Self.string($0.code)),\($0.measure),\($0.score)]"
            }
            return "[\"\(consent.resident)\",\(profile.score),\(Self.string(profile.level)),"
                + "[\(dimensions.joined(separator: ","))]]"
        }
    }

    private static func array(_ rows: [String]) -> String {
        let sorted = rows.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        return "[" + sorted.joined(separator: ",") + "]"
    }

    /// JSON of a text without control characters: the only kind that names hold.
    private static func string(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            if scalar == "\"" || scalar == "\\" { quoted.unicodeScalars.append("\\") }
            quoted.unicodeScalars.append(scalar)
        }
        return quoted + "\""
    }
}
