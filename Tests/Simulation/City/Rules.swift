import Crypto
import Foundation
import CreditProfile
import Ingestion
import Rewards
import Scoring

/// What a deployment is started with: registries, tables and keys.
///
/// Read once, for all scenarios.
package struct Rules: Sendable {
    let catalogue: BehaviourCatalogue
    let registry: MethodologyRegistry
    let table: ProfileTable
    let secrets: IngestionSecrets
    let voucherKey: VoucherKey
    /// The same registries, as whoever checks the services reads them.
    let reference: ReferenceRules

    static let city = "beijing"

    /// - Parameter folder: the repository's `deploy`.
    package init(deploy folder: String) throws {
        catalogue = try BehaviourCatalogue(path: folder + "/methodologies/behaviours.json")
        registry = try MethodologyRegistry.load(folder: folder + "/methodologies")
        table = try ProfileTable(path: folder + "/profile/v1.json")
        func key(_ byte: UInt8) -> SymmetricKey {
            SymmetricKey(data: [UInt8](repeating: byte, count: 32))
        }
        secrets = IngestionSecrets(resident: key(1), subject: key(2), event: key(3))
        guard let voucherKey = VoucherKey([UInt8](repeating: 4, count: VoucherKey.byteCount)) else {
            preconditionFailure("a key of the right length is a key")
        }
        self.voucherKey = voucherKey
        reference = try ReferenceRules(deploy: folder)
    }
}
