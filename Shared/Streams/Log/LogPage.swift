package import GRDB

/// A stretch of a log as one snapshot shows it: the publisher's answer to a cursor.
package struct LogPage: Sendable {
    package enum Verdict: Sendable {
        case ok
        /// The cursor lies beyond the head: this log has lost what the subscriber has applied.
        case ahead
        /// Another chain stands at the cursor, or another log.
        case forked
    }

    package var verdict: Verdict
    package var head: EventLog.Head
    package var blocks: [Block]

    package init(verdict: Verdict, head: EventLog.Head, blocks: [Block]) {
        self.verdict = verdict
        self.head = head
        self.blocks = blocks
    }

    /// Reads the page after `cursor`, having checked that the cursor is on this log's chain.
    package static func read(
        after cursor: Cursor, partition: Int, bytesMax: Int, of identity: LogIdentity,
        in database: Database
    ) throws -> LogPage? {
        let heads = try EventLog.heads(of: identity, in: database)
        guard heads.indices.contains(partition) else { return nil }
        let head = heads[partition]
        func verdict(_ verdict: Verdict) -> LogPage {
            LogPage(verdict: verdict, head: head, blocks: [])
        }
        if let log = cursor.log, log != identity.log { return verdict(.forked) }
        if cursor.sequence > head.sequence { return verdict(.ahead) }
        if cursor.sequence > 0 {
            let edge = try EventLog.edge(
                at: cursor.sequence, partition: partition, of: identity, in: database)
            guard let edge, edge.chain == cursor.chain else { return verdict(.forked) }
        }
        return LogPage(
            verdict: .ok, head: head,
            blocks: try EventLog.blocks(
                after: cursor.sequence, partition: partition, bytesMax: bytesMax, in: database))
    }
}
