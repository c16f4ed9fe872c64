package import Logging
package import Messages
import Synchronization
package import ZeroMQ

/// Carries an engine's messages over ZeroMQ: PUB and SUB for the fast path, ROUTER and DEALER for
/// pages and requests, all owned by one reactor thread.
package final class ZeroMQTransport: Transport {
    package struct Endpoints: Sendable, Equatable {
        package var publish: String
        package var replay: String
        package var request: String

        package init(publish: String, replay: String, request: String) {
            self.publish = publish
            self.replay = replay
            self.request = request
        }
    }

    /// One upstream: what to consume and where its publisher listens.
    package struct Subscription: Sendable, Equatable {
        package var stream: StreamName
        package var publish: String
        package var replay: String

        package init(stream: StreamName, publish: String, replay: String) {
            self.stream = stream
            self.publish = publish
            self.replay = replay
        }
    }

    package enum Limits {
        /// Committed blocks that wait for the reactor; beyond it they are left to the pull.
        package static let outgoingBytesMax = 16 << 20
        package static let headMilliseconds: Int64 = 500
        /// How long after a commit its HEAD follows, unless a HEAD is due anyway.
        package static let burstMilliseconds: Int64 = 20
        package static let tickMilliseconds: Int64 = 100
        /// Messages taken from one socket before the others get their turn.
        package static let messagesPerTurn = 256
    }

    let context: Context
    let endpoints: Endpoints
    let subscriptions: [Subscription]
    let schema: UInt32
    let logger: Logger
    let wakeUp: WakeUp
    let outbox = Mutex(Outbox())
    private let published = Mutex<[InputStanding]>([])
    private let thread = Mutex<OwnThread?>(nil)

    /// What other threads want the reactor to do.
    struct Outbox {
        var blocks: [Block] = []
        var blockBytes = 0
        var heads: [EventLog.Head]?
        var replies: [(Route, ReplyMessage)] = []
        var pages: [(peer: [UInt8], SLP.Question, LogPage?)] = []
        var applied: [Announcement.Applied] = []
        var refused: [Announcement.Refused] = []
        var stopping = false
    }

    /// - Parameter schema: the highest event schema the consumer understands.
    package init(
        context: Context, endpoints: Endpoints, subscriptions: [Subscription], schema: UInt32 = 1,
        logger: Logger
    ) throws(ZeroMQError) {
        self.context = context
        self.endpoints = endpoints
        self.subscriptions = subscriptions
        self.schema = schema
        self.logger = logger
        wakeUp = try WakeUp()
    }

    package func start(for station: any Station) throws {
        let opened = BlockingQueue<Result<Void, any Error>>()
        let reactor = OwnThread(named: "reactor") { [self] in
            do {
                let reactor = try Reactor(transport: self, station: station)
                opened.put(.success(()), weight: 0)
                reactor.run()
            } catch {
                opened.put(.failure(error), weight: 0)
            }
        }
        thread.withLock { $0 = reactor }
        for result in opened.take(weightMax: 1) ?? [] { try result.get() }
    }

    package func announce(_ announcement: Announcement) {
        tell { outbox in
            if !announcement.blocks.isEmpty { outbox.heads = announcement.heads }
            for block in announcement.blocks {
                guard outbox.blockBytes + block.body.count <= Limits.outgoingBytesMax else {
                    break
                }
                outbox.blocks.append(block)
                outbox.blockBytes += block.body.count
            }
            outbox.replies += announcement.replies
            outbox.applied += announcement.applied
            outbox.refused += announcement.refused
        }
    }

    package func reply(_ reply: ReplyMessage, to route: Route) {
        tell { $0.replies.append((route, reply)) }
    }

    package func standings() -> [InputStanding] { published.withLock { $0 } }

    package func stop() {
        tell { $0.stopping = true }
        let ending = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        ending?.join()
    }

    func tell(_ change: (inout sending Outbox) -> Void) {
        outbox.withLock { change(&$0) }
        wakeUp.signal()
    }

    func show(_ standings: [InputStanding]) { published.withLock { $0 = standings } }
}
