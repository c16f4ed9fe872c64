import CreditProfile
import Foundation
import GRDB
import Messages
import Model
import Rewards
import Scoring
import Streams
import SwiftProtobuf
import Wire

/// Events of each stream, as any bytes, through the writer of whoever consumes it.
///
/// An event that cannot be applied becomes a dead letter; a transaction that fails would be tried
/// again for ever, so none may. What is published does not depend on how blocks were gathered into
/// transactions, nor on a restart between them.
extension FuzzTarget {
    static let scoringEvents = FuzzTarget(
        "scoring-events", bytesMax: 2_048,
        seeds: {
            let good = try [1, 2, 60].map { try event(scoringEvent(quantity: $0 * 1_000_000)) }
            var ended = BehaviourEvent()
            ended.dayEnded.day = Furnishing.today.rawValue
            var erased = BehaviourEvent()
            erased.resident = 7
            erased.residentErased = ResidentErased()
            var unknown = BehaviourEvent()
            unknown.critical = true
            return [
                DomainScript.event(0, good[0]) + DomainScript.event(3, good[1])
                    + DomainScript.event(7, try event(ended)),
                DomainScript.event(1, good[2]) + DomainScript.event(5, try event(erased)),
                DomainScript.event(1, try event(unknown)) + DomainScript.event(1, good[0]),
                [0x28] + FuzzBytes.chunk([0x0A, 0x02, 0x18, 0x07, 0x0A, 0x00]),
            ]
        },
        run: { bytes in
            try DomainScript(bytes, of: .behaviour).play(
                on: scoringStore, writer: scoring,
                check: { database in
                    var milligrams: Int64 = 0
                    try ScoringRecords(database).forEachPeriod {
                        milligrams += $0.milligrams.rawValue
                    }
                    require(milligrams >= 0, "periods that have lost something")
                    require(try ScoringRecords(database).balance().holds, "unbalanced totals")
                })
        })

    static let rewardsEvents = FuzzTarget(
        "rewards-events", bytesMax: 2_048,
        seeds: {
            let good = try [5, -3, -9, 40].map { try event(award(points: $0)) }
            let ended = try event(dayEnded(0))
            let late = try event(dayEnded(731))
            return [
                DomainScript.event(0, good[0]) + DomainScript.event(1, good[1])
                    + DomainScript.event(3, good[2]) + DomainScript.event(7, good[3]),
                DomainScript.event(0, good[3]) + DomainScript.event(1, ended)
                    + DomainScript.event(6, late) + DomainScript.event(1, good[0]),
            ]
        },
        run: { bytes in
            try DomainScript(bytes, of: .points).play(
                on: rewardsStore, writer: rewards,
                check: { database in
                    let difference = try RewardsRecords(database).firstDifference()
                    require(difference == nil, "the books do not balance: \(difference ?? "")")
                })
        })

    static let profileEvents = FuzzTarget(
        "profile-events", bytesMax: 2_048,
        seeds: {
            let good = try [5, -3, 40].map { try event(award(points: $0)) }
            var erased = PointsEvent()
            erased.resident = 7
            erased.residentErased = ResidentErased()
            return [
                DomainScript.event(0, good[0]) + DomainScript.event(1, good[1])
                    + DomainScript.event(7, try event(dayEnded(0)))
                    + DomainScript.event(1, good[2])
                    + DomainScript.event(1, try event(dayEnded(1))),
                DomainScript.event(1, try event(erased)),
            ]
        },
        run: { bytes in
            try DomainScript(bytes, of: .points).play(
                on: profileStore, writer: creditProfile, check: { _ in })
        })

    // MARK: Events

    private static func event(_ event: some SwiftProtobuf.Message) throws -> [UInt8] {
        try event.serializedBytes()
    }

    static func scoringEvent(quantity: Int64) -> BehaviourEvent {
        var event = BehaviourEvent()
        event.schema = BehaviourEvent.schema
        event.resident = 7
        event.eventTimeMs = Furnishing.noon.rawValue
        event.accepted.behaviour = "cycling"
        event.accepted.unit = "km"
        event.accepted.quantityMillionths = quantity
        event.accepted.evidence = 1
        return event
    }

    static func award(points: Int64) -> PointsEvent {
        var event = PointsEvent()
        event.schema = PointsEvent.schema
        event.resident = 7
        event.scored.behaviour = "cycling"
        event.scored.method = "cycling.km"
        event.scored.version = "v1"
        event.scored.day = Furnishing.today.rawValue
        event.scored.milligrams = points * 1_000
        event.scored.points = points
        return event
    }

    /// The end of the day that lies `days` after today.
    static func dayEnded(_ days: Int32) -> PointsEvent {
        var event = PointsEvent()
        event.critical = true
        event.dayEnded.day = Furnishing.today.advanced(by: days).rawValue
        return event
    }

    // MARK: Services

