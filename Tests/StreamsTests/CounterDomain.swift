import GRDB
import Messages
import Model
import Storage
import Streams
import Wire

/// A service for tests: it counts what it is given, and says so, one event for each.
///
/// Its own events come about in three ways, as a real service's do: from a stream, from a command
/// and from errands.
final class CounterDomain: Domain {
    /// Events to publish in one partition, each with its number.
    struct Errand: Sendable {
        var partition: Int
        var numbers: ClosedRange<Int64>
        /// How long each event's text is made.
        var bytes = 0
        /// Whether these are events that nobody knows and nobody may skip.
        var isUnknown = false
    }

    /// What goes wrong, and how often it still will.
    struct Faults {
        var flushes = 0
        var applies = 0
        var rollbacks = 0
    }

    struct DiskFailed: Error {}

    var faults = Faults()
    private(set) var commits = 0
    /// Kept over transactions, and dropped when one fails.
    private var total: Int64?

    func apply(_ event: BehaviourEvent, at position: EventPosition, in transaction: Transaction)
        throws
    {
        guard event.resident >= 0 else { throw Undecidable("nobody counts backwards") }
        if faults.applies > 0 {
            faults.applies -= 1
            throw DiskFailed()
        }
        try transaction.database.cachedStatement(
            sql: "INSERT INTO seen (partition, sequence, number) VALUES (?, ?, ?)"
        ).execute(arguments: [position.partition, Int64(position.sequence), event.resident])
        total = try loadTotal(transaction.database) + 1
        var output = PointsEvent()
        output.schema = PointsEvent.schema
        output.resident = event.resident
        output.cause = position.sequence
        output.scored.behaviour = event.accepted.behaviour
        try transaction.emit(
            output, to: position.partition, milligrams: Milligrams(1), points: Points(2))
    }

    func handle(_ command: CommandMessage, in transaction: Transaction) throws -> ReplyMessage {
        guard command.method == Spend.method else { return .unknownMethod(command.method) }
        return try ReplyMessage.answering(Spend.self, command.body) { spend in
            let total = try loadTotal(transaction.database)
            guard spend.amount <= total else {
                return .refused("too_little", "there are only \(total)")
            }
            self.total = total - spend.amount
            var output = PointsEvent()
            output.resident = 1
            output.scored.points = -spend.amount
            try transaction.emit(output, to: 0, points: Points(-spend.amount))
            return try .ok(Spend.Reply(left: total - spend.amount))
        }
    }

    func perform(_ errand: Errand, in transaction: Transaction) throws -> [UInt64] {
        try errand.numbers.map { number in
            let event =
                errand.isUnknown ? unknown(critical: true) : counted(number, bytes: errand.bytes)
            return try transaction.emit(event, to: errand.partition, points: Points(1))
        }
    }

    func flush(in transaction: Transaction) throws {
        if let total {
            try transaction.database.execute(
                sql: """
                    INSERT INTO counter (id, total) VALUES (1, ?)
                    ON CONFLICT (id) DO UPDATE SET total = excluded.total
                    """,
                arguments: [total])
        }
        if faults.flushes > 0 {
            faults.flushes -= 1
            throw DiskFailed()
        }
    }

    func committed() { commits += 1 }

    func rolledBack(to database: Database) throws {
        total = nil
        if faults.rollbacks > 0 {
            faults.rollbacks -= 1
            throw DiskFailed()
        }
    }

    private func loadTotal(_ database: Database) throws -> Int64 {
        try total ?? CounterRecords(database: database).total()
    }
}

/// Takes away from what was counted, if there is enough.
struct Spend: Command {
    static let method = "counter.spend"

    struct Reply: Codable, Sendable, Equatable {
        var left: Int64
    }

    var amount: Int64
}

struct ShowTotal: Query {
    static let method = "counter.total"

    struct Reply: Codable, Sendable, Equatable {
        var total: Int64
    }
}

struct CounterAnswers: Answering {
    func answer(_ query: QueryMessage, in database: Database) throws -> ReplyMessage {
        guard query.method == ShowTotal.method else { return .unknownMethod(query.method) }
        return try .ok(ShowTotal.Reply(total: CounterRecords(database: database).total()))
    }
}

/// What a counter's store says.
struct CounterRecords {
    var database: Database

    func total() throws -> Int64 {
        try Int64.fetchOne(database, sql: "SELECT total FROM counter") ?? 0
    }

    /// The numbers seen in a partition, in the order in which they were applied.
    func numbers(in partition: Int) throws -> [Int64] {
        try Int64.fetchAll(
            database, sql: "SELECT number FROM seen WHERE partition = ? ORDER BY id",
            arguments: [partition])
    }

    func sequences(in partition: Int) throws -> [Int64] {
        try Int64.fetchAll(
            database, sql: "SELECT sequence FROM seen WHERE partition = ? ORDER BY id",
            arguments: [partition])
    }

    static let migrations = StreamTables.migrations { migrator in
        migrator.registerMigration("counter 0001") {
            try $0.execute(
                sql: """
                    CREATE TABLE counter (id INTEGER PRIMARY KEY, total INTEGER NOT NULL) STRICT;
                    -- Whatever is applied twice breaks the UNIQUE.
                    CREATE TABLE seen (
                        id INTEGER PRIMARY KEY, partition INTEGER NOT NULL,
                        sequence INTEGER NOT NULL, number INTEGER NOT NULL,
                        UNIQUE (partition, sequence)
                    ) STRICT;
                    """)
        }
    }
}

/// An event that says `number`, and `bytes` of text beside it.
func counted(_ number: Int64, bytes: Int = 0) -> BehaviourEvent {
    var event = BehaviourEvent()
    event.schema = BehaviourEvent.schema
    event.resident = number
    event.accepted.behaviour = String(repeating: "x", count: bytes)
    return event
}

/// An event of a kind that this program does not know.
func unknown(critical: Bool) -> BehaviourEvent {
    var event = BehaviourEvent()
    event.schema = 99
    event.critical = critical
    return event
}
