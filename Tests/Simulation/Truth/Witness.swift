import GRDB
import Greenctl
package import Messages
package import Streams

/// Sees everything and forgets nothing, and holds the services to the protocol's invariants.
///
/// It knows what every log has held, what anyone was promised, and how far each consumer has come.
/// It learns of blocks from what is committed and from what a store holds after a restart, never
/// from what is sent.
package struct Witness {
    private struct Seen {
        var stream: StreamName
        var partition: Int
        var first: UInt64
        var last: UInt64
        var before: Chain
        var body: [UInt8]
    }

    private struct Place: Hashable, CustomStringConvertible {
        var stream: StreamName
        var partition: Int

        var description: String { "\(stream.rawValue)/\(partition)" }
    }

    private struct Promise {
        var sequence: UInt64
        var chain: Chain
        /// To whom it was given.
        var what: String
    }

    private struct ConsumerPlace: Hashable {
        var consumer: ServiceName
        var partition: Int
    }

    /// Every block that was ever on a disk, by the chain after it.
    private var blocks: [Chain: Seen] = [:]
    /// What is on the disk now, block by block: where each ends.
    private var logs: [Place: [(last: UInt64, chain: Chain)]] = [:]
    /// The furthest place of each log that anyone was told of.
    private var promises: [Place: Promise] = [:]
    /// The chain of what each consumer was given last.
    private var delivered: [ConsumerPlace: (sequence: UInt64, chain: Chain?)] = [:]
    private(set) var identities: [StreamName: LogIdentity] = [:]

    // MARK: Logs

    /// A transaction returned: its blocks are on disk.
    mutating func committed(_ new: [Block], of identity: LogIdentity) throws {
        for block in new { try note(block, of: identity) }
    }

    private mutating func note(_ block: Block, of identity: LogIdentity) throws {
        let place = Place(stream: identity.stream, partition: block.partition)
        let last = logs[place]?.last
        guard block.first == (last?.last ?? 0) + 1 else {
            throw Violation("I2", "\(place) goes from \(last?.last ?? 0) to \(block.first)")
        }
        let start =
            last?.chain
            ?? Chain(log: identity.log, stream: identity.stream, partition: block.partition)
        let chain = start.extended(first: block.first, count: block.count, body: block.body)
        guard chain == block.chain else {
            throw Violation("I2", "the chain of \(place) does not hold at \(block.first)")
        }
        logs[place, default: []].append((block.last, block.chain))
        blocks[block.chain] = Seen(
            stream: identity.stream, partition: block.partition, first: block.first,
            last: block.last, before: start, body: block.body)
    }

    /// A process found its store: the log must hold, and hold all that was promised of it.
    ///
    /// Returns how many events of each partition nobody knew of: a commit outlived its process.
    mutating func booted(
        _ identity: LogIdentity, in database: Database, isRestored: Bool
    ) throws -> UInt64 {
        if let known = identities[identity.stream], known != identity {
            throw Violation("I2", "the log of \(identity.stream) is another one than before")
        }
        identities[identity.stream] = identity
        var unknown: UInt64 = 0
        for partition in 0..<identity.partitions {
            let place = Place(stream: identity.stream, partition: partition)
            logs[place] = []
            var sequence: UInt64 = 0
            var isKept = promises[place] == nil
            while true {
                let page = try EventLog.blocks(
                    after: sequence, partition: partition, bytesMax: 1 << 20, in: database)
                if page.isEmpty { break }
                for block in page {
                    if blocks[block.chain] == nil { unknown += UInt64(block.count) }
                    try note(block, of: identity)
                    sequence = block.last
                    if block.chain == promises[place]?.chain { isKept = true }
                }
            }
            if !isKept, !isRestored, let promise = promises[place] {
                throw Violation(
                    "I1",
                    "\(place) ends at \(sequence) after a restart, "
                        + "though \(promise.what) told of \(promise.sequence)")
            }
        }
        return unknown
    }

    /// A log is the older one of a backup, or the right one again: promises begin anew.
    mutating func forgetPromises(of stream: StreamName) {
        promises = promises.filter { $0.key.stream != stream }
    }

    // MARK: What is sent

    /// A block goes out, live or in a page.
    mutating func sent(_ block: Block, of stream: StreamName, as what: String) throws {
        guard let seen = blocks[block.chain], seen.stream == stream,
            seen.partition == block.partition, seen.first == block.first, seen.body == block.body
        else {
            throw Violation(
                "I1",
                "\(what) \(stream)/\(block.partition)/\(block.first) was sent and never "
                    + "committed")
        }
        promise(stream, block.partition, block.last, block.chain, what)
    }

    mutating func sent(_ heads: [EventLog.Head], of stream: StreamName) throws {
        for head in heads where head.sequence > 0 {
            guard let seen = blocks[head.chain], seen.last == head.sequence else {
                throw Violation(
                    "I1",
                    "a HEAD told of \(stream)/\(head.partition)/\(head.sequence), which was "
                        + "never committed")
            }
            promise(stream, head.partition, head.sequence, head.chain, "a HEAD")
        }
    }

    /// A partner holds a receipt for a place of `behaviour`.
    mutating func receipted(partition: Int, sequence: UInt64) throws {
        let log = logs[Place(stream: .behaviour, partition: partition)] ?? []
        guard let block = log.first(where: { sequence <= $0.last }) else {
            throw Violation(
                "I7", "a receipt names behaviour/\(partition)/\(sequence), which is on no disk")
        }
        promise(.behaviour, partition, block.last, block.chain, "a receipt")
    }

    /// The bodies of what a log holds now, in order, with the sequence of their first events.
    func bodies(of stream: StreamName, partition: Int) -> [(first: UInt64, body: [UInt8])] {
        (logs[Place(stream: stream, partition: partition)] ?? []).compactMap {
            blocks[$0.chain].map { ($0.first, $0.body) }
        }
    }

    /// Where a log ends now.
    func head(of stream: StreamName, partition: Int) -> UInt64 {
        logs[Place(stream: stream, partition: partition)]?.last?.last ?? 0
    }

    private mutating func promise(
        _ stream: StreamName, _ partition: Int, _ sequence: UInt64, _ chain: Chain, _ what: String
    ) {
        let place = Place(stream: stream, partition: partition)
        if let earlier = promises[place], earlier.sequence >= sequence { return }
        promises[place] = Promise(sequence: sequence, chain: chain, what: what)
    }

    // MARK: Consumers

    /// A consumer's process began at its durable cursors.
    mutating func began(_ consumer: ServiceName, at cursors: [Streams.Cursor]) throws {
        for (partition, cursor) in cursors.enumerated() {
            if let chain = cursor.chain {
                guard let seen = blocks[chain], seen.last == cursor.sequence else {
                    throw Violation(
                        "I5", "\(consumer) stands at \(cursor.sequence), where no block ends")
                }
            }
            delivered[ConsumerPlace(consumer: consumer, partition: partition)] = (
                cursor.sequence, cursor.chain
            )
        }
    }

    /// Up to where a consumer was given blocks, by what it was given.
    func given(_ consumer: ServiceName, _ partition: Int) -> Streams.Cursor {
        let last = delivered[ConsumerPlace(consumer: consumer, partition: partition)]
        return Streams.Cursor(log: nil, sequence: last?.sequence ?? 0, chain: last?.chain)
    }

    /// What stands at a block's edge of a log now; nil if no block ends there.
    package func chain(of stream: StreamName, partition: Int, at sequence: UInt64) -> Chain? {
        logs[Place(stream: stream, partition: partition)]?.first { $0.last == sequence }?.chain
    }

    /// A consumer's engine was handed a block.
    mutating func delivered(_ received: ReceivedBlock, to consumer: ServiceName) throws {
        let block = received.block
        let place = ConsumerPlace(consumer: consumer, partition: block.partition)
        let last = delivered[place] ?? (0, nil)
        guard block.first == last.sequence + 1 else {
            throw Violation(
                "I4", "\(consumer) was given \(block.first) after \(last.sequence)")
        }
        guard let seen = blocks[block.chain], seen.body == block.body, seen.last == block.last
        else {
            throw Violation(
                "I5", "\(consumer) was given \(block.first), which no log ever held")
        }
        let start = Chain(log: received.log, stream: received.stream, partition: block.partition)
        guard seen.before == last.chain ?? start else {
            throw Violation(
                "I5", "\(consumer) was given \(block.first) of another history than it has applied")
        }
        delivered[place] = (block.last, block.chain)
    }
}
