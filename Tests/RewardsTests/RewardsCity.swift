import Foundation
import GRDB
import Messages
import Model
import Rewards
import Storage
import Streams
import StreamsTestKit
import Testing
import Wire

/// A city whose points and orders a test plays, one transaction at a time.
final class RewardsCity {
    let database: any DatabaseWriter
    let partitions: Int
    /// How fast accounts are settled from the next start on.
    var pace: SettlingPace
    private(set) var domain: RewardsDomain
    private(set) var writer: Writer<RewardsDomain>
    private var stream = RecordedStream(.points)
    private var keys: UInt64 = 0
    /// Everything that was published, in order.
    private(set) var published: [Block] = []

    /// A round of twelve transfers, so that a test sees many.
    static let pace = SettlingPace(neighbours: 2, slices: 3, transfersPerStep: 4)
    /// Every account is settled with its transaction.
    static let atOnce = SettlingPace(neighbours: 1, slices: 1, transfersPerStep: 1)

    init(
        partitions: Int = 1, pace: SettlingPace = pace, on writer: (any DatabaseWriter)? = nil
    ) throws {
        self.partitions = partitions
        self.pace = pace
        let store = try Store(
            writer: writer ?? DatabaseQueue(), migrations: RewardsStore.migrations)
        database = store.writer
        (domain, self.writer) = try Self.open(database, partitions: partitions, pace: pace)
    }

    private static func open(
        _ database: any DatabaseWriter, partitions: Int, pace: SettlingPace
    ) throws -> (RewardsDomain, Writer<RewardsDomain>) {
        var generator = SystemRandomNumberGenerator()
        let identity = try database.write {
            try LogIdentity.establish(
                stream: .redemption, partitions: partitions, using: &generator, in: $0)
        }
        let domain = try database.read {
            try RewardsDomain(
                database: $0, voucherKey: voucherKey, partitions: partitions, pace: pace,
                accountsKeptMax: 5)
        }
        let writer = try Writer(
            identity: identity, database: database, domain: domain,
            now: { Instant(milliseconds: 1_000) })
        return (domain, writer)
    }

    static let voucherKey: VoucherKey = {
        guard let key = VoucherKey(Array(0..<32)) else { preconditionFailure("32 bytes") }
        return key
    }()

    /// Starts the service anew on the same store.
    func restart() throws {
        (domain, writer) = try Self.open(database, partitions: partitions, pace: pace)
    }

    // MARK: Playing

    func block(_ events: [PointsEvent], partition: Int = 0) throws -> Writer<RewardsDomain>.Job {
        .block(try stream.block(of: events, partition: partition))
    }

    @discardableResult
    func play(_ events: PointsEvent..., partition: Int = 0) throws -> Writer<RewardsDomain>.Commit {
        try commit([block(events, partition: partition)])
    }

    @discardableResult
    func commit(_ jobs: [Writer<RewardsDomain>.Job]) throws -> Writer<RewardsDomain>.Commit {
        let commit = try writer.commit(jobs)
        published += commit.blocks
        return commit
    }

    /// Lets `jobs` fail at the very end of their transaction, and checks that nothing is left.
    ///
    /// Cursors are saved last, after everything of the domain; without a block there are none.
    func fail(_ jobs: [Writer<RewardsDomain>.Job]) throws {
        let hasBlock = jobs.contains { if case .block = $0 { true } else { false } }
        guard hasBlock else { return }
        let before = try contents()
        try database.write {
            try $0.execute(
                sql: """
                    CREATE TRIGGER broken BEFORE INSERT ON cursor
                    BEGIN SELECT raise(ABORT, 'broken'); END
                    """)
        }
        #expect(throws: DatabaseError.self) { try commit(jobs) }
        try database.write { try $0.execute(sql: "DROP TRIGGER broken") }
        #expect(try contents() == before)
    }

    func command(_ request: some Command, key: [UInt8]? = nil) throws -> CommandMessage {
        keys += 1
        return CommandMessage(
            method: type(of: request).method, caller: "test",
            key: key ?? Array(repeating: 7, count: 8)
                + withUnsafeBytes(of: keys.bigEndian) { Array($0) },
            body: try JSON.encode(request))
    }

    func send(_ request: some Command, key: [UInt8]? = nil) throws -> ReplyMessage {
        let commit = try commit([.command(command(request, key: key), 1)])
        return try #require(commit.replies.first).1
    }

    func redeem(_ item: String, by resident: ResidentID) throws -> OrderRecord {
        let reply = try send(RedeemReward(resident: resident, item: item))
        try #require(reply.status == .ok, "\(reply.code): \(reply.message)")
        return try JSON.decode(OrderRecord.self, from: reply.body)
    }

