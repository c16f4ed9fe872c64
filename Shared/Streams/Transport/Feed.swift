import Logging
import Messages
import Metrics
import SwiftProtobuf
import ZeroMQ

/// One upstream's sockets around its `Subscriber`: one SUB and one DEALER for each publisher.
///
/// A connecting socket can die for ever without a word (libzmq retries neither a protocol error nor
/// a refused handshake), so both are closed and made anew when the application hears nothing.
final class Feed {
    let subscription: ZeroMQTransport.Subscription
    private let station: any Station
    private let transport: ZeroMQTransport
    private let counters: ReactorCounters
    private let partitions: Int
    private var subscriber: Subscriber
    private var live: Held
    private var pages: Held

    init(
        _ subscription: ZeroMQTransport.Subscription, cursors: [Cursor], station: any Station,
        transport: ZeroMQTransport, counters: ReactorCounters, now: Int64
    ) throws {
        self.subscription = subscription
        self.station = station
        self.transport = transport
        self.counters = counters
        partitions = cursors.count
        subscriber = Subscriber(
            stream: subscription.stream, cursors: cursors, now: now, seed: station.boot)
        live = try Self.openLive(subscription, partitions: cursors.count, in: transport.context)
        pages = try Self.openPages(subscription, in: transport.context)
    }

    var standings: [InputStanding] {
        (0..<partitions).map { partition in
            let state =
                switch subscriber.standing(of: partition) {
                case .catchingUp: "catching up"
                case .live: "live"
                case .stopped(let reason): "stopped: \(reason)"
                }
            return InputStanding(
                stream: subscription.stream, partition: partition,
                head: subscriber.head(of: partition), state: state)
        }
    }

    func connect(now: Int64) throws { try carryOut(subscriber.connected(now: now), now: now) }

    func add(to set: inout PollSet) -> (live: PollSet.Entry, pages: PollSet.Entry) {
        (set.add(live.socket), set.add(pages.socket))
    }

    func takeLive(now: Int64) throws {
        // A renewed socket ends the turn: what it replaced has nothing more to say.
        let socket = live
        for _ in 0..<ZeroMQTransport.Limits.messagesPerTurn where socket === live {
            guard let message = try socket.socket.receive() else { return }
            guard message.frames.count == 3, let kind = message.frames[0].first else {
                counters.dropped.increment()
                continue
            }
            if kind == UInt8(ascii: "B"),
                let (stream, source, block) = SLP.block(
                    header: message.frames[1], body: message.frames[2]),
                stream == subscription.stream
            {
                try carryOut(subscriber.received(block, from: source, now: now), now: now)
            } else if kind == UInt8(ascii: "H"),
                let (stream, source, heads) = SLP.heads(header: message.frames[1]),
                stream == subscription.stream
            {
                try carryOut(subscriber.received(heads: heads, from: source, now: now), now: now)
            } else {
                counters.dropped.increment()
            }
        }
    }

    func takePages(now: Int64) throws {
        let socket = pages
        for _ in 0..<ZeroMQTransport.Limits.messagesPerTurn where socket === pages {
            guard let message = try socket.socket.receive() else { return }
            guard message.frames.count == 2,
                let (stream, source, reply) = SLP.page(
                    header: message.frames[0], body: message.frames[1]),
                stream == subscription.stream
            else {
                counters.dropped.increment()
                continue
            }
            counters.pagesFetched.increment()
            try carryOut(subscriber.received(reply, from: source, now: now), now: now)
        }
    }

    func applied(_ applied: Announcement.Applied, now: Int64) throws {
        let effects = subscriber.applied(
            partition: applied.partition, through: applied.sequence, bytes: applied.bytes, now: now)
        try carryOut(effects, now: now)
    }

    func refused(_ refused: Announcement.Refused, now: Int64) throws {
        try carryOut(
            subscriber.refused(partition: refused.partition, reason: refused.reason), now: now)
    }

    func tick(now: Int64) throws { try carryOut(subscriber.tick(now: now), now: now) }

    private func carryOut(_ effects: [Subscriber.Effect], now: Int64) throws {
        for effect in effects {
            switch effect {
            case .deliver(let block):
                station.deliver(block)
            case .fetch(let partition, let cursor, let applied, let request):
                let fetch = SLP.fetch(
                    partition: partition, from: cursor, applied: applied, request: request,
                    stream: subscription.stream, subscriber: station.name,
                    schema: transport.schema)
                // What cannot be sent now is asked again when its answer is overdue.
                _ = try pages.socket.send([fetch.serializedBytes(), []])
            case .renewReplay:
                counters.socketsRenewed.increment()
                pages = try Self.openPages(subscription, in: transport.context)
            case .renewAll:
                counters.socketsRenewed.increment()
                live = try Self.openLive(
                    subscription, partitions: partitions, in: transport.context)
                pages = try Self.openPages(subscription, in: transport.context)
                try carryOut(subscriber.connected(now: now), now: now)
            case .stopped(let partition, let reason):
                transport.logger.critical(
                    "a subscription stopped",
                    metadata: [
                        "stream": "\(subscription.stream.rawValue)", "partition": "\(partition)",
                        "reason": "\(reason)",
                    ])
            }
        }
    }

    private static func openLive(
        _ subscription: ZeroMQTransport.Subscription, partitions: Int, in context: Context
    ) throws -> Held {
        let live = Held(try Socket(.sub, in: context, options: .liveFeedClient))
        for partition in 0..<partitions {
            try live.socket.subscribe(
                to: SLP.blockTopic(subscription.stream, partition: partition))
        }
        try live.socket.subscribe(to: SLP.headTopic(subscription.stream))
        try live.socket.connect(to: subscription.publish)
        return live
    }

    private static func openPages(
        _ subscription: ZeroMQTransport.Subscription, in context: Context
    ) throws -> Held {
        let pages = Held(try Socket(.dealer, in: context, options: .replayClient))
        try pages.socket.connect(to: subscription.replay)
        return pages
    }
}
