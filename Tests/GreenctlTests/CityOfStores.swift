import CreditProfile
import Crypto
import Foundation
import GRDB
import Ingestion
import Messages
import Model
import Rewards
import Scoring
import Storage
import Streams

/// A deployment without processes: the four domains on stores on disk, blocks handed on by hand.
final class CityOfStores {
    struct NotCarriedOut: Error { var reply: String }

    let bench: Bench
    let ingestion: Station<IngestionDomain>
    let scoring: Station<ScoringDomain>
    let rewards: Station<RewardsDomain>
    let creditProfile: Station<CreditProfileDomain>
    private var decoder: BatchDecoder

    /// 2026-08-10T12:00:00+08:00, a Monday.
    static let noon = Instant(milliseconds: 1_786_334_400_000)
    private static let root = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().path

    /// Ten residents `r0` to `r9`, bound to one bicycle operator as `s0` to `s9`.
    init() throws {
        bench = try Bench()
        try FileManager.default.createDirectory(
            atPath: bench.folder + "/stores", withIntermediateDirectories: true)
        let folder = DataFolder(bench.folder)
        let behaviours = try BehaviourCatalogue(
            path: Self.root + "/deploy/methodologies/behaviours.json")
        let registry = try MethodologyRegistry.load(folder: Self.root + "/deploy/methodologies")
        func key(_ byte: UInt8) -> SymmetricKey {
            SymmetricKey(data: [UInt8](repeating: byte, count: 32))
        }
        let secrets = IngestionSecrets(resident: key(1), subject: key(2), event: key(3))
        decoder = BatchDecoder(catalogue: behaviours, secrets: secrets)

        ingestion = try Station(
            "ingestion", .behaviour, in: folder, migrations: IngestionStore.migrations
        ) {
            try IngestionDomain(
                database: $0, catalogue: behaviours, secrets: secrets,
                clock: .manual(initial: Self.noon), partitions: 1)
        }
        scoring = try Station(
            "scoring", .points, in: folder, migrations: ScoringStore.migrations
        ) {
            // So that some of the totals are settled, and others not yet.
            try ScoringDomain(
                database: $0, registry: registry, city: "beijing", roundEntries: 40)
        }
        rewards = try Station(
            "rewards", .redemption, in: folder, migrations: RewardsStore.migrations
        ) { writer in
            guard let key = VoucherKey([UInt8](repeating: 4, count: VoucherKey.byteCount)) else {
                preconditionFailure("a key of the right length is a key")
            }
            return try writer.read {
                try RewardsDomain(database: $0, voucherKey: key, partitions: 1)
            }
        }
        creditProfile = try Station(
            "credit-profile", .profile, in: folder,
            migrations: CreditProfileStore.migrations
        ) { writer in
            let table = try ProfileTable(path: Self.root + "/deploy/profile/v1.json")
            return try writer.read {
                try CreditProfileDomain(database: $0, table: table, partitions: 1)
            }
        }
        try ingestion.carryOut(
            AddPartner(
                id: "bike", sources: ["urn:bike"], behaviours: ["cycling"],
                publicKey: String(repeating: "k", count: 40)))
        try ingestion.carryOut(
            ImportBindings(
                rows: (0..<10).map {
                    ImportBindings.Row(partner: "bike", subject: "s\($0)", resident: "r\($0)")
                }))
        try rewards.carryOut(
            LoadCatalogue(
                document: """
                    {"schema":"greenseason.catalogue.v1","version":"v1","items":[
                     {"code":"bag","name_zh":"环保袋","name_en":"A bag","kind":"voucher",
                      "points":100,"stock":5,"valid_days":30}]}
                    """))
    }

