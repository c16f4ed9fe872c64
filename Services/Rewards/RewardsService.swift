import Crypto
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

    package static var migrations: DatabaseMigrator { RewardsStore.migrations }

    package static func prepare(_ context: ServiceContext) throws -> Prepared<RewardsDomain> {
        let secret = try context.secrets.key("rewards.voucher").withUnsafeBytes { Array($0) }
        guard let key = VoucherKey(secret) else {
            preconditionFailure("a secret has the 32 bytes of a voucher key")
        }
        let domain = try context.store.writer.read {
            try RewardsDomain(
                database: $0, voucherKey: key, partitions: context.identity.partitions)
        }
        return Prepared(
            domain: domain, answering: RewardsAnswers(voucherKey: key, latest: domain.latest))
    }
}
