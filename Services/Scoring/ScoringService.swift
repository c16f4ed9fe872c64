package import GRDB
package import Messages
package import ServiceKit
import Storage

/// Scoring as a service: `behaviour` in, `points` out.
package enum ScoringService: ServiceProgram {
    package static let name = "scoring"
    package static let stream = StreamName.points
    package static let inputs = [(stream: StreamName.behaviour, service: "ingestion")]
    package static let transactionEventsMax = 50_000
    package static let settings = [
        Setting(
            "methodologies", .text("deploy/methodologies"),
            "folder of behaviours.json and methods.json"),
        Setting("city", .text("beijing"), "whose methods apply; fixed by the first start"),
    ]

    package static var migrations: DatabaseMigrator { ScoringStore.migrations }

    package static func prepare(_ context: ServiceContext) throws -> Prepared<ScoringDomain> {
        do {
            let registry = try MethodologyRegistry.load(
                folder: context.settings.text("methodologies"))
            let domain = try ScoringDomain(
                database: context.store.writer, registry: registry,
                city: context.settings.text("city"))
            return Prepared(
                domain: domain, answering: ScoringAnswers(registry: registry, tail: domain.tail))
        } catch let refused as MethodologyRefused {
            throw ConfigurationProblem(refused.problems.first.map { "\($0)" } ?? "\(refused)")
        } catch let refused as RegistryRefused {
            throw ConfigurationProblem("\(refused)")
        }
    }
}
