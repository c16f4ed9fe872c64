package import Messages

/// The seam: what an engine needs of whatever carries its messages.
///
/// Nothing outside this room knows ZeroMQ. A transport hands over blocks that are ordered, verified
/// and continue the cursors it was started with, and it publishes blocks that are committed.
package protocol Transport: AnyObject, Sendable {
    /// Begins to carry messages for `station`. Throws if an endpoint cannot be had.
    func start(for station: any Station) throws

    /// These blocks are on disk; whoever listens may be told. It may be forgotten: they are in the
    /// log.
    func publish(_ blocks: [Block], heads: [EventLog.Head])

    /// The outcome of a request that came with `route`.
    func reply(_ reply: ReplyMessage, to route: Route)

    /// Everything of `stream`'s partition up to `sequence` is applied: `bytes` of bodies more.
    func applied(_ stream: StreamName, partition: Int, through sequence: UInt64, bytes: Int)

    /// The station cannot apply what comes next in this partition.
    func refused(_ stream: StreamName, partition: Int, reason: String)

    /// How its subscriptions stand.
    func standings() -> [InputStanding]

    /// Stops carrying messages and gives its endpoints back; returns when it has.
    func stop()
}

/// What a transport needs of an engine.
package protocol Station: AnyObject, Sendable {
    var name: String { get }
    var boot: UInt64 { get }
    var identity: LogIdentity { get }
    var heads: [EventLog.Head] { get }
    /// For each stream consumed, the durable cursor of every partition.
    var inputs: [StreamName: [Cursor]] { get }

    func deliver(_ block: ReceivedBlock)
    /// False if the queue is full.
    func submit(_ command: CommandMessage, route: Route) -> Bool
    /// Answers on the station's own thread, through the transport's `reply`.
    func ask(_ query: QueryMessage, route: Route)
    /// Reads a page on the station's own thread; nil if it could not be read.
    func readPage(_ question: SLP.Question, completion: @escaping @Sendable (LogPage?) -> Void)
}

/// The way back to whoever sent a request; only its transport reads it.
package struct Route: Sendable, Hashable {
    package var peer: [UInt8]
    package var requestID: [UInt8]

    package init(peer: [UInt8], requestID: [UInt8]) {
        self.peer = peer
        self.requestID = requestID
    }
}

/// How one partition of a subscription stands.
package struct InputStanding: Sendable, Equatable {
    package var stream: StreamName
    package var partition: Int
    package var head: UInt64?
    /// `catching up`, `live` or `stopped: why`.
    package var state: String

    package init(stream: StreamName, partition: Int, head: UInt64?, state: String) {
        self.stream = stream
        self.partition = partition
        self.head = head
        self.state = state
    }
}
