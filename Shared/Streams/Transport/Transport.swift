package import Messages

/// The seam: what an engine needs of whatever carries its messages.
///
/// Nothing outside this room knows ZeroMQ. A transport hands over blocks that are ordered, verified
/// and continue the cursors it was started with, and it publishes blocks that are committed.
package protocol Transport: AnyObject, Sendable {
    /// Begins to carry messages for `station`. Throws if an endpoint cannot be had.
    func start(for station: any Station) throws

    /// What a transaction did is on disk; whoever it concerns may be told.
    func announce(_ announcement: Announcement)

    /// The outcome of a query that came with `route`.
    func reply(_ reply: ReplyMessage, to route: Route)

    /// How its subscriptions stand.
    func standings() -> [InputStanding]

    /// Stops carrying messages and gives its endpoints back; returns when it has.
    func stop()
}

/// All that one transaction lets others know, told at once: a transport is woken once for it.
package struct Announcement: Sendable {
    /// Everything of a partition up to `sequence` is applied: `bytes` of bodies more.
    package struct Applied: Sendable {
        package var stream: StreamName
        package var partition: Int
        package var sequence: UInt64
        package var bytes: Int
    }

    /// The station cannot apply what comes next in a partition.
    package struct Refused: Sendable {
        package var stream: StreamName
        package var partition: Int
        package var reason: String
    }

    /// New in the log; they may be forgotten, for who misses them pulls them.
    package var blocks: [Block] = []
    /// Where the log stands now.
    package var heads: [EventLog.Head]
    /// The outcomes of commands.
    package var replies: [(Route, ReplyMessage)] = []
    package var applied: [Applied] = []
    package var refused: [Refused] = []
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
