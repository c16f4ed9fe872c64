import Crypto
package import GRDB
package import Messages
package import Model
import Storage
import SwiftProtobuf

/// Applies whatever has been queued, in order, in one transaction: state, log and cursors together.
///
/// It has no thread, no socket and no clock of its own, so that a test or a simulator can run it a
/// step at a time. `Engine` gives it a thread.
package final class Writer<Work: Domain> {
    package enum Job: Sendable {
        case block(ReceivedBlock)
        case command(CommandMessage, Ticket)
        case errand(Work.Errand, Ticket)
    }

    /// What tells the replies of one transaction apart.
    package typealias Ticket = UInt64

    /// What a transaction did, to be told to the world now that it is on disk.
    package struct Commit {
        package var blocks: [Block] = []
        package var replies: [(Ticket, ReplyMessage)] = []
        package var results: [(Ticket, Work.ErrandResult)] = []
        /// Partitions that stand before a block which can be neither applied nor skipped.
        package var stopped: [(StreamName, partition: Int, reason: String)] = []
        package var deadLetters = 0
        package var eventsApplied = 0
    }

    package let identity: LogIdentity
    private let database: any DatabaseWriter
    private let domain: Work
    private let log: EventLog
    private var cursors: [CursorKey: Cursor]
    private let now: @Sendable () -> Instant
    /// Where each stopped partition stands: at the first event of the block it will not pass.
    private var halts: [CursorKey: UInt64] = [:]
    private var haltsToReport: [(StreamName, partition: Int, reason: String)] = []
    /// Whether memory may hold what the store does not: a rollback could not be followed.
    private var isStale = false

    private struct CursorKey: Hashable {
        var stream: StreamName
        var partition: Int
    }

    /// - Parameter now: what blocks carry as their recorded time; nothing is decided by it.
    package init(
        identity: LogIdentity, database: any DatabaseWriter, domain: Work,
        now: @escaping @Sendable () -> Instant
    ) throws {
        self.identity = identity
        self.database = database
        self.domain = domain
        self.now = now
        (log, cursors) = try database.read { database in
            (try EventLog(identity: identity, in: database), try Self.cursors(in: database))
        }
    }

    package var heads: [EventLog.Head] { log.heads }

    package func cursor(of stream: StreamName, partition: Int) -> Cursor {
        cursors[CursorKey(stream: stream, partition: partition)] ?? .start
    }

    /// Carries out `jobs` in one transaction.
    ///
    /// On a throw nothing has happened, in the store or in memory, and the same jobs can be tried
    /// again. A block that holds an event which must not be skipped and is not understood stops its
    /// partition there, for as long as this writer lives: the rest is carried out without it.
    package func commit(_ jobs: [Job]) throws -> Commit {
        if isStale { try database.read { try reload(from: $0) } }
        while true {
            do {
                var commit = try database.write { try apply(jobs, in: $0) }
                domain.committed()
                commit.stopped = haltsToReport
                haltsToReport = []
                return commit
            } catch {
                // What failed may be the disk itself: only what can be read back counts. If it
                // cannot be, the first failure is still the one to tell of, and the next commit
                // begins with reading.
                isStale = true
                let readBack = Result { try database.read { try reload(from: $0) } }
                guard let obstacle = error as? Obstacle else { throw error }
                try readBack.get()
                let block = obstacle.block
                halts[CursorKey(stream: block.stream, partition: block.block.partition)] =
                    block.block.first
                haltsToReport.append(
                    (block.stream, partition: block.block.partition, reason: obstacle.reason))
            }
        }
    }

    private func reload(from database: Database) throws {
        try log.reload(from: database)
        cursors = try Self.cursors(in: database)
        try domain.rolledBack(to: database)
        isStale = false
    }

    /// A block that no retry will make applicable, and that must not be skipped either.
    private struct Obstacle: Error {
        var block: ReceivedBlock
        var reason: String
    }

    private func apply(
        _ jobs: [Job], in database: Database
    ) throws -> Commit {
        let recorded = now()
        var commit = Commit()
        var moved: Set<CursorKey> = []
        let transaction = Transaction(
            database: database, log: log, recorded: recorded,
            cursors: { [unowned self] in cursor(of: $0, partition: $1).sequence })
        for job in jobs {
            switch job {
            case .block(let received):
                let key = CursorKey(
                    stream: received.stream, partition: received.block.partition)
                if let halt = halts[key], received.block.first >= halt { continue }
                precondition(
                    received.block.first == (cursors[key]?.sequence ?? 0) + 1,
                    "a block must continue its cursor")
                // Output follows input: what one block causes stands in blocks of its own, so a
                // log rebuilt from the same inputs is cut at the same edges.
                try log.sealAll(recorded: recorded, in: database)
                commit.deadLetters += try apply(received, in: transaction)
                try log.sealAll(recorded: recorded, in: database)
                commit.eventsApplied += received.block.count
                cursors[key] = received.cursor
                moved.insert(key)
            case .command(let command, let ticket):
                commit.replies.append((ticket, try carryOut(command, in: transaction)))
            case .errand(let errand, let ticket):
                commit.results.append((ticket, try domain.perform(errand, in: transaction)))
            }
        }
        try domain.flush(in: transaction)
        try log.sealAll(recorded: recorded, in: database)
        for key in moved { try save(cursors[key] ?? .start, at: key, in: database) }
        commit.blocks = log.takeSealed()
        return commit
    }

    /// Applies the events of one block; returns how many of them became dead letters.
    private func apply(_ received: ReceivedBlock, in transaction: Transaction) throws -> Int {
        var deadLetters = 0
        var position = EventPosition(
            stream: received.stream, partition: received.block.partition,
            sequence: received.block.first)
        do {
            try BlockBody.forEachEvent(in: received.block.body) { bytes in
                do {
                    try apply(bytes, of: received, at: position, in: transaction)
                } catch let failure as Undecidable {
                    deadLetters += 1
                    try record(
                        failure, of: bytes.withUnsafeBytes { Array($0) }, at: position,
                        in: transaction.database)
                }
                position.sequence += 1
            }
        } catch is MalformedBlock {
            throw Obstacle(block: received, reason: "the block of \(position) is no run of events")
        }
        guard position.sequence == received.block.last + 1 else {
            throw Obstacle(
                block: received,
                reason: "the block before \(position) does not hold \(received.block.count) events")
        }
        return deadLetters
    }

    private func apply(
        _ bytes: EventBytes, of block: ReceivedBlock, at position: EventPosition,
        in transaction: Transaction
    ) throws {
        let event: Work.Input
        do {
            event = try Work.Input(reading: bytes)
        } catch {
            throw Undecidable("not an event: \(error)")
        }
        if event.isUnderstood {
            try domain.apply(event, at: position, in: transaction)
        } else if event.critical {
            throw Obstacle(
                block: block,
                reason: "\(position) must not be skipped and this program does not know it")
        }
    }

    private func carryOut(
        _ command: CommandMessage, in transaction: Transaction
    ) throws -> ReplyMessage {
        let bounds = CommandMessage.Limits.keyBytesMin...CommandMessage.Limits.keyBytesMax
        guard bounds.contains(command.key.count) else {
            return .invalid("bad_key", "a command's key has 16 to 64 bytes")
        }
        let request = Array(
            SHA256.hash(data: Array(command.method.utf8) + [0] + command.body))
        let database = transaction.database
        let earlier = try Row.fetchOne(
            database.cachedStatement(
                sql: "SELECT request, reply FROM command WHERE caller = ? AND key = ?"),
            arguments: [command.caller, DatabaseBytes(command.key)])
        if let earlier {
            guard (earlier[0] as DatabaseBytes).bytes == request else {
                return ReplyMessage(
                    status: .conflict, code: "key_reused",
                    message: "this key was used for another request; take a new key")
            }
            return ReplyMessage(status: .ok, body: (earlier[1] as DatabaseBytes).bytes)
        }
        let reply = try domain.handle(command, in: transaction)
        if reply.status == .ok {
            try database.cachedStatement(
                sql: "INSERT INTO command (caller, key, request, reply) VALUES (?, ?, ?, ?)"
            ).execute(arguments: [
                command.caller, DatabaseBytes(command.key), DatabaseBytes(request),
                DatabaseBytes(reply.body),
            ])
        }
        return reply
    }

    private func record(
        _ failure: Undecidable, of event: [UInt8], at position: EventPosition,
        in database: Database
    ) throws {
        try database.cachedStatement(
            sql: """
                INSERT INTO dead_letter (stream, partition, sequence, reason, event)
                VALUES (?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            position.stream.rawValue, position.partition, Int64(position.sequence),
            failure.reason, DatabaseBytes(event),
        ])
    }

    private func save(_ cursor: Cursor, at key: CursorKey, in database: Database) throws {
        guard let log = cursor.log, let chain = cursor.chain else { return }
        try database.cachedStatement(
            sql: """
                INSERT INTO cursor (stream, partition, log, sequence, chain) VALUES (?, ?, ?, ?, ?)
                ON CONFLICT (stream, partition) DO UPDATE
                SET log = excluded.log, sequence = excluded.sequence, chain = excluded.chain
                """
        ).execute(arguments: [
            key.stream.rawValue, key.partition, DatabaseBytes(log.bytes), Int64(cursor.sequence),
            DatabaseBytes(chain.bytes),
        ])
    }

    private static func cursors(in database: Database) throws -> [CursorKey: Cursor] {
        var cursors: [CursorKey: Cursor] = [:]
        for (stream, partition, cursor) in try StoredCursors.all(in: database) {
            cursors[CursorKey(stream: stream, partition: partition)] = cursor
        }
        return cursors
    }
}

/// The cursors of a store, for whoever may read it.
package enum StoredCursors {
    package static func all(in database: Database) throws -> [(StreamName, Int, Cursor)] {
        try Row.fetchAll(
            database, sql: "SELECT stream, partition, log, sequence, chain FROM cursor"
        ).compactMap { row in
            guard let stream = StreamName(rawValue: row[0]) else { return nil }
            return (
                stream, row[1],
                Cursor(
                    log: LogID((row[2] as DatabaseBytes).bytes), sequence: UInt64(row[3] as Int64),
                    chain: Chain((row[4] as DatabaseBytes).bytes))
            )
        }
    }
}
