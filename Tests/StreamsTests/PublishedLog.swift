import Messages
import Model
import Streams

/// A publisher's log as a subscriber sees it, in memory: what it answers to a cursor.
struct PublishedLog {
    let stream: StreamName
    let id: LogID
    var boot: UInt64
    private(set) var partitions: [[Block]]

    init(
        _ stream: StreamName = .behaviour, log: UInt8 = 1, boot: UInt64 = 100, partitions: Int = 1
    ) {
        guard let id = LogID(Array(repeating: log, count: LogID.byteCount)) else {
            preconditionFailure("sixteen bytes were made")
        }
        self.stream = stream
        self.id = id
        self.boot = boot
        self.partitions = Array(repeating: [], count: partitions)
    }

    var source: Subscriber.Source { Subscriber.Source(log: id, boot: boot) }

    func head(of partition: Int = 0) -> UInt64 { partitions[partition].last?.last ?? 0 }

    var heads: [(partition: Int, sequence: UInt64)] {
        partitions.indices.map { ($0, head(of: $0)) }
    }

    /// The cursor of a subscriber that has applied everything.
    func cursor(of partition: Int = 0) -> Cursor {
        guard let last = partitions[partition].last else { return .start }
        return Cursor(log: id, sequence: last.last, chain: last.chain)
    }

    /// Appends a block of `count` events, with a body of `bytes` bytes filled with `filling`.
    @discardableResult
    mutating func append(
        count: Int = 1, bytes: Int = 10, filling: UInt8 = 0, to partition: Int = 0
    ) -> Block {
        let before =
            partitions[partition].last?.chain
            ?? Chain(log: id, stream: stream, partition: partition)
        let first = head(of: partition) + 1
        let body = Array(repeating: filling, count: bytes)
        let block = Block(
            partition: partition, first: first, count: count,
            chain: before.extended(first: first, count: count, body: body),
            recorded: Instant(milliseconds: 0), totals: ControlTotals(), body: body)
        partitions[partition].append(block)
        return block
    }

    /// Loses the last block of a partition, as an older copy of a store has.
    mutating func loseLast(of partition: Int = 0) { partitions[partition].removeLast() }

    /// Answers a fetch as `LogPage` does.
    func page(
        after cursor: Cursor, partition: Int = 0, request: UInt64,
        bytesMax: Int = Subscriber.Limits.pageBytesMax
    ) -> Subscriber.PageReply {
        let blocks = partitions[partition]
        func reply(
            _ status: Subscriber.PageReply.Status, _ blocks: [Block] = []
        ) -> Subscriber.PageReply {
            Subscriber.PageReply(
                partition: partition, request: request, status: status, head: head(of: partition),
                blocks: blocks)
        }
        if let log = cursor.log, log != id { return reply(.forked) }
        if cursor.sequence > head(of: partition) { return reply(.ahead) }
        var next = 0
        if cursor.sequence > 0 {
            guard let edge = index(of: cursor.sequence, in: blocks),
                blocks[edge].chain == cursor.chain
            else { return reply(.forked) }
            next = edge + 1
        }
        var page: [Block] = []
        var bytes = 0
        while next < blocks.count, page.isEmpty || bytes + blocks[next].body.count <= bytesMax {
            page.append(blocks[next])
            bytes += blocks[next].body.count
            next += 1
        }
        return reply(.ok, page)
    }

    func block(endingAt sequence: UInt64, in partition: Int) -> Block? {
        index(of: sequence, in: partitions[partition]).map { partitions[partition][$0] }
    }

    /// Where the block that ends at `sequence` stands.
    private func index(of sequence: UInt64, in blocks: [Block]) -> Int? {
        var low = 0
        var high = blocks.count
        while low < high {
            let middle = (low + high) / 2
            if blocks[middle].last < sequence { low = middle + 1 } else { high = middle }
        }
        return low < blocks.count && blocks[low].last == sequence ? low : nil
    }
}
