package import GRDB
import Model
import Storage

/// Reading a log: on any snapshot, by services and by whoever opens a store to look.
extension EventLog {
    package static func heads(of identity: LogIdentity, in database: Database) throws -> [Head] {
        try (0..<identity.partitions).map { partition in
            let row = try Row.fetchOne(
                database.cachedStatement(
                    sql: """
                        SELECT first + count - 1, chain, events, milligrams, points FROM log_block
                        WHERE partition = ? ORDER BY first DESC LIMIT 1
                        """),
                arguments: [partition])
            guard let row else {
                return Head(
                    partition: partition, sequence: 0,
                    chain: Chain(
                        log: identity.log, stream: identity.stream, partition: partition),
                    totals: ControlTotals())
            }
            guard let chain = Chain((row[1] as DatabaseBytes).bytes) else {
                throw LogDamaged(partition: partition, sequence: UInt64(row[0] as Int64))
            }
            return Head(
                partition: partition, sequence: UInt64(row[0] as Int64), chain: chain,
                totals: ControlTotals(
                    events: UInt64(row[2] as Int64), milligrams: row[3], points: row[4]))
        }
    }

    /// The chain and totals at `sequence`, or nil if no block ends there.
    package static func edge(
        at sequence: UInt64, partition: Int, of identity: LogIdentity, in database: Database
    ) throws -> Head? {
        if sequence == 0 {
            return Head(
                partition: partition, sequence: 0,
                chain: Chain(log: identity.log, stream: identity.stream, partition: partition),
                totals: ControlTotals())
        }
        let row = try Row.fetchOne(
            database.cachedStatement(
                sql: """
                    SELECT first + count - 1, chain, events, milligrams, points FROM log_block
                    WHERE partition = ? AND first <= ? ORDER BY first DESC LIMIT 1
                    """),
            arguments: [partition, Int64(sequence)])
        guard let row, UInt64(row[0] as Int64) == sequence,
            let chain = Chain((row[1] as DatabaseBytes).bytes)
        else { return nil }
        return Head(
            partition: partition, sequence: sequence, chain: chain,
            totals: ControlTotals(
                events: UInt64(row[2] as Int64), milligrams: row[3], points: row[4]))
    }

    /// Whole blocks after `sequence`, in order: at most `bytesMax` of bodies, at least one block.
    package static func blocks(
        after sequence: UInt64, partition: Int, bytesMax: Int, in database: Database
    ) throws -> [Block] {
        let rows = try Row.fetchCursor(
            database.cachedStatement(
                sql: """
                    SELECT first, count, chain, recorded_ms, events, milligrams, points, body
                    FROM log_block WHERE partition = ? AND first > ? ORDER BY first
                    """),
            arguments: [partition, Int64(sequence)])
        var blocks: [Block] = []
        var bytes = 0
        while let row = try rows.next() {
            let first = UInt64(row[0] as Int64)
            guard let chain = Chain((row[2] as DatabaseBytes).bytes) else {
                throw LogDamaged(partition: partition, sequence: first)
            }
            let body = (row[7] as DatabaseBytes).bytes
            if !blocks.isEmpty, bytes + body.count > bytesMax { break }
            bytes += body.count
            blocks.append(
                Block(
                    partition: partition, first: first, count: row[1], chain: chain,
                    recorded: Instant(milliseconds: row[3]),
                    totals: ControlTotals(
                        events: UInt64(row[4] as Int64), milligrams: row[5], points: row[6]),
                    body: body))
            if bytes >= bytesMax { break }
        }
        return blocks
    }
}

/// A stored block that is not what was written.
package struct LogDamaged: Error, Equatable {
    package var partition: Int
    package var sequence: UInt64
}
