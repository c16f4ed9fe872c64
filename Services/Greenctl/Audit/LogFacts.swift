import GRDB
import Messages
import Storage
import Streams

/// What the tables that every store has say of a service: its log, its cursors, its dead letters.
struct LogFacts {
    let service: ServiceName
    let identity: LogIdentity
    let heads: [EventLog.Head]
    private let cursors: [(stream: StreamName, partition: Int, cursor: Streams.Cursor)]
    private let deadLetters: [EventPosition]

    init(of service: ServiceName, in database: Database) throws {
        guard let identity = try LogIdentity.load(from: database) else {
            throw Failure(
                .refused, "\(service.rawValue) has not made its log yet: start it once")
        }
        self.service = service
        self.identity = identity
        heads = try EventLog.heads(of: identity, in: database)
        cursors = try StoredCursors.all(in: database)
        deadLetters = try Row.fetchAll(
            database, sql: "SELECT stream, partition, sequence FROM dead_letter"
        ).compactMap { row in
            StreamName(rawValue: row[0]).map {
                EventPosition(stream: $0, partition: row[1], sequence: UInt64(row[2] as Int64))
            }
        }
    }

    func cursor(of stream: StreamName, partition: Int) -> Streams.Cursor {
        cursors.first { $0.stream == stream && $0.partition == partition }?.cursor ?? .start
    }

    /// Sequences of `stream` that could not be applied.
    func deadLetters(of stream: StreamName, partition: Int) -> Set<UInt64> {
        Set(
            deadLetters.filter { $0.stream == stream && $0.partition == partition }
                .map(\.sequence))
    }
}
