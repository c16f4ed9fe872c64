import Foundation
package import Messages
import Model
import SwiftProtobuf
package import Wire

/// SLP/1 on the wire: between the values of this room and the headers of `slp.proto`.
///
/// PUB messages are `[topic, header, body]`, FETCH and PAGE `[header, body]`. Whatever does not
/// decode is nil here, and is dropped and counted by whoever received it.
package enum SLP {
    package static let version: UInt32 = 1

    package enum Limits {
        /// A reply's body frame may be one page; an over-large event stands alone in its block.
        package static let pageBytesMax = Subscriber.Limits.pageBytesMax
        package static let nameBytesMax = 64
    }

    /// `B<stream>/<pp>`: the slash keeps one stream's name from being another's beginning.
    package static func blockTopic(_ stream: StreamName, partition: Int) -> String {
        "B\(stream.rawValue)/\(partition < 10 ? "0" : "")\(partition)"
    }

    package static func headTopic(_ stream: StreamName) -> String { "H\(stream.rawValue)/" }

    // MARK: Blocks

    package static func header(
        of block: Block, stream: StreamName, log: LogID, boot: UInt64
    ) -> SLPBlockHeader {
        var header = SLPBlockHeader()
        header.version = version
        header.logID = Data(log.bytes)
        header.boot = boot
        header.stream = stream.rawValue
        header.partition = UInt32(block.partition)
        header.first = block.first
        header.count = UInt32(block.count)
        header.chain = Data(block.chain.bytes)
        header.recordedMs = block.recorded.rawValue
        header.totals.events = block.totals.events
        header.totals.milligrams = block.totals.milligrams
        header.totals.points = block.totals.points
        header.bodyBytes = UInt32(block.body.count)
        return header
    }

    /// The block that `header` and `body` are, and who sent it.
    package static func block(header bytes: [UInt8], body: [UInt8])
        -> (stream: StreamName, source: Subscriber.Source, block: Block)?
    {
        guard let header = try? SLPBlockHeader(serializedBytes: bytes),
            let stream = StreamName(rawValue: header.stream),
            let log = LogID(header.logID), let block = block(header, body: body)
        else { return nil }
        return (stream, Subscriber.Source(log: log, boot: header.boot), block)
    }

    private static func block(_ header: SLPBlockHeader, body: [UInt8]) -> Block? {
        guard header.version == version, let chain = Chain(header.chain), header.first > 0,
            header.count > 0, header.bodyBytes == body.count, header.partition < 1 << 16,
            header.first <= UInt64(Int64.max) - UInt64(header.count)
        else { return nil }
        return Block(
            partition: Int(header.partition), first: header.first, count: Int(header.count),
            chain: chain, recorded: Instant(milliseconds: header.recordedMs),
            totals: ControlTotals(
                events: header.totals.events, milligrams: header.totals.milligrams,
                points: header.totals.points), body: body)
    }

    // MARK: Heads

    package static func head(
        of heads: [EventLog.Head], identity: LogIdentity, boot: UInt64
    ) -> SLPHead {
        var message = SLPHead()
        message.version = version
        message.logID = Data(identity.log.bytes)
        message.boot = boot
        message.stream = identity.stream.rawValue
        message.partitions = heads.map {
            var head = SLPPartitionHead()
            head.partition = UInt32($0.partition)
            head.sequence = $0.sequence
            head.chain = Data($0.chain.bytes)
            return head
        }
        return message
    }

    package static func heads(header bytes: [UInt8]) -> (
        stream: StreamName, source: Subscriber.Source, heads: [(partition: Int, sequence: UInt64)]
    )? {
        guard let head = try? SLPHead(serializedBytes: bytes), head.version == version,
            let stream = StreamName(rawValue: head.stream), let log = LogID(head.logID)
        else { return nil }
        return (
            stream, Subscriber.Source(log: log, boot: head.boot),
            head.partitions.map { (Int($0.partition), $0.sequence) }
        )
    }

    // MARK: Fetch and page

    package static func fetch(
        partition: Int, from cursor: Cursor, applied: UInt64, request: UInt64, stream: StreamName,
        subscriber: String, schema: UInt32
    ) -> SLPFetch {
        var fetch = SLPFetch()
        fetch.version = version
        fetch.subscriber = subscriber
        fetch.schema = schema
        fetch.stream = stream.rawValue
        fetch.partition = UInt32(partition)
        fetch.logID = Data(cursor.log?.bytes ?? [])
        fetch.sequence = cursor.sequence
        fetch.chain = Data(cursor.chain?.bytes ?? [])
        fetch.bytesMax = UInt32(Limits.pageBytesMax)
        fetch.request = request
        fetch.applied = applied
        return fetch
    }

    /// A question that was understood.
    package struct Question: Sendable, Equatable {
        package var subscriber: String
        package var stream: StreamName
        package var partition: Int
        package var cursor: Cursor
        package var bytesMax: Int
        package var request: UInt64
        package var applied: UInt64

        package init(
            subscriber: String, stream: StreamName, partition: Int, cursor: Cursor, bytesMax: Int,
            request: UInt64, applied: UInt64
        ) {
            self.subscriber = subscriber
            self.stream = stream
            self.partition = partition
            self.cursor = cursor
            self.bytesMax = bytesMax
            self.request = request
            self.applied = applied
        }
    }

    package static func question(header bytes: [UInt8]) -> Question? {
        guard let fetch = try? SLPFetch(serializedBytes: bytes), fetch.version == version,
            fetch.subscriber.utf8.count <= Limits.nameBytesMax,
            let stream = StreamName(rawValue: fetch.stream), fetch.partition < 1 << 16
        else { return nil }
        let log = LogID(fetch.logID)
        let chain = Chain(fetch.chain)
        guard fetch.sequence == 0 || (log != nil && chain != nil) else { return nil }
        return Question(
            subscriber: fetch.subscriber, stream: stream, partition: Int(fetch.partition),
            cursor: Cursor(log: log, sequence: fetch.sequence, chain: chain),
            bytesMax: min(Int(fetch.bytesMax), Limits.pageBytesMax), request: fetch.request,
            applied: fetch.applied)
    }

    /// A page as frames: its blocks' bodies follow one another, as they are stored.
    package static func frames(
        of page: LogPage, to question: Question, identity: LogIdentity, boot: UInt64
    ) throws -> [[UInt8]] {
        var message = SLPPage()
        message.version = version
        message.request = question.request
        message.logID = Data(identity.log.bytes)
        message.boot = boot
        message.stream = identity.stream.rawValue
        message.partition = UInt32(question.partition)
        message.head = page.head.sequence
        message.headChain = Data(page.head.chain.bytes)
        message.status =
            switch page.verdict {
            case .ok: .ok
            case .ahead: .ahead
            case .forked: .forked
            }
        message.blocks = page.blocks.map {
            header(of: $0, stream: identity.stream, log: identity.log, boot: boot)
        }
        var body: [UInt8] = []
        body.reserveCapacity(page.blocks.reduce(0) { $0 + $1.body.count })
        for block in page.blocks { body += block.body }
        return [try message.serializedBytes(), body]
    }

    package static func page(header bytes: [UInt8], body: [UInt8])
        -> (stream: StreamName, source: Subscriber.Source, reply: Subscriber.PageReply)?
    {
        guard let page = try? SLPPage(serializedBytes: bytes), page.version == version,
            let stream = StreamName(rawValue: page.stream), let log = LogID(page.logID),
            page.partition < 1 << 16
        else { return nil }
        let status: Subscriber.PageReply.Status
        switch page.status {
        case .ok: status = .ok
        case .ahead: status = .ahead
        case .forked: status = .forked
        default: return nil
        }
        var blocks: [Block] = []
        var offset = 0
        for header in page.blocks {
            let bytes = Int(header.bodyBytes)
            guard bytes <= body.count - offset,
                let block = block(header, body: Array(body[offset..<offset + bytes]))
            else { return nil }
            blocks.append(block)
            offset += bytes
        }
        guard offset == body.count else { return nil }
        return (
            stream, Subscriber.Source(log: log, boot: page.boot),
            Subscriber.PageReply(
                partition: Int(page.partition), request: page.request, status: status,
                head: page.head, blocks: blocks)
        )
    }
}
