package import Messages
import Model
package import Streams
import SwiftProtobuf

/// A stream made by hand for a test: events become blocks with a true chain.
package struct RecordedStream {
    package let stream: StreamName
    package let log: LogID
    private var heads: [Int: (sequence: UInt64, chain: Chain)] = [:]

    package init(_ stream: StreamName, log: LogID? = nil) {
        self.stream = stream
        var fixed = SystemRandomNumberGenerator()
        self.log = log ?? .random(using: &fixed)
    }

    /// The next block of `partition`, holding `events`.
    package mutating func block(
        of events: [some StreamEvent], partition: Int = 0
    ) throws -> ReceivedBlock {
        precondition(!events.isEmpty, "a block holds at least one event")
        let head =
            heads[partition]
            ?? (0, Chain(log: log, stream: stream, partition: partition))
        var body: [UInt8] = []
        for event in events { BlockBody.append(try event.serializedBytes(), to: &body) }
        let first = head.sequence + 1
        let chain = head.chain.extended(first: first, count: events.count, body: body)
        heads[partition] = (head.sequence + UInt64(events.count), chain)
        return ReceivedBlock(
            stream: stream, log: log,
            block: Block(
                partition: partition, first: first, count: events.count, chain: chain,
                recorded: Instant(milliseconds: 0), totals: ControlTotals(), body: body))
    }
}

extension Array where Element == Block {
    /// The events of these blocks, decoded.
    package func events<Event: StreamEvent>(as type: Event.Type) throws -> [Event] {
        var events: [Event] = []
        for block in self {
            try BlockBody.forEachEvent(in: block.body) {
                events.append(try Event(serializedBytes: $0))
            }
        }
        return events
    }
}
