package import Messages

/// Where an event stands: the first thing anyone needs to find it again.
package struct EventPosition: Hashable, Sendable {
    package var stream: StreamName
    package var partition: Int
    /// From 1, without gaps.
    package var sequence: UInt64

    package init(stream: StreamName, partition: Int, sequence: UInt64) {
        self.stream = stream
        self.partition = partition
        self.sequence = sequence
    }
}

extension EventPosition: CustomStringConvertible {
    package var description: String { "\(stream.rawValue)/\(partition)/\(sequence)" }
}

/// Sixteen random bytes that tell one log from every other, minted with its store.
package struct LogID: Hashable, Sendable {
    package let bytes: [UInt8]

    package static let byteCount = 16

    package init?(_ bytes: some Sequence<UInt8>) {
        let bytes = Array(bytes)
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = bytes
    }

    package static func random(using generator: inout some RandomNumberGenerator) -> LogID {
        var bytes: [UInt8] = []
        for _ in 0..<byteCount { bytes.append(.random(in: .min ... .max, using: &generator)) }
        guard let id = LogID(bytes) else { preconditionFailure("sixteen bytes were made") }
        return id
    }
}

/// How far a subscriber has come in one partition of a log: always a block's edge.
package struct Cursor: Hashable, Sendable {
    /// nil until the first block was applied: any log will do.
    package var log: LogID?
    package var sequence: UInt64
    package var chain: Chain?

    package init(log: LogID?, sequence: UInt64, chain: Chain?) {
        self.log = log
        self.sequence = sequence
        self.chain = chain
    }

    package static let start = Cursor(log: nil, sequence: 0, chain: nil)
}
