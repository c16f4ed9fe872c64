package import CreditProfile
package import GRDB
import Greenctl
package import Ingestion
import Messages
package import Rewards
package import Scoring
package import Streams

/// How one service is made: what `XService` says of itself, on a disk of the simulator's.
package struct Blueprint<Work: Domain> {
    package struct Made {
        package var domain: Work
        package var answering: any Answering
        /// The partners, if the service has an edge.
        package var directory: PartnerDirectory?
    }

    var service: ServiceName
    var stream: StreamName
    var input: StreamName?
    var migrations: DatabaseMigrator
    var make: (any DatabaseWriter, _ partitions: Int) throws -> Made
    /// Run on the connection that writes, once it is open.
    package var prepare: (Database) throws -> Void = { _ in }
    var process: (World, Blueprint<Work>, Process<Work>.Opened) throws -> Process<Work>

    /// The same service with another domain in its place.
    package func substituting<Other: Domain>(
        _ wrap: @escaping (Work) -> Other
    ) -> Blueprint<Other> {
        Blueprint<Other>(
            service: service, stream: stream, input: input,
            migrations: migrations, make: { try self.make($0, $1).wrapped(wrap) },
            prepare: prepare, process: { try Process($0, $1, $2) })
    }
}

extension Blueprint.Made {
    fileprivate func wrapped<Other: Domain>(_ wrap: (Work) -> Other) -> Blueprint<Other>.Made {
        Blueprint<Other>.Made(domain: wrap(domain), answering: answering, directory: directory)
    }
}

extension Blueprint
where Work.Errand == IngestionErrand, Work.ErrandResult == IngestionResult {
    /// The same service with another domain in its place, and the edge before it.
    package func substitutingBehindEdge<Other: Domain>(
        _ wrap: @escaping (Work) -> Other
    ) -> Blueprint<Other>
    where Other.Errand == IngestionErrand, Other.ErrandResult == IngestionResult {
        var other = substituting(wrap)
        other.process = { try EdgeProcess($0, $1, $2) }
        return other
    }
}

/// The four services, as they are.
package enum Services {
    package static func ingestion(in world: World) -> Blueprint<IngestionDomain> {
        let rules = world.rules
        let followsMachine = world.scenario.followsMachine
        return Blueprint(
            service: .ingestion, stream: .behaviour, input: nil,
            migrations: IngestionStore.migrations,
            make: { database, partitions in
                let domain = try IngestionDomain(
                    database: database, catalogue: rules.catalogue, secrets: rules.secrets,
                    clock: followsMachine ? .system : .manual(initial: nil),
                    partitions: partitions,
                    duplicateSizes: DuplicateIndex.Sizes(
                        firstSlots: 1 << 6, lastSlots: 1 << 12, idsPerRowMax: 4))
                return Blueprint.Made(
                    domain: domain, answering: IngestionAnswers(face: domain.face),
                    directory: domain.directory)
            },
            process: { try EdgeProcess($0, $1, $2) })
    }

    package static func scoring(in world: World) -> Blueprint<ScoringDomain> {
        let registry = world.rules.registry
        return Blueprint(
            service: .scoring, stream: .points, input: .behaviour,
            migrations: ScoringStore.migrations,
            make: { database, _ in
                // A city of a few residents settles its totals as seldom as a large one.
                let domain = try ScoringDomain(
                    database: database, registry: registry, city: Rules.city, roundEntries: 64)
                return Blueprint.Made(
                    domain: domain, answering: ScoringAnswers(registry: registry, tail: domain.tail)
                )
            },
            process: { try Process($0, $1, $2) })
    }

    package static func rewards(in world: World) -> Blueprint<RewardsDomain> {
        let key = world.rules.voucherKey
        return Blueprint(
            service: .rewards, stream: .redemption, input: .points,
            migrations: RewardsStore.migrations,
            make: { database, partitions in
                // Rounds so short that a scenario goes through many, and leaves tails.
                let domain = try database.read {
                    try RewardsDomain(
                        database: $0, voucherKey: key, partitions: partitions,
                        pace: SettlingPace(neighbours: 2, slices: 4, transfersPerStep: 8))
                }
                return Blueprint.Made(
                    domain: domain,
                    answering: RewardsAnswers(voucherKey: key, latest: domain.latest))
            },
            process: { try Process($0, $1, $2) })
    }

    package static func creditProfile(in world: World) -> Blueprint<CreditProfileDomain> {
        let table = world.rules.table
        return Blueprint(
            service: .creditProfile, stream: .profile, input: .points,
            migrations: CreditProfileStore.migrations,
            make: { database, partitions in
                Blueprint.Made(
                    domain: try database.read {
                        try CreditProfileDomain(
                            database: $0, table: table, partitions: partitions)
                    },
                    answering: CreditProfileAnswers(table: table))
            },
            process: { try Process($0, $1, $2) })
    }
}
