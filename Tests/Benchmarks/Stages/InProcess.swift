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

/// The writers of all services without their sockets, on stores in a folder of this value's own.
///
/// Stages and catching up are measured on them one at a time, on one thread.
final class InProcess {
    enum Limits {
        /// Events of one transaction of those that read a stream.
        static let transactionEvents = 5_000
        static let bindingRows = 1_000
    }

    private let folder: String
    private var decoder: BatchDecoder
    private let clock: Instant
    private var commands: UInt64 = 0
    let ingestion: Writer<IngestionDomain>
    let scoring: Writer<ScoringDomain>
    let rewards: Writer<RewardsDomain>
    let credit: Writer<CreditProfileDomain>
    private let stores: [Store]

    /// Opens four empty stores and registers the partners and residents of `day`.
    init(_ day: PreparedDay) throws {
        folder = Places.scratch("p")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        clock = day.clock
        let methodologies = Places.root + "deploy/methodologies"
        let catalogue = try BehaviourCatalogue(path: methodologies + "/behaviours.json")
        let secrets = IngestionSecrets(
            resident: Self.key(1), subject: Self.key(2), event: Self.key(3))
        decoder = BatchDecoder(catalogue: catalogue, secrets: secrets)
        let folder = folder
        func store(_ name: String, _ migrations: DatabaseMigrator) throws -> Store {
            try Store(path: "\(folder)/\(name).sqlite", migrations: migrations)
        }
        let ingested = try store("ingestion", IngestionStore.migrations)
        let scored = try store("scoring", ScoringStore.migrations)
        let rewarded = try store("rewards", RewardsStore.migrations)
        let credited = try store("credit-profile", CreditProfileStore.migrations)
        stores = [ingested, scored, rewarded, credited]
        let clock = clock
        ingestion = try Self.writer(
            .behaviour, ingested,
            IngestionDomain(
                database: ingested.writer, catalogue: catalogue, secrets: secrets,
                clock: .manual(initial: clock), partitions: 1), clock)
        scoring = try Self.writer(
            .points, scored,
            ScoringDomain(
                database: scored.writer,
                registry: try MethodologyRegistry.load(folder: methodologies), city: "beijing"),
            clock)
        guard let voucherKey = VoucherKey([UInt8](0..<32)) else { throw Broken("a voucher key") }
        rewards = try Self.writer(
            .redemption, rewarded,
            rewarded.writer.read {
                try RewardsDomain(database: $0, voucherKey: voucherKey, partitions: 1)
            }, clock)
        let table = try ProfileTable(path: Places.root + "deploy/profile/v1.json")
        credit = try Self.writer(
            .profile, credited,
            credited.writer.read {
                try CreditProfileDomain(database: $0, table: table, partitions: 1)
            }, clock)
        try register(day)
    }

    deinit {
        for store in stores { try? store.close() }
        try? FileManager.default.removeItem(atPath: folder)
    }

    private static func key(_ byte: UInt8) -> SymmetricKey {
        SymmetricKey(data: [UInt8](repeating: byte, count: 32))
    }

    private static func writer<Work: Domain>(
        _ stream: StreamName, _ store: Store, _ domain: Work, _ clock: Instant
    ) throws -> Writer<Work> {
        // The same log in every run: what is hashed must not differ.
        var generator = SplitMix64(seed: 7)
        let identity = try store.writer.write {
            try LogIdentity.establish(stream: stream, partitions: 1, using: &generator, in: $0)
        }
        return try Writer(
            identity: identity, database: store.writer, domain: domain, now: { clock })
    }

    // MARK: The register

    private struct Partner: Decodable {
        var id: String
        var sources: [String]
        var behaviours: [String]
    }

    private func register(_ day: PreparedDay) throws {
        let partners = try JSONDecoder().decode(
            [Partner].self, from: Data(contentsOf: URL(filePath: day.folder + "/partners.json")))
        for (number, partner) in partners.enumerated() {
            try carryOut(
                AddPartner(
                    id: partner.id, sources: partner.sources, behaviours: partner.behaviours,
                    publicKey: String(repeating: "\(number)", count: 40)))
        }
        let bindings = try String(contentsOfFile: day.folder + "/bindings.csv", encoding: .utf8)
            .split(separator: "\n").dropFirst().map { line in
                let fields = line.split(separator: ",").map(String.init)
                return ImportBindings.Row(
                    partner: fields[0], subject: fields[1], resident: fields[2])
            }
        for start in stride(from: 0, to: bindings.count, by: Limits.bindingRows) {
            let end = min(start + Limits.bindingRows, bindings.count)
            try carryOut(ImportBindings(rows: Array(bindings[start..<end])))
        }
    }

    private func carryOut(_ command: some Command) throws {
        commands += 1
        let key = withUnsafeBytes(of: commands.bigEndian) { [UInt8](repeating: 0, count: 8) + $0 }
        let message = CommandMessage(
            method: type(of: command).method, caller: "benchmarks", key: key,
            body: try JSON.encode(command))
        guard let reply = try ingestion.commit([.command(message, 1)]).replies.first?.1,
            reply.status == .ok
        else { throw Broken("\(type(of: command).method) was refused") }
    }

    // MARK: Events

    /// What the edge does with a body.
    func decode(_ body: PreparedDay.Body, of partner: String) throws -> PartnerBatch {
        try decoder.decode(body.bytes, of: partner, arrived: clock)
    }

    /// What ingestion's writer does with one transaction.
    func ingest(_ batches: ArraySlice<PartnerBatch>) throws -> [Block] {
        try ingestion.commit(batches.map { .errand(.batch($0), 1) }).blocks
    }

    /// Applies blocks of a log in transactions of about `Limits.transactionEvents`, and returns
    /// what was published because of them.
    func apply<Work: Domain>(
        _ blocks: [Block], of log: LogIdentity, to writer: Writer<Work>
    ) throws -> [Block] {
        var published: [Block] = []
        var jobs: [Writer<Work>.Job] = []
        var events = 0
        for (place, block) in blocks.enumerated() {
            jobs.append(.block(ReceivedBlock(stream: log.stream, log: log.log, block: block)))
            events += block.count
            if events >= Limits.transactionEvents || place == blocks.count - 1 {
                published += try writer.commit(jobs).blocks
                jobs = []
                events = 0
            }
        }
        return published
    }
}
