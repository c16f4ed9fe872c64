import Crypto
import GRDB
import Ingestion
import Messages
import Model
import Storage
import Streams
import Wire

/// The small city that targets play in: one partner, one resident, a catalogue of behaviours.
enum Furnishing {
    static let partner = "bike"
    static let source = "urn:partner:bike"
    static let subject = "s1"
    static let registrationKey = "resident-1"
    static let publicKey = String(repeating: "1", count: 40)

    /// 2026-08-10T12:00:00+08:00.
    static let noon = Instant(milliseconds: 1_786_334_400_000)
    static let today = noon.localDay

    static let secrets: IngestionSecrets = {
        func key(_ byte: UInt8) -> SymmetricKey {
            SymmetricKey(data: [UInt8](repeating: byte, count: 32))
        }
        return IngestionSecrets(resident: key(1), subject: key(2), event: key(3))
    }()

    static var resident: ResidentID {
        ResidentID(registrationKey: registrationKey, secret: secrets.resident)
    }

    static let catalogueText = """
        {"schema":"greenseason.behaviours.v1","behaviours":[\
        {"code":"cycling","interval":"required","units":{"km":{"quantity_max":"60"},\
        "trip":{"quantity_max":"1"}}},\
        {"code":"clean_plate","interval":"optional","units":{"meal":{"quantity_max":"1"}}}]}
        """

    static let catalogue: BehaviourCatalogue = {
        do {
            return try BehaviourCatalogue(json: Array(catalogueText.utf8))
        } catch {
            violated("the catalogue is good: \(error)")
        }
    }()

    static let ride = """
        {"specversion":"1.0","id":"e1","source":"urn:partner:bike",\
        "type":"cn.greenseason.behaviour.v1","time":"2026-08-10T08:12:31+08:00","subject":"s1",\
        "data":{"behaviour":"cycling","quantity":"3.42","unit":"km",\
        "startedAt":"2026-08-10T07:58:02+08:00","endedAt":"2026-08-10T08:12:31+08:00",\
        "evidence":{"kind":"operator_order","reference":"r1","vehicle":"v1","serial":"\\u4e2d"}}}
        """
}

/// A store in memory, copied from one that was furnished once: migrations cost more than a run.
struct StoreTemplate: Sendable {
    private let template: DatabaseQueue

    init(_ migrations: DatabaseMigrator, _ furnish: (DatabaseQueue) throws -> Void) throws {
        template = try DatabaseQueue()
        try migrations.migrate(template)
        try furnish(template)
    }

    func copy() throws -> DatabaseQueue {
        let copy = try DatabaseQueue()
        try template.backup(to: copy)
        return copy
    }
}

extension Writer {
    /// A service on `database`, without its threads.
    convenience init(
        _ stream: StreamName, on database: any DatabaseWriter, domain: Work
    ) throws {
        var generator = SplitMix64(seed: 7)
        let identity = try database.write {
            try LogIdentity.establish(stream: stream, partitions: 1, using: &generator, in: $0)
        }
        try self.init(
            identity: identity, database: database, domain: domain, now: { Furnishing.noon })
    }
}