    /// Ride number `number`: one kilometre and some metres, by resident `number` modulo ten.
    static func ride(_ number: Int) -> String {
        """
        {"specversion":"1.0","id":"e\(number)","source":"urn:bike",\
        "type":"cn.greenseason.behaviour.v1","time":"2026-08-10T08:12:31+08:00",\
        "subject":"s\(number % 10)","data":{"behaviour":"cycling",\
        "quantity":"1.\(String(1_000 + number).dropFirst())1","unit":"km",\
        "startedAt":"2026-08-10T07:58:02+08:00","endedAt":"2026-08-10T08:12:31+08:00",\
        "evidence":{"kind":"operator_order"}}}
        """
    }

    /// Publishes these rides in one batch.
    func publish(_ numbers: some Sequence<Int>) throws {
        let body = "[" + numbers.map(Self.ride).joined(separator: ",") + "]"
        let batch = try decoder.decode(Array(body.utf8), of: "bike", arrived: Self.noon)
        try ingestion.commit([.errand(.batch(batch), 1)])
    }

    /// The day is over: everybody downstream hears of it.
    func endDay() throws {
        try ingestion.carryOut(
            MoveClock(move: .set(Self.noon.advanced(byMilliseconds: 86_400_000))))
    }

    func resident(_ key: String) throws -> ResidentID {
        let id = try ingestion.store.writer.read {
            try Int64.fetchOne(
                $0, sql: "SELECT resident FROM resident WHERE key = ?", arguments: [key])
        }
        guard let resident = id.flatMap(ResidentID.init(rawValue:)) else {
            throw NotCarriedOut(reply: "\(key) is nobody")
        }
        return resident
    }

    /// Hands on what was published, to whom it concerns.
    func settle() throws {
        try hand(ingestion, to: scoring)
        try hand(scoring, to: rewards)
        try hand(scoring, to: creditProfile)
    }

    func hand<From: Domain, To: Domain>(
        _ publisher: Station<From>, to consumer: Station<To>
    ) throws {
        let identity = publisher.writer.identity
        for block in publisher.published {
            let cursor = consumer.writer.cursor(of: identity.stream, partition: 0)
            guard block.first > cursor.sequence else { continue }
            let received = ReceivedBlock(stream: identity.stream, log: identity.log, block: block)
            try consumer.commit([.block(received)])
        }
    }
}

/// One service's domain, writer and store.
final class Station<Work: Domain> {
    let store: Store
    let writer: Writer<Work>
    private(set) var published: [Block] = []
    private var commands: UInt8 = 0

    init(
        _ service: String, _ stream: StreamName, in folder: DataFolder,
        migrations: DatabaseMigrator, domain: (any DatabaseWriter) throws -> Work
    ) throws {
        store = try Store(path: folder.store(of: service), migrations: migrations)
        let identity = try store.writer.write {
            var generator = SystemRandomNumberGenerator()
            return try LogIdentity.establish(
                stream: stream, partitions: 1, using: &generator, in: $0)
        }
        writer = try Writer(
            identity: identity, database: store.writer, domain: domain(store.writer),
            now: { CityOfStores.noon })
    }

    @discardableResult
    func commit(_ jobs: [Writer<Work>.Job]) throws -> Writer<Work>.Commit {
        let commit = try writer.commit(jobs)
        published += commit.blocks
        return commit
    }

    func carryOut(_ command: some Command) throws {
        commands += 1
        let message = CommandMessage(
            method: type(of: command).method, caller: "tests",
            key: [UInt8](repeating: commands, count: 16), body: try JSON.encode(command))
        guard let reply = try commit([.command(message, 1)]).replies.first?.1, reply.status == .ok
        else { throw CityOfStores.NotCarriedOut(reply: "\(command) was not carried out") }
    }

    /// Changes the store behind its service's back, past every check of its tables.
    func tamper(_ sql: String) throws {
        try store.writer.writeWithoutTransaction { database in
            try database.execute(
                sql: "PRAGMA foreign_keys = 0; PRAGMA ignore_check_constraints = 1")
            try database.execute(sql: sql)
        }
    }
}
