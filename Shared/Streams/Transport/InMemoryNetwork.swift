package import Messages
import Synchronization

/// Engines of one process, joined without a socket: for tests, and for whoever runs a city in one
/// process.
///
/// It knows no fast path. Whoever publishes wakes its subscribers, and each pulls the publisher's
/// log from its own position, as much as its engine has room for.
package final class InMemoryNetwork: Sendable {
    private let members = Mutex(Members())

    private struct Members {
        var publishers: [StreamName: any Station] = [:]
        var transports: [InMemoryTransport] = []
    }

    package init() {}

    func join(_ transport: InMemoryTransport, station: any Station) {
        members.withLock { members in
            members.publishers[station.identity.stream] = station
            members.transports.append(transport)
        }
        announce()
    }

    func leave(_ transport: InMemoryTransport, station: any Station) {
        members.withLock { members in
            if members.publishers[station.identity.stream] === station {
                members.publishers[station.identity.stream] = nil
            }
            members.transports.removeAll { $0 === transport }
        }
    }

    func publisher(of stream: StreamName) -> (any Station)? {
        members.withLock { $0.publishers[stream] }
    }

    /// There may be something new for everyone.
    func announce() {
        for transport in members.withLock({ $0.transports }) { transport.wake() }
    }
}

/// One engine's place in an `InMemoryNetwork`.
package final class InMemoryTransport: Transport {
    private let network: InMemoryNetwork
    private let state = Mutex(State())
    private let wakeUps = BlockingQueue<Void>()
    private let replies = BlockingQueue<(Route, ReplyMessage)>()
    private let thread = Mutex<OwnThread?>(nil)

    private struct State {
        var station: (any Station)?
        var positions: [StreamName: [Position]] = [:]
    }

    private struct Position {
        var cursor: Cursor
        var queuedBytes = 0
        var stopped: String?
        var head: UInt64?
    }

    package init(network: InMemoryNetwork) { self.network = network }

    package func start(for station: any Station) throws {
        state.withLock { state in
            state.station = station
            state.positions = station.inputs.mapValues { $0.map { Position(cursor: $0) } }
        }
        let pumping = OwnThread(named: "pump") { [self] in pump() }
        thread.withLock { $0 = pumping }
        network.join(self, station: station)
    }

    package func announce(_ announcement: Announcement) {
        for reply in announcement.replies { replies.put(reply, weight: 1) }
        state.withLock { state in
            for applied in announcement.applied {
                state.positions[applied.stream]?[applied.partition].queuedBytes -= applied.bytes
            }
            for refused in announcement.refused {
                state.positions[refused.stream]?[refused.partition].stopped = refused.reason
            }
        }
        if !announcement.applied.isEmpty { wake() }
        if !announcement.blocks.isEmpty { network.announce() }
    }

    package func reply(_ reply: ReplyMessage, to route: Route) {
        replies.put((route, reply), weight: 1)
    }

    package func standings() -> [InputStanding] {
        state.withLock { state in
            state.positions.flatMap { stream, positions in
                positions.enumerated().map { partition, position in
                    let isLive = position.head.map { $0 <= position.cursor.sequence } ?? false
                    return InputStanding(
                        stream: stream, partition: partition, head: position.head,
                        state: position.stopped.map { "stopped: \($0)" }
                            ?? (isLive ? "live" : "catching up"))
                }
            }
        }
    }

    package func stop() {
        wakeUps.close()
        let ending = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        ending?.join()
        if let station = state.withLock({ $0.station }) {
            network.leave(self, station: station)
        }
        replies.close()
        state.withLock { $0.station = nil }
    }

    /// Asks this transport's engine as a client would, and waits for the reply.
    package func exchange(_ request: Exchange.Kind) -> ReplyMessage? {
        guard let station = state.withLock({ $0.station }) else { return nil }
        let route = Route(peer: [], requestID: [])
        switch request {
        case .query(let query): station.ask(query, route: route)
        case .command(let command):
            guard station.submit(command, route: route) else { return nil }
        }
        return replies.take(weightMax: 1)?.first?.1
    }

    func wake() { wakeUps.put((), weight: 0) }

    private func pump() {
        while wakeUps.take(weightMax: 0) != nil {
            guard let station = state.withLock({ $0.station }) else { return }
            for (stream, cursors) in station.inputs {
                for partition in cursors.indices { pull(stream, partition, for: station) }
            }
        }
    }

    /// Reads on from where this partition stands, until it is at the head or the engine is full.
    private func pull(_ stream: StreamName, _ partition: Int, for station: any Station) {
        while let publisher = network.publisher(of: stream) {
            let position = state.withLock { $0.positions[stream]?[partition] }
            guard let position, position.stopped == nil,
                position.queuedBytes < Subscriber.Limits.queuedBytesMax
            else { return }
            let answers = BlockingQueue<LogPage?>()
            publisher.readPage(
                SLP.Question(
                    subscriber: station.name, stream: stream, partition: partition,
                    cursor: position.cursor, bytesMax: Subscriber.Limits.pageBytesMax, request: 0,
                    applied: position.cursor.sequence)
            ) { answers.put($0, weight: 0) }
            guard let page = answers.take(weightMax: 1)?.first ?? nil else { return }
            if take(page, of: stream, partition, from: publisher, for: station) { return }
        }
    }

    /// True when there is nothing more to pull.
    private func take(
        _ page: LogPage, of stream: StreamName, _ partition: Int, from publisher: any Station,
        for station: any Station
    ) -> Bool {
        var delivered: [ReceivedBlock] = []
        let done = state.withLock { state -> Bool in
            guard var position = state.positions[stream]?[partition] else { return true }
            defer { state.positions[stream]?[partition] = position }
            position.head = page.head.sequence
            guard publisher.identity.partitions == station.identity.partitions else {
                position.stopped = "the publisher's log is divided otherwise"
                return true
            }
            guard case .ok = page.verdict else {
                position.stopped = "the publisher's log is \(page.verdict)"
                return true
            }
            for block in page.blocks {
                let before =
                    position.cursor.chain
                    ?? Chain(log: publisher.identity.log, stream: stream, partition: partition)
                guard
                    before.extended(first: block.first, count: block.count, body: block.body)
                        == block.chain
                else {
                    position.stopped = "the chain does not hold at \(block.first)"
                    return true
                }
                let received = ReceivedBlock(
                    stream: stream, log: publisher.identity.log, block: block)
                position.cursor = received.cursor
                position.queuedBytes += block.body.count
                delivered.append(received)
            }
            return page.blocks.isEmpty
        }
        for block in delivered { station.deliver(block) }
        return done
    }
}
