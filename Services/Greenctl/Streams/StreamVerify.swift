import GRDB
import Messages
import Storage
import Streams

/// Proves that a log is what was written: every block's chain, place, count and totals.
///
/// What it cannot see is a tail cut off in whole blocks; the cursors of consumers show that, and
/// the audit compares them.
struct LogCheck {
    struct Result: Encodable, Equatable {
        var stream: String
        var partition: Int
        var blocks = 0
        /// The last event that is as it was written.
        var sequence: UInt64 = 0
        var milligrams: Int64 = 0
        var points: Int64 = 0
        /// 64 hexadecimal digits.
        var chain: String
        /// What is wrong with the first block that is damaged.
        var damage: String?
    }

    /// Blocks read in one transaction: a long one would keep a live store from checkpointing.
    private static let pageBytesMax = 4 << 20

    let store: StoreReader

    /// Checks every partition of the store's log, or answers nil if it has none.
    func run() throws -> [Result]? {
        guard let identity = try store.read({ try LogIdentity.load(from: $0) }) else { return nil }
        return try (0..<identity.partitions).map { try check(partition: $0, of: identity) }
    }

    private func check(partition: Int, of identity: LogIdentity) throws -> Result {
        var chain = Chain(log: identity.log, stream: identity.stream, partition: partition)
        var result = Result(
            stream: identity.stream.rawValue, partition: partition, chain: chain.description)
        var events: UInt64 = 0
        while true {
            let page: [Block]
            do {
                page = try store.read {
                    try EventLog.blocks(
                        after: result.sequence, partition: partition,
                        bytesMax: Self.pageBytesMax, in: $0)
                }
            } catch let damage as LogDamaged {
                result.damage = "the block at \(damage.sequence) has no chain"
                return result
            }
            if page.isEmpty { return result }
            for block in page {
                events += UInt64(block.count)
                if let damage = Self.damage(
                    of: block, after: result.sequence, chain: chain, events: events)
                {
                    result.damage = "the block at \(block.first) \(damage)"
                    return result
                }
                chain = block.chain
                result.blocks += 1
                result.sequence = block.last
                result.milligrams = block.totals.milligrams
                result.points = block.totals.points
                result.chain = chain.description
            }
        }
    }

    private static func damage(
        of block: Block, after sequence: UInt64, chain: Chain, events: UInt64
    ) -> String? {
        guard block.first == sequence + 1 else {
            return "does not continue event \(sequence): events are missing"
        }
        guard
            chain.extended(first: block.first, count: block.count, body: block.body) == block.chain
        else { return "is not what was written: its chain does not hold" }
        // A malformed body throws; under a chain that holds, it was written so.
        guard (try? BlockBody.count(in: block.body)) == block.count else {
            return "does not hold the \(block.count) events it says"
        }
        guard block.totals.events == events else {
            return "counts \(block.totals.events) events in all, not \(events)"
        }
        return nil
    }
}