    func load(_ items: [CatalogueItem], version: String = "v1") throws {
        let reply = try send(
            LoadCatalogue(document: CatalogueItem.document(items, version: version)))
        try #require(reply.status == .ok, "\(reply.code): \(reply.message)")
    }

    // MARK: Looking

    /// As the service answers that writes the store.
    var answers: RewardsAnswers {
        RewardsAnswers(voucherKey: Self.voucherKey, latest: domain.latest)
    }

    static func message(_ query: some Query) throws -> QueryMessage {
        QueryMessage(method: type(of: query).method, body: try JSON.encode(query))
    }

    func reply(to query: some Query, by other: RewardsAnswers? = nil) throws -> ReplyMessage {
        let message = try Self.message(query)
        return try database.read { try (other ?? answers).answer(message, in: $0) }
    }

    func ask<Q: Query>(_ query: Q) throws -> Q.Reply {
        let reply = try reply(to: query)
        try #require(reply.status == .ok, "\(reply.code): \(reply.message)")
        return try JSON.decode(Q.Reply.self, from: reply.body)
    }

    func points(of resident: ResidentID) throws -> ShowPoints.Reply {
        try ask(ShowPoints(resident: resident))
    }

    /// What is left by earned day, soonest-to-expire first.
    func lots(of resident: ResidentID) throws -> [String: Int64] {
        Dictionary(
            uniqueKeysWithValues: try points(of: resident).lots.map {
                ($0.earnedDay, $0.remaining.rawValue)
            })
    }

    func records<Value>(_ read: (RewardsRecords) throws -> Value) throws -> Value {
        try database.read { try read(RewardsRecords($0)) }
    }

    func difference() throws -> String? { try records { try $0.firstDifference() } }

    /// Every row of every table of Rewards, as text.
    func contents() throws -> [String] {
        try rows(of: [
            "account", "lot", "transfer", "flow", "calendar", "item", "reward_order", "settled",
        ])
    }

    func rows(of tables: [String]) throws -> [String] {
        try database.read { database in
            try tables.flatMap { try Row.fetchAll(database, sql: "SELECT * FROM \($0)") }
                .map(\.description)
        }
    }

    /// Awards that accounts and lots do not hold yet.
    func tail() throws -> Int {
        try database.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM tail") ?? 0 }
    }

    /// The transfer up to which everything is in accounts and lots, and the newest one.
    func settled() throws -> (settled: Int64, last: Int64) {
        try database.read { database in
            (
                try Int64.fetchOne(database, sql: "SELECT transfer FROM settled") ?? 0,
                try Int64.fetchOne(database, sql: "SELECT max(number) FROM transfer") ?? 0
            )
        }
    }

    var events: [RedemptionEvent] {
        get throws { try published.events(as: RedemptionEvent.self) }
    }
}

/// An item as a catalogue's document states it.
struct CatalogueItem {
    var code: String
    var kind = "voucher"
    var points: Int64
    var stock: Int64?
    var validDays = 30

    static func document(_ items: [CatalogueItem], version: String) -> String {
        let rows = items.map { item in
            """
            {"code": "\(item.code)", "name_zh": "奖", "name_en": "Reward", "kind": "\(item.kind)",
             "points": \(item.points), "stock": \(item.stock.map(String.init) ?? "null"),
             "valid_days": \(item.kind == "donation" ? 0 : item.validDays)}
            """
        }
        return """
            {"schema": "greenseason.catalogue.v1", "version": "\(version)",
             "items": [\(rows.joined(separator: ","))]}
            """
    }
}

/// 2026-08-10, the day on which the tests' city opens.
let opening = LocalDay(20_675)

func resident(_ number: Int64) -> ResidentID {
    guard let resident = ResidentID(rawValue: number) else { preconditionFailure("positive") }
    return resident
}

func scored(_ points: Int64, to resident: ResidentID, on day: LocalDay) -> PointsEvent {
    var event = PointsEvent()
    event.schema = PointsEvent.schema
    event.resident = resident.rawValue
    event.eventTimeMs = day.start.rawValue
    event.scored.behaviour = "metro"
    event.scored.method = "metro.trip"
    event.scored.version = "bj-handbook-2022"
    event.scored.day = day.rawValue
    event.scored.milligrams = points &* 1_000
    event.scored.points = points
    return event
}

func ended(_ day: LocalDay) -> PointsEvent {
    var event = PointsEvent()
    event.schema = PointsEvent.schema
    event.dayEnded.day = day.rawValue
    return event
}