    static let registry: MethodologyRegistry = {
        do throws(MethodologyRefused) {
            return try MethodologyRegistry(
                methods: RegistryDocument(name: "methods.json", bytes: methodsDocument),
                behaviours: RegistryDocument(
                    name: "behaviours.json", bytes: Array(Furnishing.catalogueText.utf8)))
        } catch {
            violated("the registry is good: \(error.problems)")
        }
    }()

    static let scoringStore = template(ScoringStore.migrations) { _ = try scoring(on: $0) }

    static func scoring(on database: DatabaseQueue) throws -> Writer<ScoringDomain> {
        try Writer(
            .points, on: database,
            domain: ScoringDomain(
                database: database, registry: registry, city: "beijing", rowsMax: 2,
                roundEntries: 8))
    }

    static let rewardsStore = template(RewardsStore.migrations) { _ = try rewards(on: $0) }

    static let voucherKey: VoucherKey = {
        guard let key = VoucherKey(Array(0..<32)) else { violated("32 bytes are a key") }
        return key
    }()

    static func rewards(on database: DatabaseQueue) throws -> Writer<RewardsDomain> {
        let domain = try database.read {
            try RewardsDomain(
                database: $0, voucherKey: voucherKey, partitions: 1,
                pace: SettlingPace(neighbours: 1, slices: 4, transfersPerStep: 4))
        }
        return try Writer(.redemption, on: database, domain: domain)
    }

    /// One resident consents, or nothing would be published.
    static let profileStore = template(CreditProfileStore.migrations) { queue in
        guard let resident = ResidentID(rawValue: 7) else { violated("seven is a resident") }
        let consent = ChangeProfileConsent(resident: resident, granted: true, history: true)
        let reply = try creditProfile(on: queue).commit([
            .command(
                CommandMessage(
                    method: ChangeProfileConsent.method, caller: "fuzz",
                    key: Array(repeating: 1, count: 16), body: try JSON.encode(consent)), 1)
        ]).replies[0].1
        require(reply.status == .ok, "\(reply.code): \(reply.message)")
    }

    static let scoringTable: ProfileTable = {
        do {
            return try ProfileTable(document: SeedFiles.bytes("deploy/profile/v1.json"))
        } catch {
            violated("the scoring table is good: \(error)")
        }
    }()

    static func creditProfile(on database: DatabaseQueue) throws -> Writer<CreditProfileDomain> {
        let domain = try database.read {
            try CreditProfileDomain(database: $0, table: scoringTable, partitions: 1)
        }
        return try Writer(.profile, on: database, domain: domain)
    }

    private static func template(
        _ migrations: DatabaseMigrator, _ furnish: (DatabaseQueue) throws -> Void
    ) -> StoreTemplate {
        do {
            return try StoreTemplate(migrations, furnish)
        } catch {
            violated("the store is furnished: \(error)")
        }
    }
}

/// An input as blocks of a stream, with the places where transactions end and processes restart.
///
/// Each event is a byte and a chunk. Of the byte, bit 0 ends a block after the event, bit 1 a
/// transaction, bit 2 the process; with bit 3 the chunk is a whole body, which claims to hold as
/// many events as bits 4 to 7 say.
private struct DomainScript {
    private var blocks: [(block: ReceivedBlock, endsTransaction: Bool, endsProcess: Bool)] = []

    static func event(_ flags: UInt8, _ event: [UInt8]) -> [UInt8] {
        [flags] + FuzzBytes.chunk(event)
    }

    init(_ bytes: [UInt8], of stream: StreamName) {
        var input = FuzzBytes(bytes)
        var raw = RawBlocks(stream)
        var events: [[UInt8]] = []
        while !input.isEmpty {
            let flags = input.byte()
            let chunk = input.chunk()
            let count = Int(flags >> 4)
            if flags & 8 != 0, events.isEmpty, count > 0 {
                blocks.append((raw.block(chunk, count: count), flags & 2 != 0, flags & 4 != 0))
                continue
            }
            events.append(chunk)
            if flags & 7 != 0 || input.isEmpty {
                blocks.append((raw.block(of: events), flags & 2 != 0, flags & 4 != 0))
                events = []
            }
        }
    }

    func play<Work: Domain>(
        on template: StoreTemplate, writer open: (DatabaseQueue) throws -> Writer<Work>,
        check: (Database) throws -> Void
    ) throws {
        let steps = try template.copy()
        var writer = try open(steps)
        var jobs: [Writer<Work>.Job] = []
        var hasStopped = false
        for (block, endsTransaction, endsProcess) in blocks {
            jobs.append(.block(block))
            if endsTransaction || endsProcess {
                hasStopped = try !writer.commit(jobs).stopped.isEmpty || hasStopped
                jobs = []
            }
            // A restarted process meets the obstacle again only where its subscriber left off.
            if endsProcess, !hasStopped { writer = try open(steps) }
        }
        _ = try writer.commit(jobs)
        try steps.read(check)

        let whole = try template.copy()
        let other = try open(whole)
        _ = try other.commit(blocks.map { .block($0.block) })
        require(other.heads == writer.heads, "what is published depends on the grouping")
        try steps.close()
        try whole.close()
    }
}
