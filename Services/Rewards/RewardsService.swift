package import GRDB
package import Messages
package import ServiceKit
import Storage
import Streams

/// Rewards as a service: `points` in, `redemption` out.
package enum RewardsService: ServiceProgram {
    package static let name = "rewards"
    package static let stream = StreamName.redemption
    package static let inputs = [(stream: StreamName.points, service: "scoring")]
    package static let transactionEventsMax = 50_000
    package static let settings: [Setting] = []

    package static func register(in migrator: inout DatabaseMigrator) {
        RewardsStore.register(in: &migrator)
    }

    package static func prepare(_ context: ServiceContext) throws -> Prepared<RewardsDomain> {
        guard let key = VoucherKey(try context.secrets.bytes("rewards.voucher")) else {
            throw ConfigurationProblem("the voucher key is too short")
        }
        let domain = try context.store.writer.read {
            try RewardsDomain(
                database: $0, voucherKey: key, partitions: context.identity.partitions)
        }
        return Prepared(domain: domain, answering: RewardsAnswers(voucherKey: key))
    }
}
