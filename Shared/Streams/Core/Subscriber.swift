package import Messages

/// One subscription as a value: what arrives goes in, what to do comes out.
///
/// It has no socket and no clock. It follows every partition of one stream of one publisher. Live
/// blocks are the fast path; pages pulled from the publisher's log are the truth. Whatever is
/// delivered continues the partition's chain, in order and without gaps, so a consumer never has to
/// look.
///
/// Only a gap, or a HEAD that came after the blocks on the same pipe, starts a fetch: a publisher's
/// head read from anywhere else may be newer than blocks that are merely on their way.
package struct Subscriber {
    package enum Limits {
        /// Blocks delivered and not yet applied; beyond it, only the publisher's log remembers.
        package static let queuedBytesMax = 4 << 20
        /// Live blocks kept while a page is on its way.
        package static let splicedBytesMax = 4 << 20
        package static let pageBytesMax = 1 << 20
        package static let replyMillisecondsFirst: Int64 = 1_000
        package static let replyMillisecondsMax: Int64 = 30_000
        package static let silenceMillisecondsMax: Int64 = 5_000
        package static let acknowledgeMilliseconds: Int64 = 2_000
    }

    package enum Effect: Equatable {
        /// Ask for the page after `from`; `applied` is durable.
        case fetch(partition: Int, from: Cursor, applied: UInt64, request: UInt64)
        case deliver(ReceivedBlock)
        /// A reply is overdue: its socket may be dead for ever.
        case renewReplay
        /// Either socket may be dead for ever, or hold the last words of a process that ended: both
        /// are made anew, and what stood in them is lost. `connected` follows.
        case renewAll
        /// Nothing more of this partition is delivered until an operator resolves it.
        case stopped(partition: Int, reason: String)
    }

    package enum Standing: Equatable {
        case catchingUp
        case live
        case stopped(String)
    }

    /// Where a publisher stands, as its BLOCK, HEAD and PAGE headers say.
    package struct Source: Equatable {
        package var log: LogID
        package var boot: UInt64

        package init(log: LogID, boot: UInt64) {
            self.log = log
            self.boot = boot
        }
    }

    package struct PageReply {
        package enum Status {
            case ok
            case ahead
            case forked
        }
        package var partition: Int
        package var request: UInt64
        package var status: Status
        package var head: UInt64
        package var blocks: [Block]

        package init(
            partition: Int, request: UInt64, status: Status, head: UInt64, blocks: [Block]
        ) {
            self.partition = partition
            self.request = request
            self.status = status
            self.head = head
            self.blocks = blocks
        }
    }

    package let stream: StreamName
    private var partitions: [Partition]
    private var boot: UInt64?
    private var formerBoots: Set<UInt64> = []
    /// Whether both sockets were made anew since a boot was first heard.
    private var isOrderKnown = false
    /// When the live feed, whose HEAD comes whatever else happens, has been silent for too long.
    private var silent: Int64
    private var requests: UInt64 = 0
    private var jitter: SplitMix64

    private struct Partition {
        /// Everything up to here was delivered.
        var position: Cursor
        var applied: UInt64
        var standing: Standing = .catchingUp
        var outstanding: Outstanding?
        var attempts = 0
        var queuedBytes = 0
        var spliced: [Block] = []
        var splicedBytes = 0
        var head: UInt64?
        var lastFetch: Int64
    }

    private struct Outstanding {
        var request: UInt64
        var overdue: Int64
    }

    /// Begins at `cursors`, one for each partition, at `now` milliseconds of a monotonic clock.
    package init(stream: StreamName, cursors: [Cursor], now: Int64, seed: UInt64) {
        self.stream = stream
        jitter = SplitMix64(seed: seed)
        silent = now + Limits.silenceMillisecondsMax
        partitions = cursors.map {
            Partition(position: $0, applied: $0.sequence, lastFetch: now)
        }
    }

    package func standing(of partition: Int) -> Standing { partitions[partition].standing }
    package func head(of partition: Int) -> UInt64? { partitions[partition].head }

    // MARK: What arrives

    /// The first fetches, to be sent once the sockets are there; again after they were renewed.
    package mutating func connected(now: Int64) -> [Effect] {
        // Jitter, so that not all who lost a publisher come back at once, again and again.
        silent = now + Limits.silenceMillisecondsMax + Int64.random(in: 0...1_000, using: &jitter)
        var effects: [Effect] = []
        for partition in partitions.indices where !isStopped(partition) {
            partitions[partition].outstanding = nil
            dropSpliced(partition)
            catchUp(partition, now: now, into: &effects)
        }
        return effects
    }

    package mutating func received(_ block: Block, from source: Source, now: Int64) -> [Effect] {
        var effects: [Effect] = []
        extendSilence(now: now)
        guard heard(source, into: &effects), partitions.indices.contains(block.partition),
            !isStopped(block.partition)
        else { return effects }
        let partition = block.partition
        let next = partitions[partition].position.sequence + 1
        guard block.first >= next else { return effects }
        partitions[partition].head = max(partitions[partition].head ?? 0, block.last)
        if case .live = partitions[partition].standing, block.first == next,
            partitions[partition].queuedBytes < Limits.queuedBytesMax
        {
            deliver(block, from: source.log, into: &effects)
        } else {
            keepForSplicing(block)
            catchUp(partition, now: now, into: &effects)
        }
        return effects
    }

    package mutating func received(
        heads: [(partition: Int, sequence: UInt64)], from source: Source, now: Int64
    ) -> [Effect] {
        var effects: [Effect] = []
        extendSilence(now: now)
        guard heard(source, into: &effects) else { return effects }
        guard heads.count == partitions.count else {
            // Whoever follows only some of the partitions would miss the others without a word.
            for partition in partitions.indices {
                stop(
                    partition,
                    "the publisher's log has \(heads.count) partition(s), not \(partitions.count)",
                    &effects)
            }
            return effects
        }
        for (partition, sequence) in heads where partitions.indices.contains(partition) {
            guard !isStopped(partition) else { continue }
            partitions[partition].head = sequence
            if sequence > partitions[partition].position.sequence {
                catchUp(partition, now: now, into: &effects)
            }
        }
        return effects
    }

    package mutating func received(
        _ page: PageReply, from source: Source, now: Int64
    ) -> [Effect] {
        var effects: [Effect] = []
        let partition = page.partition
        // A late answer to a question asked again is dropped; the later one is on its way.
        guard partitions.indices.contains(partition),
            partitions[partition].outstanding?.request == page.request,
            heard(source, into: &effects), !isStopped(partition)
        else { return effects }
        partitions[partition].outstanding = nil
        partitions[partition].attempts = 0
        partitions[partition].head = max(partitions[partition].head ?? 0, page.head)
        switch page.status {
        case .ahead:
            stop(
                partition,
                "the publisher's log ends at \(page.head), before our "
                    + "\(partitions[partition].position.sequence): it has lost events", &effects)
            return effects
        case .forked:
            stop(
                partition,
                "the publisher's log differs from what was applied up to "
                    + "\(partitions[partition].position.sequence)", &effects)
            return effects
        case .ok:
            break
        }
        for block in page.blocks
        where !isStopped(partition)
            && block.first == partitions[partition].position.sequence + 1
        {
            deliver(block, from: source.log, into: &effects)
        }
        guard !isStopped(partition) else { return effects }
        splice(partition, from: source.log, into: &effects)
        guard !isStopped(partition) else { return effects }
        if partitions[partition].position.sequence >= partitions[partition].head ?? 0 {
            partitions[partition].standing = .live
            dropSpliced(partition)
        } else if case .catchingUp = partitions[partition].standing {
            fetchIfRoom(partition, now: now, into: &effects)
        }
        return effects
    }

    /// The consumer has applied, durably, everything up to `sequence`: `bytes` of bodies more.
    package mutating func applied(
        partition: Int, through sequence: UInt64, bytes: Int, now: Int64
    ) -> [Effect] {
        var effects: [Effect] = []
        partitions[partition].applied = sequence
        partitions[partition].queuedBytes -= bytes
        if case .catchingUp = partitions[partition].standing {
            fetchIfRoom(partition, now: now, into: &effects)
        }
        return effects
    }

    /// The consumer will not apply what it was given: the partition stops.
    package mutating func refused(partition: Int, reason: String) -> [Effect] {
        var effects: [Effect] = []
        stop(partition, reason, &effects)
        return effects
    }

    /// Time has passed; to be called several times a second.
    package mutating func tick(now: Int64) -> [Effect] {
        var effects: [Effect] = []
        if now > silent {
            extendSilence(now: now)
            return [.renewAll]
        }
        var overdue = false
        for partition in partitions.indices where !isStopped(partition) {
            if let outstanding = partitions[partition].outstanding {
                guard now > outstanding.overdue else { continue }
                partitions[partition].attempts += 1
                overdue = true
            } else if case .live = partitions[partition].standing {
                // The cursor doubles as an acknowledgement.
                if now - partitions[partition].lastFetch > Limits.acknowledgeMilliseconds {
                    fetch(partition, now: now, into: &effects)
                }
            } else {
                fetchIfRoom(partition, now: now, into: &effects)
            }
        }
        if overdue {
            effects.append(.renewReplay)
            for partition in partitions.indices
            where partitions[partition].outstanding != nil && !isStopped(partition) {
                fetch(partition, now: now, into: &effects)
            }
        }
        return effects
    }

    // MARK: What follows from it

    /// Only the live feed counts: pages arrive as long as their own socket is well.
    private mutating func extendSilence(now: Int64) {
        silent = max(silent, now + Limits.silenceMillisecondsMax)
    }

    /// Whether a message counts: false if its publisher must not be there, or is new.
    private mutating func heard(_ source: Source, into effects: inout [Effect]) -> Bool {
        if let boot, source.boot != boot {
            if formerBoots.contains(source.boot) {
                for partition in partitions.indices {
                    stop(partition, "two processes publish one log", &effects)
                }
                return false
            }
            // The former process's last words may stand in one socket behind the new one's first
            // in the other. With both made anew, a former boot heard again is one that lives. Of
            // the first two boots heard nobody knows which is the former.
            if isOrderKnown { formerBoots.insert(boot) }
            isOrderKnown = true
            self.boot = source.boot
            // What the former one told of may be lost with it: it must not be asked for without
            // end.
            for partition in partitions.indices { partitions[partition].head = nil }
            effects.append(.renewAll)
            return false
        }
        boot = source.boot
        for partition in partitions.indices {
            if let log = partitions[partition].position.log, log != source.log {
                stop(
                    partition, "the publisher has another log than the one applied so far",
                    &effects)
            }
        }
        return true
    }

    private mutating func deliver(
        _ block: Block, from log: LogID, into effects: inout [Effect]
    ) {
        let partition = block.partition
        let position = partitions[partition].position
        let before = position.chain ?? Chain(log: log, stream: stream, partition: partition)
        let chain = before.extended(first: block.first, count: block.count, body: block.body)
        guard chain == block.chain else {
            stop(
                partition,
                "the chain of events \(block.first) to \(block.last) does not hold: forked or "
                    + "damaged", &effects)
            return
        }
        partitions[partition].position = Cursor(log: log, sequence: block.last, chain: chain)
        partitions[partition].queuedBytes += block.body.count
        effects.append(.deliver(ReceivedBlock(stream: stream, log: log, block: block)))
    }

    private mutating func keepForSplicing(_ block: Block) {
        let partition = block.partition
        guard
            partitions[partition].splicedBytes + block.body.count <= Limits.splicedBytesMax,
            partitions[partition].spliced.last.map({ $0.last + 1 == block.first }) ?? true
        else {
            // A run with a hole splices nothing: the pages will bring it all.
            dropSpliced(partition)
            return
        }
        partitions[partition].spliced.append(block)
        partitions[partition].splicedBytes += block.body.count
    }

    private mutating func splice(
        _ partition: Int, from log: LogID, into effects: inout [Effect]
    ) {
        guard let first = partitions[partition].spliced.first,
            first.first <= partitions[partition].position.sequence + 1
        else { return }
        let blocks = partitions[partition].spliced
        dropSpliced(partition)
        for block in blocks
        where !isStopped(partition)
            && block.first == partitions[partition].position.sequence + 1
        {
            deliver(block, from: log, into: &effects)
        }
    }

    private mutating func dropSpliced(_ partition: Int) {
        partitions[partition].spliced = []
        partitions[partition].splicedBytes = 0
    }

    private mutating func catchUp(_ partition: Int, now: Int64, into effects: inout [Effect]) {
        partitions[partition].standing = .catchingUp
        fetchIfRoom(partition, now: now, into: &effects)
    }

    private mutating func fetchIfRoom(_ partition: Int, now: Int64, into effects: inout [Effect]) {
        guard partitions[partition].outstanding == nil,
            partitions[partition].queuedBytes + Limits.pageBytesMax <= Limits.queuedBytesMax
        else { return }
        fetch(partition, now: now, into: &effects)
    }

    private mutating func fetch(_ partition: Int, now: Int64, into effects: inout [Effect]) {
        requests += 1
        let patience = min(
            Limits.replyMillisecondsFirst << min(partitions[partition].attempts, 5),
            Limits.replyMillisecondsMax)
        partitions[partition].outstanding = Outstanding(
            request: requests,
            overdue: now + patience + Int64.random(in: 0...patience / 4, using: &jitter))
        partitions[partition].lastFetch = now
        effects.append(
            .fetch(
                partition: partition, from: partitions[partition].position,
                applied: partitions[partition].applied, request: requests))
    }

    private func isStopped(_ partition: Int) -> Bool {
        if case .stopped = partitions[partition].standing { return true }
        return false
    }

    private mutating func stop(_ partition: Int, _ reason: String, _ effects: inout [Effect]) {
        guard !isStopped(partition) else { return }
        partitions[partition].standing = .stopped(reason)
        dropSpliced(partition)
        effects.append(.stopped(partition: partition, reason: reason))
    }
}
