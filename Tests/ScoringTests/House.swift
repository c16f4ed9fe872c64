import GRDB
import Messages
import Model
import Scoring
import Storage
import Streams
import StreamsTestKit
import Wire

/// A scoring service without its sockets: a store, a writer and a stream to feed it.
final class House {
    let store: Store
    let registry: MethodologyRegistry
    private let rowsMax: Int
    private let roundEntries: Int
    private(set) var writer: Writer<ScoringDomain>
    /// The domain's; another after each restart.
    private(set) var tail: TailIndex
    private var behaviours: RecordedStream

    static let inputLog = LogID((101...116).map { UInt8($0) })
    static let log = LogID((1...16).map { UInt8($0) })

    init(
        registry: MethodologyRegistry, store: Store? = nil, partitions: Int = 1,
        rowsMax: Int = ScoringDomain.Limits.rowsMax,
        roundEntries: Int = ScoringDomain.Limits.roundEntries
    ) throws {
        let store = try store ?? Store.inMemory(migrations: ScoringStore.migrations)
        self.store = store
        self.registry = registry
        self.rowsMax = rowsMax
        self.roundEntries = roundEntries
        (writer, tail) = try Self.process(
            on: store, registry: registry, partitions: partitions, rowsMax: rowsMax,
            roundEntries: roundEntries)
        behaviours = RecordedStream(.behaviour, log: Self.inputLog)
    }

    private static func process(
        on store: Store, registry: MethodologyRegistry, partitions: Int, rowsMax: Int,
        roundEntries: Int
    ) throws -> (Writer<ScoringDomain>, TailIndex) {
        guard let log else { preconditionFailure("sixteen bytes are a log's name") }
        try store.writer.write { database in
            try database.execute(
                sql: """
                    INSERT OR IGNORE INTO log_identity (id, log, stream, partitions)
                    VALUES (1, ?, 'points', ?)
                    """,
                arguments: [DatabaseBytes(log.bytes), partitions])
        }
        let domain = try ScoringDomain(
            database: store.writer, registry: registry, city: "beijing", rowsMax: rowsMax,
            roundEntries: roundEntries)
        let writer = try Writer(
            identity: LogIdentity(log: log, stream: .points, partitions: partitions),
            database: store.writer, domain: domain, now: { Instant(milliseconds: 0) })
        return (writer, domain.tail)
    }

    /// The process ends, as suddenly as it likes, and another begins on the same store.
    func restart(with registry: MethodologyRegistry? = nil) throws {
        (writer, tail) = try Self.process(
            on: store, registry: registry ?? self.registry,
            partitions: writer.identity.partitions, rowsMax: rowsMax, roundEntries: roundEntries)
    }

    func block(_ events: [BehaviourEvent], partition: Int = 0) throws -> ReceivedBlock {
        try behaviours.block(of: events, partition: partition)
    }

    /// Applies blocks in one transaction.
    @discardableResult
    func commit(_ blocks: [ReceivedBlock]) throws -> Writer<ScoringDomain>.Commit {
        try writer.commit(blocks.map { .block($0) })
    }

    /// Applies events as one block in one transaction; answers what was published because of them.
    @discardableResult
    func apply(_ events: [BehaviourEvent], partition: Int = 0) throws -> [PointsEvent] {
        try commit([try block(events, partition: partition)]).blocks.events(as: PointsEvent.self)
    }

    func records<Value>(_ read: (ScoringRecords) throws -> Value) throws -> Value {
        try store.writer.read { try read(ScoringRecords($0)) }
    }

    func periods() throws -> [ScoringRecords.PeriodRecord] {
        try records { records in
            var periods: [ScoringRecords.PeriodRecord] = []
            try records.forEachPeriod { periods.append($0) }
            return periods
        }
    }

    /// All that the store says, as text: equal stores are equal texts.
    ///
    /// Every row of every table, but of totals what is told of them, whatever is settled: of the
    /// periods by the records, and of the residents by what they are answered.
    func contents() throws -> [String] {
        let rows = try store.writer.read { database in
            let tables = try String.fetchAll(
                database,
                sql: """
                    SELECT name FROM sqlite_master WHERE type = 'table'
                    AND name NOT IN ('slice', 'settled', 'resident_total', 'period_total')
                    ORDER BY name
                    """)
            return try tables.flatMap { table in
                try Row.fetchAll(database, sql: "SELECT * FROM \(table)")
                    .map { "\(table) \($0)" }
            }
        }
        let ledgers = try residents().map { "\(try ledger(of: $0, limit: 500))" }
        return try rows + periods().map { "\($0)" } + ledgers
    }

    /// Whoever has an entry.
    func residents() throws -> [Int64] {
        try store.writer.read {
            try Int64.fetchAll(
                $0, sql: "SELECT DISTINCT resident FROM ledger_entry ORDER BY resident")
        }
    }

    func ask<Body: Query>(_ query: Body) throws -> ReplyMessage {
        try store.writer.read { try ask(query, in: $0, knowing: tail) }
    }

    /// Asks on a snapshot; without the writer's knowledge of the tail it has to be read.
    func ask<Body: Query>(
        _ query: Body, in database: Database, knowing tail: TailIndex?
    ) throws -> ReplyMessage {
        let message = QueryMessage(method: Body.method, body: try JSON.encode(query))
        return try ScoringAnswers(registry: registry, tail: tail).answer(message, in: database)
    }

    func ledger(
        of resident: Int64, limit: Int = 50, before: Int64? = nil
    ) throws -> ShowLedger.Reply {
        try store.writer.read {
            try ledger(of: resident, limit: limit, before: before, in: $0, knowing: tail)
        }
    }

    func ledger(
        of resident: Int64, limit: Int = 50, before: Int64? = nil, in database: Database,
        knowing tail: TailIndex?
    ) throws -> ShowLedger.Reply {
        guard let resident = ResidentID(rawValue: resident) else {
            preconditionFailure("a test asks for a resident")
        }
        let reply = try ask(
            ShowLedger(resident: resident, limit: limit, before: before), in: database,
            knowing: tail)
        return try JSON.decode(ShowLedger.Reply.self, from: reply.body)
    }
}

/// An accepted behaviour; `at` is RFC 3339.
func accepted(
    _ behaviour: String, _ quantity: String, _ unit: String, by resident: Int64 = 7,
    at time: String = "2026-08-10T08:00:00+08:00", evidence: EvidenceKind = .operatorOrder
) -> BehaviourEvent {
    guard let instant = Instant(rfc3339: time), let quantity = Quantity(decimal: quantity) else {
        preconditionFailure("a test gives a time and a quantity")
    }
    var accepted = Accepted()
    accepted.behaviour = behaviour
    accepted.unit = unit
    accepted.quantityMillionths = quantity.rawValue
    accepted.evidence = evidence.rawValue
    var event = BehaviourEvent()
    event.schema = BehaviourEvent.schema
    event.resident = resident
    event.eventTimeMs = instant.rawValue
    event.accepted = accepted
    return event
}

func dayEnded(_ day: LocalDay) -> BehaviourEvent {
    var event = BehaviourEvent()
    event.schema = BehaviourEvent.schema
    event.eventTimeMs = day.advanced(by: 1).start.rawValue
    event.dayEnded.day = day.rawValue
    return event
}

func residentErased(_ resident: Int64) -> BehaviourEvent {
    var event = BehaviourEvent()
    event.schema = BehaviourEvent.schema
    event.resident = resident
    event.residentErased = ResidentErased()
    return event
}
