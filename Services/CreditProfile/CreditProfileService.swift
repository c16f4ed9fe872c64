package import GRDB
package import Messages
package import ServiceKit
import Storage
package import Streams

/// CreditProfile as a service: `points` in, `profile` out.
package enum CreditProfileService: ServiceProgram {
    package static let name = "credit-profile"
    package static let stream = StreamName.profile
    package static let inputs = [(stream: StreamName.points, service: "scoring")]
    package static let transactionEventsMax = 50_000
    /// Nobody waits for a profile to follow the points it is made of.
    package static let gathering: Gathering? = Gathering(seconds: 0.05, eventsEnough: 8_000)
    package static let settings = [
        Setting("table", .text("deploy/profile/v1.json"), "how measures become scores and levels")
    ]

    package static var migrations: DatabaseMigrator { CreditProfileStore.migrations }

    package static func prepare(_ context: ServiceContext) throws -> Prepared<CreditProfileDomain> {
        let table: ProfileTable
        do {
            table = try ProfileTable(path: context.settings.text("table"))
        } catch {
            throw ConfigurationProblem("\(error)")
        }
        let domain = try context.store.writer.read {
            try CreditProfileDomain(
                database: $0, table: table, partitions: context.identity.partitions)
        }
        return Prepared(domain: domain, answering: CreditProfileAnswers(table: table))
    }
}
