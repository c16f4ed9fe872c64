package import GRDB
package import Messages
import Model
package import Streams

/// Ingestion's queries: the register and the clock, from snapshots.
package struct IngestionAnswers: Answering {
    private let face: ClockFace

    /// - Parameter face: The domain's, which knows the clock to the last commit.
    package init(face: ClockFace) { self.face = face }

    package func answer(_ query: QueryMessage, in database: Database) throws -> ReplyMessage {
        switch query.method {
        case ListPartners.method:
            return try .answering(ListPartners.self, query.body) { _ in
                try .ok(try partners(in: database))
            }
        case ListResidents.method:
            return try .answering(ListResidents.self, query.body) {
                try .ok(try residents(after: $0.after, in: database))
            }
        case FindResident.method:
            return try .answering(FindResident.self, query.body) { query in
                guard let resident = try IngestionStore.resident(of: query.key, in: database)
                else { return .refused("unknown_resident", "nobody is registered as \(query.key)") }
                return try .ok(ResidentRecord(key: query.key, resident: resident))
            }
        case ShowBinding.method:
            return try .answering(ShowBinding.self, query.body) {
                try binding($0, in: database)
            }
        case ShowClock.method:
            return try .answering(ShowClock.self, query.body) { _ in
                guard let record = face.record else {
                    return .refused("clock_unset", "the clock has no time yet")
                }
                return try .ok(record)
            }
        default:
            return .unknownMethod(query.method)
        }
    }

    private func partners(in database: Database) throws -> Listing<PartnerRecord> {
        let counts = try IngestionStore.counts(in: database)
        return Listing(
            items: try IngestionStore.partners(in: database).map { partner in
                PartnerRecord(
                    id: partner.id, sources: partner.sources.map(\.urn),
                    behaviours: partner.licences.map(\.behaviour), publicKey: partner.publicKey,
                    counts: counts[partner.id] ?? ReceiptCounts())
            })
    }

    private func residents(
        after key: String?, in database: Database
    ) throws -> Listing<ResidentRecord> {
        let limit = Register.Limits.residentsPerPage
        var residents = try IngestionStore.residents(after: key, limit: limit + 1, in: database)
        guard residents.count > limit else { return Listing(items: residents) }
        residents.removeLast()
        return Listing(items: residents, next: residents.last?.key)
    }

    private func binding(_ query: ShowBinding, in database: Database) throws -> ReplyMessage {
        guard
            let partner = try IngestionStore.partners(in: database)
                .first(where: { $0.id == query.partner })
        else { return .refused("unknown_partner", "no partner \(query.partner)") }
        guard
            let resident = try IngestionStore.resident(
                boundTo: query.subject, of: partner.number, in: database)
        else { return .refused("unknown_binding", "\(query.subject) is bound to nobody") }
        let changes = try IngestionStore.consents(of: resident, to: partner.number, in: database)
        return try .ok(
            BindingRecord(
                partner: query.partner, subject: query.subject, resident: resident,
                consents: Consents(changes).intervals))
    }
}
