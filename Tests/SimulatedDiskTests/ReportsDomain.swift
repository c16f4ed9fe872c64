import GRDB
import Messages
import Model
import Streams
import StreamsTestKit
import Wire

/// The beginning of a chain of services: what it is told becomes a row and an event.
///
/// Nothing but its own store knows what was told, as it is with ingestion: if the store loses it,
/// whatever is told next takes its place in the log.
final class ReportsDomain: Domain {
    typealias Input = BehaviourEvent
    typealias ErrandResult = [UInt64]

    /// Reports to be taken in one transaction.
    struct Errand: Sendable {
        var reports: [Report]
    }

    struct Report: Sendable {
        var number: Int64
        var resident: Int64
        var unit: String
    }

    static let partitions = 2

    /// Kept over transactions, and dropped when one fails.
    private var count: Int64?

    func apply(_ event: BehaviourEvent, at position: EventPosition, in transaction: Transaction)
        throws
    {
        throw Undecidable("reports come from outside")
    }

    func handle(_ command: CommandMessage, in transaction: Transaction) throws -> ReplyMessage {
        .unknownMethod(command.method)
    }

    func perform(_ errand: Errand, in transaction: Transaction) throws -> [UInt64] {
        try errand.reports.map { report in
            let partition = Int(report.resident) % Self.partitions
            var event = BehaviourEvent()
            event.schema = BehaviourEvent.schema
            event.resident = report.resident
            event.eventTimeMs = Self.firstMilliseconds + report.number
            event.accepted.behaviour = "cycling"
            event.accepted.unit = report.unit
            event.accepted.quantityMillionths = 1_500_000
            event.accepted.evidence = EvidenceKind.operatorOrder.rawValue
            let sequence = try transaction.emit(event, to: partition, points: Points(1))
            try transaction.database.cachedStatement(
                sql: "INSERT INTO report (number, partition, sequence) VALUES (?, ?, ?)"
            ).execute(arguments: [report.number, partition, Int64(sequence)])
            count = try loadCount(transaction.database) + 1
            return sequence
        }
    }

    func flush(in transaction: Transaction) throws {
        guard let count else { return }
        try transaction.database.execute(
            sql: """
                INSERT INTO tally (id, count) VALUES (1, ?)
                ON CONFLICT (id) DO UPDATE SET count = excluded.count
                """,
            arguments: [count])
    }

    func committed() {}

    func rolledBack(to database: Database) throws { count = nil }

    private func loadCount(_ database: Database) throws -> Int64 {
        try count ?? Int64.fetchOne(database, sql: "SELECT count FROM tally") ?? 0
    }

    /// 1 October 2026, 08:00 in Beijing.
    private static let firstMilliseconds: Int64 = 1_790_812_800_000

    static let migrations = StreamTables.migrations { migrator in
        migrator.registerMigration("reports 0001") {
            try $0.execute(
                sql: """
                    CREATE TABLE tally (id INTEGER PRIMARY KEY, count INTEGER NOT NULL) STRICT;
                    CREATE TABLE report (
                        number INTEGER PRIMARY KEY, partition INTEGER NOT NULL,
                        sequence INTEGER NOT NULL, UNIQUE (partition, sequence)
                    ) STRICT;
                    """)
        }
    }

    // MARK: What its store says

    /// Proves that rows, tally and log tell the same, and answers the log's blocks.
    ///
    /// Throws `Broken` if anything is half done or is not what was written.
    static func proven(_ identity: LogIdentity, in database: Database) throws -> [[Block]] {
        let log = try provenLog(identity, in: database)
        let told = try places(of: log.joined(), on: identity.stream)
        var rows: [Int64: EventPosition] = [:]
        for row in try Row.fetchAll(
            database, sql: "SELECT number, partition, sequence FROM report")
        {
            rows[row[0]] = EventPosition(
                stream: identity.stream, partition: row[1], sequence: UInt64(row[2] as Int64))
        }
        let count = try Int.fetchOne(database, sql: "SELECT count FROM tally") ?? 0
        guard told == rows, count == rows.count else {
            throw Broken("\(told.count) events, \(rows.count) rows, \(count) counted")
        }
        return log
    }

    /// Where each report stands, by its number.
    static func places(
        of blocks: some Sequence<Block>, on stream: StreamName
    ) throws -> [Int64: EventPosition] {
        var places: [Int64: EventPosition] = [:]
        for block in blocks {
            var sequence = block.first
            for event in try [block].events(as: BehaviourEvent.self) {
                places[event.eventTimeMs - firstMilliseconds] = EventPosition(
                    stream: stream, partition: block.partition, sequence: sequence)
                sequence += 1
            }
        }
        return places
    }
}

/// Something that must never be.
struct Broken: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }
}

/// Proves that a store is sound and its log's chain, places and totals hold; answers its blocks.
func provenLog(_ identity: LogIdentity, in database: Database) throws -> [[Block]] {
    let check = try String.fetchAll(database, sql: "PRAGMA integrity_check")
    guard check == ["ok"] else { throw Broken("\(check)") }
    return try (0..<identity.partitions).map { partition in
        let blocks = try EventLog.blocks(
            after: 0, partition: partition, bytesMax: .max, in: database)
        var chain = Chain(log: identity.log, stream: identity.stream, partition: partition)
        var last: UInt64 = 0
        for block in blocks {
            chain = chain.extended(first: block.first, count: block.count, body: block.body)
            guard block.first == last + 1, block.chain == chain,
                try BlockBody.count(in: block.body) == block.count,
                block.totals.events == block.last
            else { throw Broken("block \(block.first) of \(partition) is not what was written") }
            last = block.last
        }
        return blocks
    }
}
