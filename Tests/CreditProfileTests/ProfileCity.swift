import Foundation
import GRDB
import CreditProfile
import Messages
import Model
import Storage
import Streams
import StreamsTestKit
import Testing
import Wire

/// A city whose profiles a test plays, one transaction at a time.
final class ProfileCity {
    let database: any DatabaseWriter
    let partitions: Int
    private(set) var table: ProfileTable
    private(set) var writer: Writer<CreditProfileDomain>
    private var stream = RecordedStream(.points)
    private var keys: UInt64 = 0
    /// Everything that was published, in order.
    private(set) var published: [Block] = []

    init(
        partitions: Int = 1, table: String = TableDocument().text,
        on writer: (any DatabaseWriter)? = nil
    ) throws {
        self.partitions = partitions
        self.table = try ProfileTable(document: Array(table.utf8))
        let store = try Store(
            writer: writer ?? DatabaseQueue(), migrations: CreditProfileStore.migrations)
        database = store.writer
        self.writer = try Self.writer(on: database, table: self.table, partitions: partitions)
    }

    private static func writer(
        on database: any DatabaseWriter, table: ProfileTable, partitions: Int
    ) throws -> Writer<CreditProfileDomain> {
        var generator = SystemRandomNumberGenerator()
        let identity = try database.write {
            try LogIdentity.establish(
                stream: .profile, partitions: partitions, using: &generator, in: $0)
        }
        let domain = try database.read {
            try CreditProfileDomain(database: $0, table: table, partitions: partitions)
        }
        return try Writer(
            identity: identity, database: database, domain: domain,
            now: { Instant(milliseconds: 1_000) })
    }

    /// Starts the service anew on the same store, with another table if one is given.
    func restart(table document: String? = nil) throws {
        if let document { table = try ProfileTable(document: Array(document.utf8)) }
        writer = try Self.writer(on: database, table: table, partitions: partitions)
    }

    func block(_ events: [PointsEvent], partition: Int = 0) throws
        -> Writer<CreditProfileDomain>.Job
    {
        .block(try stream.block(of: events, partition: partition))
    }

    @discardableResult
    func play(
        _ events: PointsEvent..., partition: Int = 0
    ) throws -> Writer<CreditProfileDomain>.Commit {
        try commit([block(events, partition: partition)])
    }

    @discardableResult
    func commit(
        _ jobs: [Writer<CreditProfileDomain>.Job]
    ) throws -> Writer<CreditProfileDomain>.Commit {
        let commit = try writer.commit(jobs)
        published += commit.blocks
        return commit
    }

    func consent(
        _ resident: ResidentID, granted: Bool = true, history: Bool = true
    ) throws -> Writer<CreditProfileDomain>.Job {
        keys += 1
        return .command(
            CommandMessage(
                method: ChangeProfileConsent.method, caller: "test",
                key: Array(repeating: 7, count: 8)
                    + withUnsafeBytes(of: keys.bigEndian) { Array($0) },
                body: try JSON.encode(
                    ChangeProfileConsent(resident: resident, granted: granted, history: history))),
            keys)
    }

    @discardableResult
    func change(
        _ resident: ResidentID, granted: Bool = true, history: Bool = true
    ) throws -> ChangeProfileConsent.Reply {
        let commit = try commit([consent(resident, granted: granted, history: history)])
        let reply = try #require(commit.replies.first).1
        try #require(reply.status == .ok, "\(reply.code): \(reply.message)")
        return try JSON.decode(ChangeProfileConsent.Reply.self, from: reply.body)
    }

    func reply(to resident: ResidentID) throws -> ReplyMessage {
        let message = QueryMessage(
            method: ShowProfile.method, body: try JSON.encode(ShowProfile(resident: resident)))
        return try database.read { try CreditProfileAnswers(table: table).answer(message, in: $0) }
    }

    func profile(of resident: ResidentID) throws -> ProfileRecord {
        let reply = try reply(to: resident)
        try #require(reply.status == .ok, "\(reply.code): \(reply.message)")
        return try JSON.decode(ProfileRecord.self, from: reply.body)
    }

    /// Measures by dimension.
    func measures(of resident: ResidentID) throws -> [String: Int64] {
        Dictionary(
            uniqueKeysWithValues: try profile(of: resident).dimensions.map {
                ($0.code, $0.measure)
            })
    }

    func records<Value>(_ read: (CreditProfileRecords) throws -> Value) throws -> Value {
        try database.read { try read(CreditProfileRecords($0)) }
    }

    func difference() throws -> String? {
        try records { try $0.firstDifference(partitions: partitions) }
    }

    /// Every row of every table of CreditProfile, as text.
    func contents() throws -> [String] {
        try database.read { database in
            try ["day_sum", "partition_sum", "consent", "profile", "profile_reason"]
                .flatMap { try Row.fetchAll(database, sql: "SELECT * FROM \($0)") }
                .map(\.description)
        }
    }

    var events: [ProfileEvent] {
        get throws { try published.events(as: ProfileEvent.self) }
    }
}

/// A scoring table's document with parts of it changed.
struct TableDocument {
    var schema = "greenseason.profile.v1"
    var version = #""v1""#
    var windowDays = "365"
    var volume = #"[{"at_least": 0, "score": 0}, {"at_least": 100, "score": 50}]"#
    var evidenceMeasure = "strong_evidence_per_mille"
    var levels = """
        [{"code": "seedling", "name_zh": "种子", "name_en": "Seedling", "at_least": 0},
         {"code": "tree", "name_zh": "大树", "name_en": "Tree", "at_least": 300}]
        """

    private func dimension(_ code: String, _ measure: String, _ steps: String) -> String {
        """
        {"code": "\(code)", "name_zh": "维", "name_en": "Dimension", "measure": "\(measure)",
         "steps": \(steps)}
        """
    }

    var text: String {
        let rising = #"[{"at_least": 0, "score": 0}, {"at_least": 2, "score": 100}]"#
        let falling = #"[{"at_least": 0, "score": 200}, {"at_least": 1, "score": 60}]"#
        let dimensions = [
            dimension("volume", "grams", volume), dimension("regularity", "active_days", rising),
            dimension("breadth", "behaviours", rising),
            dimension("evidence", evidenceMeasure, rising),
            dimension("integrity", "reversals", falling),
        ]
        return """
            {"schema": "\(schema)", "version": \(version), "window_days": \(windowDays),
             "dimensions": [\(dimensions.joined(separator: ","))], "levels": \(levels)}
            """
    }
}

/// 2026-08-10, the day on which the tests' city opens.
let opening = LocalDay(20_675)

func resident(_ number: Int64) -> ResidentID {
    guard let resident = ResidentID(rawValue: number) else { preconditionFailure("positive") }
    return resident
}

func scored(
    grams: Int64, to resident: ResidentID, on day: LocalDay, behaviour: String = "metro",
    evidence: EvidenceKind = .rideCode
) -> PointsEvent {
    var event = PointsEvent()
    event.schema = PointsEvent.schema
    event.resident = resident.rawValue
    event.eventTimeMs = day.start.rawValue
    event.scored.behaviour = behaviour
    event.scored.method = "\(behaviour).trip"
    event.scored.version = "v1"
    event.scored.day = day.rawValue
    event.scored.milligrams = grams * 1_000
    event.scored.points = grams
    event.scored.evidence = evidence.rawValue
    return event
}

func ended(_ day: LocalDay) -> PointsEvent {
    var event = PointsEvent()
    event.schema = PointsEvent.schema
    event.dayEnded.day = day.rawValue
    return event
}
