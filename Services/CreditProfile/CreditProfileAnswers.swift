package import GRDB
package import Messages
import Model
package import Streams

/// The read side of CreditProfile: a standing, computed when it is asked for.
package struct CreditProfileAnswers: Answering {
    private let table: ProfileTable

    package init(table: ProfileTable) { self.table = table }

    package func answer(_ query: QueryMessage, in database: Database) throws -> ReplyMessage {
        guard query.method == ShowProfile.method else { return .unknownMethod(query.method) }
        return try .answering(ShowProfile.self, query.body) { query in
            guard
                let consent = try CreditProfileStore.consent(of: query.resident, in: database)
            else {
                return .refused(
                    "no_consent", "resident \(query.resident) has not consented to being scored")
            }
            let day = try CreditProfileStore.sums(of: consent.partition, in: database).lastEnded
            let profile = try table.profile(under: consent, asOf: day, in: database)
            return try .ok(
                table.record(
                    of: profile, resident: consent.resident, day: day, history: consent.history))
        }
    }
}

extension ProfileTable {
    /// The standing on the evening of `day`; before any day has ended, nothing counts.
    func profile(
        under consent: Consent, asOf day: LocalDay?, in database: Database
    ) throws -> Profile {
        guard let day else { return profile(of: Measures()) }
        let window = consent.window(endingOn: day, days: windowDays)
        return profile(
            of: try CreditProfileStore.measures(
                of: consent.resident, from: window.first, to: window.last, in: database))
    }
}
