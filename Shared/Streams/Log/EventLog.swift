package import GRDB
package import Messages
import Model
import Storage

/// What a service has published, kept whole in its own store, and appended to by its writer alone.
///
/// Events are gathered into blocks as they are emitted and each block is one row with one BLOB: a
/// row an event would dirty many times the pages, and replay forwards the stored bytes as they are.
package final class EventLog {
    package let id: LogID
    package let stream: StreamName
    private var partitions: [Partition]
    private var sealed: [Block] = []

    /// An object, because an open body is written where it lies.
    private final class Partition {
        var head: UInt64
        var chain: Chain
        var totals: ControlTotals
        /// Of the block to be, and kept for those after it.
        var body = WireBuffer(capacity: Block.Limits.bodyBytesTarget / 8)
        var count = 0

        init(_ stored: Head) {
            head = stored.sequence
            chain = stored.chain
            totals = stored.totals
        }

        var next: UInt64 { head + UInt64(count) + 1 }
    }

    package struct Head: Hashable, Sendable {
        package var partition: Int
        package var sequence: UInt64
        package var chain: Chain
        package var totals: ControlTotals

        package init(partition: Int, sequence: UInt64, chain: Chain, totals: ControlTotals) {
            self.partition = partition
            self.sequence = sequence
            self.chain = chain
            self.totals = totals
        }
    }

    /// Reads where the log stands; it must have been created in this store.
    package init(identity: LogIdentity, in database: Database) throws {
        id = identity.log
        stream = identity.stream
        partitions = try Self.heads(of: identity, in: database).map(Partition.init)
    }

    package var partitionCount: Int { partitions.count }

    /// Where the log stands, with everything sealed and nothing that is still open.
    package var heads: [Head] {
        partitions.enumerated().map {
            Head(
                partition: $0.offset, sequence: $0.element.head, chain: $0.element.chain,
                totals: $0.element.totals)
        }
    }

    /// Adds an event to its partition's open block and says which sequence it got.
    func append(
        _ event: some StreamEvent, to partition: Int, milligrams: Int64, points: Int64,
        recorded: Instant, in database: Database
    ) throws -> UInt64 {
        let open = partitions[partition]
        let end = open.body.count
        let bytes = try BlockBody.append(event, to: &open.body)
        precondition(bytes <= Block.Limits.eventBytesMax, "an event outgrew the wire limit")
        if open.count > 0, end + bytes > Block.Limits.bodyBytesTarget {
            try seal(partition, upTo: end, recorded: recorded, in: database)
        }
        let sequence = open.next
        open.count += 1
        open.totals.events += 1
        open.totals.milligrams += milligrams
        open.totals.points += points
        return sequence
    }

    func nextSequence(in partition: Int) -> UInt64 { partitions[partition].next }

    /// Closes every open block and writes it.
    func sealAll(recorded: Instant, in database: Database) throws {
        for (partition, open) in partitions.enumerated() where open.count > 0 {
            try seal(partition, upTo: open.body.count, recorded: recorded, in: database)
        }
    }

    /// Closes the open block with the first `end` bytes of its body; the rest begins the next one.
    private func seal(
        _ partition: Int, upTo end: Int, recorded: Instant, in database: Database
    ) throws {
        let open = partitions[partition]
        let first = open.head + 1
        let body = open.body.withBytes { Array($0.prefix(end)) }
        let chain = open.chain.extended(first: first, count: open.count, body: body)
        let block = Block(
            partition: partition, first: first, count: open.count, chain: chain,
            recorded: recorded, totals: open.totals, body: body)
        try database.cachedStatement(
            sql: """
                INSERT INTO log_block
                    (partition, first, count, chain, recorded_ms, events, milligrams, points, body)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            block.partition, Int64(block.first), block.count, DatabaseBytes(block.chain.bytes),
            block.recorded.rawValue, Int64(block.totals.events), block.totals.milligrams,
            block.totals.points, DatabaseBytes(block.body),
        ])
        open.head = block.last
        open.chain = chain
        open.body.removeFirst(end)
        open.count = 0
        sealed.append(block)
    }

    /// The blocks sealed since the last call, to be published once they are committed.
    func takeSealed() -> [Block] {
        defer { sealed = [] }
        return sealed
    }

    /// Forgets everything that was not committed.
    func reload(from database: Database) throws {
        let identity = LogIdentity(log: id, stream: stream, partitions: partitions.count)
        sealed = []
        partitions = try Self.heads(of: identity, in: database).map(Partition.init)
    }
}

/// What a log is called and how it is divided: fixed when its store is created.
package struct LogIdentity: Hashable, Sendable {
    package var log: LogID
    package var stream: StreamName
    package var partitions: Int

    package init(log: LogID, stream: StreamName, partitions: Int) {
        self.log = log
        self.stream = stream
        self.partitions = partitions
    }

    /// The identity kept in the store, minted by the first start.
    ///
    /// Throws `LogIdentityError` if the store belongs to another stream or another division.
    package static func establish(
        stream: StreamName, partitions: Int, using generator: inout some RandomNumberGenerator,
        in database: Database
    ) throws -> LogIdentity {
        if let kept = try load(from: database) {
            guard kept.stream == stream else {
                throw LogIdentityError.otherStream(kept: kept.stream, wanted: stream)
            }
            guard kept.partitions == partitions else {
                throw LogIdentityError.otherDivision(kept: kept.partitions, wanted: partitions)
            }
            return kept
        }
        let identity = LogIdentity(
            log: .random(using: &generator), stream: stream, partitions: partitions)
        try database.execute(
            sql: "INSERT INTO log_identity (id, log, stream, partitions) VALUES (1, ?, ?, ?)",
            arguments: [DatabaseBytes(identity.log.bytes), stream.rawValue, partitions])
        return identity
    }

    package static func load(from database: Database) throws -> LogIdentity? {
        guard
            let row = try Row.fetchOne(
                database, sql: "SELECT log, stream, partitions FROM log_identity WHERE id = 1"),
            let log = LogID((row[0] as DatabaseBytes).bytes),
            let stream = StreamName(rawValue: row[1])
        else { return nil }
        return LogIdentity(log: log, stream: stream, partitions: row[2])
    }
}

package enum LogIdentityError: Error, Equatable {
    case otherStream(kept: StreamName, wanted: StreamName)
    case otherDivision(kept: Int, wanted: Int)
}

extension LogIdentityError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .otherStream(let kept, let wanted):
            "the store holds the stream \(kept.rawValue), not \(wanted.rawValue)"
        case .otherDivision(let kept, let wanted):
            "the store was created with \(kept) partitions, not \(wanted); a deployment's number "
                + "of partitions is fixed"
        }
    }
}
