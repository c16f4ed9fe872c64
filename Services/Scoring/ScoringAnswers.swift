package import GRDB
package import Messages
import Model
package import Streams

/// Scoring's questions: a resident's carbon ledger, explained, and the methods it is kept by.
package struct ScoringAnswers: Answering {
    private let registry: MethodologyRegistry
    private let tail: TailIndex?

    /// - Parameter tail: the domain's; without one, each answer reads the ledger's whole tail.
    package init(registry: MethodologyRegistry, tail: TailIndex? = nil) {
        self.registry = registry
        self.tail = tail
    }

    package func answer(_ query: QueryMessage, in database: Database) throws -> ReplyMessage {
        switch query.method {
        case ShowLedger.method:
            try .answering(ShowLedger.self, query.body) { try showLedger($0, in: database) }
        case ListMethodologies.method:
            try .answering(ListMethodologies.self, query.body) { _ in
                try .ok(Listing(items: registry.versions.map(MethodologyRecord.init)))
            }
        default:
            .unknownMethod(query.method)
        }
    }

    /// Walks from the newest entry, or from the one before `before`, to older ones.
    private func showLedger(_ query: ShowLedger, in database: Database) throws -> ReplyMessage {
        guard (1...ShowLedger.entriesMax).contains(query.limit) else {
            return .invalid("bad_limit", "limit is 1 to \(ShowLedger.entriesMax)")
        }
        let statement = ResidentStatement(
            of: query.resident, unsettled: try unsettled(of: query.resident, in: database),
            in: database)
        let totals = try statement.totals()
        var place: LedgerPlace?
        if let before = query.before {
            guard let entry = try statement.entry(at: LedgerPlace(rawValue: before)) else {
                return .invalid("bad_page", "before is not an entry of this resident")
            }
            place = entry.previous
        } else {
            place = totals.newest
        }
        var entries: [LedgerEntry] = []
        var last: LedgerPlace?
        while let next = place, entries.count < query.limit {
            guard let entry = try statement.entry(at: next) else {
                throw LedgerDamaged(place: next, what: "the statement's next entry is missing")
            }
            entries.append(LedgerEntry(entry, explainedBy: registry))
            last = next
            place = entry.previous
        }
        return try .ok(
            ShowLedger.Reply(
                resident: query.resident, milligrams: totals.milligrams, points: totals.points,
                entries: entries, next: place == nil ? nil : last?.rawValue))
    }

    private func unsettled(
        of resident: ResidentID, in database: Database
    ) throws -> [LedgerPlace] {
        let snapshot = LedgerTail(in: database)
        if let turn = try snapshot.turn(of: resident.rawValue),
            let known = tail?.places(of: resident.rawValue, settledAt: turn)
        {
            return known
        }
        return try snapshot.places(of: resident.rawValue)
    }
}

extension LedgerEntry {
    init(_ entry: ResidentStatement.Entry, explainedBy registry: MethodologyRegistry) {
        let version = entry.version.flatMap { registry.version($0) }
        self.init(
            day: entry.time.localDay.description, time: entry.time.rfc3339,
            behaviour: entry.behaviour, unit: entry.unit, quantity: entry.quantity.description,
            evidence: EvidenceKind(rawValue: entry.evidence)?.code ?? "unknown",
            state: entry.reason.isRefusal ? "refused" : "counted", reason: entry.reason.code,
            method: entry.version?.method, version: entry.version?.version,
            factor: version?.factor.description, cap: version?.capText,
            pointsRule: version?.pointsRuleText, milligramsBeforeCap: entry.beforeCap,
            milligrams: entry.milligrams, points: entry.points)
    }
}

extension MethodologyRecord {
    init(_ version: MethodVersion) {
        self.init(
            method: version.id.method, version: version.id.version, city: version.field.city,
            active: version.isActive, behaviour: version.field.behaviour,
            unit: version.field.unit, nameZh: version.nameZh, nameEn: version.nameEn,
            factor: version.factor.description, cap: version.capText,
            pointsRule: version.pointsRuleText, validFrom: version.validFrom.description,
            validTo: version.validTo?.description, evidence: version.evidence,
            source: version.source, confidence: version.confidence)
    }
}
