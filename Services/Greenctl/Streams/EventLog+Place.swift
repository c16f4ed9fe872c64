import GRDB
import Streams

extension EventLog {
    /// Whole blocks from the one that holds `sequence`, which need not begin there.
    static func blocks(
        holding sequence: UInt64, partition: Int, bytesMax: Int, in database: Database
    ) throws -> [Block] {
        let first = try Int64.fetchOne(
            database.cachedStatement(
                sql: """
                    SELECT first FROM log_block WHERE partition = ? AND first <= ?
                    ORDER BY first DESC LIMIT 1
                    """),
            arguments: [partition, Int64(clamping: sequence)])
        let blocks = try blocks(
            after: UInt64(first ?? 1) - 1, partition: partition, bytesMax: bytesMax, in: database)
        return blocks.filter { $0.last >= sequence }
    }
}
