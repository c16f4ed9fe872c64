package import Messages
package import Model

/// An immutable run of consecutive events of one partition, written by one transaction.
///
/// The unit of storage, publishing and replay. Its body is the protobuf encoding of
/// `message { repeated bytes events = 1; }`, so a block can be taken apart without knowing what its
/// events mean, and one that cannot be decoded spoils no other.
package struct Block: Sendable, Equatable {
    package var partition: Int
    /// Sequence of the first event.
    package var first: UInt64
    package var count: Int
    /// The chain after this block.
    package var chain: Chain
    /// When it was written; no part of the chain.
    package var recorded: Instant
    /// Totals of the partition up to and including this block.
    package var totals: ControlTotals
    package var body: [UInt8]

    package init(
        partition: Int, first: UInt64, count: Int, chain: Chain, recorded: Instant,
        totals: ControlTotals, body: [UInt8]
    ) {
        self.partition = partition
        self.first = first
        self.count = count
        self.chain = chain
        self.recorded = recorded
        self.totals = totals
        self.body = body
    }

    /// Sequence of the last event.
    package var last: UInt64 { first + UInt64(count) - 1 }

    package enum Limits {
        /// A block is closed once its body has grown to this; one larger event stands alone.
        package static let bodyBytesTarget = 65_536
        package static let eventBytesMax = 1_048_576
    }
}

/// What a partition adds up to: the audit compares them at any cursor.
package struct ControlTotals: Hashable, Sendable {
    package var events: UInt64
    package var milligrams: Int64
    package var points: Int64

    package init(events: UInt64 = 0, milligrams: Int64 = 0, points: Int64 = 0) {
        self.events = events
        self.milligrams = milligrams
        self.points = points
    }
}

/// A block as a subscriber received it, known to continue what came before.
package struct ReceivedBlock: Sendable, Equatable {
    package var stream: StreamName
    package var log: LogID
    package var block: Block

    package init(stream: StreamName, log: LogID, block: Block) {
        self.stream = stream
        self.log = log
        self.block = block
    }

    /// The cursor of whoever has applied it.
    package var cursor: Cursor { Cursor(log: log, sequence: block.last, chain: block.chain) }
}

/// Reading and writing the bodies of blocks.
package enum BlockBody {
    private static let field: UInt8 = 1
    /// The field, length-delimited.
    private static let tag: UInt8 = field << 3 | 2

    package static func append(_ event: [UInt8], to body: inout [UInt8]) {
        body.append(tag)
        var length = UInt64(event.count)
        while length >= 0x80 {
            body.append(UInt8(truncatingIfNeeded: length) | 0x80)
            length >>= 7
        }
        body.append(UInt8(length))
        body.append(contentsOf: event)
    }

    /// Writes `event` and its length, and answers how many bytes it has by itself.
    @discardableResult
    package static func append(_ event: some StreamEvent, to body: inout WireBuffer) throws -> Int {
        var bytes = 0
        try body.write(field: field) {
            let start = $0.count
            try event.write(to: &$0)
            bytes = $0.count - start
        }
        return bytes
    }

    /// Calls `visit` with each event's bytes, in order.
    ///
    /// Throws `MalformedBlock` if the body is not a run of events; `visit` may have seen some.
    package static func forEachEvent(
        in body: [UInt8], _ visit: (EventBytes) throws -> Void
    ) throws {
        try body.withUnsafeBytes { bytes in
            var index = 0
            while index < bytes.count {
                guard bytes[index] == tag else { throw MalformedBlock() }
                index += 1
                var length = 0
                var shift = 0
                while true {
                    guard index < bytes.count, shift < 32 else { throw MalformedBlock() }
                    let byte = bytes[index]
                    index += 1
                    length |= Int(byte & 0x7F) << shift
                    if byte < 0x80 { break }
                    shift += 7
                }
                guard length <= bytes.count - index else { throw MalformedBlock() }
                try visit(
                    EventBytes(UnsafeRawBufferPointer(rebasing: bytes[index..<index + length])))
                index += length
            }
        }
    }

    /// How many events a body holds.
    package static func count(in body: [UInt8]) throws -> Int {
        var count = 0
        try forEachEvent(in: body) { _ in count += 1 }
        return count
    }
}

/// A block whose bytes are not a run of events.
package struct MalformedBlock: Error {}
