import GRDB
import Model

/// One resident's carbon ledger, read from the newest entry to the oldest.
struct ResidentStatement {
    /// An entry with its interned words spelt out.
    struct Entry {
        var previous: LedgerPlace?
        var time: Instant
        var behaviour: String
        var unit: String
        /// nil for a refusal.
        var version: MethodVersion.ID?
        var quantity: Quantity
        var beforeCap: Milligrams
        var milligrams: Milligrams
        var points: Points
        var reason: LedgerReason
        var evidence: Int32
    }

    private let resident: ResidentID
    private let unsettled: [LedgerPlace]
    private let database: Database

    /// - Parameter unsettled: where the entries stand that the resident's row does not hold, in
    ///   the order in which they were decided; what is not in `database` is newer than it.
    init(of resident: ResidentID, unsettled: [LedgerPlace], in database: Database) {
        self.resident = resident
        self.unsettled = unsettled
        self.database = database
    }

    /// What the resident has, and the newest entry; nothing, if scoring has never heard of them.
    func totals() throws -> ResidentTotals {
        var totals = try SettledTotals(in: database).totals(ofResident: resident.rawValue)
        for place in unsettled {
            let row = try Row.fetchOne(
                database.cachedStatement(
                    sql: """
                        SELECT milligrams, points FROM ledger_entry WHERE place = ? AND resident = ?
                        """),
                arguments: [place.rawValue, resident.rawValue])
            guard let row else { continue }
            totals.milligrams += Milligrams(row[0])
            totals.points += Points(row[1])
            totals.entries += 1
            totals.newest = place
        }
        return totals
    }

    /// The entry at `place`, or nil if there is none or it is another resident's.
    func entry(at place: LedgerPlace) throws -> Entry? {
        let row = try Row.fetchOne(
            database.cachedStatement(
                sql: """
                    SELECT previous, time_ms, behaviour.text, unit.text, method_version.method,
                        method_version.version, quantity, before_cap, milligrams, points, reason,
                        evidence
                    FROM ledger_entry
                    JOIN word AS behaviour ON behaviour.id = ledger_entry.behaviour
                    JOIN word AS unit ON unit.id = ledger_entry.unit
                    LEFT JOIN method_version ON method_version.id = ledger_entry.version
                    WHERE place = ? AND resident = ?
                    """),
            arguments: [place.rawValue, resident.rawValue])
        guard let row else { return nil }
        guard let reason = LedgerReason(rawValue: row[10]) else {
            throw LedgerDamaged(place: place, what: "its reason is unknown")
        }
        return Entry(
            previous: (row[0] as Int64?).map { LedgerPlace(rawValue: $0) },
            time: Instant(milliseconds: row[1]), behaviour: row[2], unit: row[3],
            version: (row[4] as String?).map { MethodVersion.ID(method: $0, version: row[5]) },
            quantity: Quantity(rawValue: row[6]), beforeCap: Milligrams(row[7]),
            milligrams: Milligrams(row[8]), points: Points(row[9]), reason: reason,
            evidence: row[11])
    }
}

/// A ledger that does not read as it was written.
package struct LedgerDamaged: Error, Equatable {
    package var place: LedgerPlace
    package var what: String
}

extension LedgerDamaged: CustomStringConvertible {
    package var description: String {
        "the ledger's entry \(place.partition)/\(place.sequence) is damaged: \(what)"
    }
}
