import Foundation
import Messages
import Streams
import SwiftProtobuf
import ZeroMQ

/// SLP between one publisher and one subscriber, over a real ipc socket pair.
final class Hop {
    private let identity: LogIdentity
    private let publisher: Socket
    private let subscription: Socket
    private var subscriber: Subscriber
    private let path: String

    private static let boot: UInt64 = 7
    private static let patienceMilliseconds = 5_000

    init(_ identity: LogIdentity) throws {
        let path = Places.scratch("hop")
        let context = try Context()
        let publisher = try Socket(.pub, in: context, options: .liveFeed)
        try publisher.bind(to: "ipc://" + path)
        let subscription = try Socket(.sub, in: context, options: .liveFeedClient)
        try subscription.connect(to: "ipc://" + path)
        try subscription.subscribe(to: SLP.blockTopic(identity.stream, partition: 0))
        self.identity = identity
        self.path = path
        self.publisher = publisher
        self.subscription = subscription
        subscriber = Subscriber(stream: identity.stream, cursors: [.start], now: 0, seed: 1)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Carries `blocks`, the first of their log, one at a time; fails unless each is delivered.
    func carry(_ blocks: [Block]) throws -> StageMeasure {
        try becomeLive()
        try awaitSubscription()
        return try StageMeasure(events: blocks.reduce(0) { $0 + $1.count }) {
            for block in blocks {
                try send(block)
                guard try receive() == block.last else { throw Broken("a block went astray") }
                _ = subscriber.applied(
                    partition: 0, through: block.last, bytes: block.body.count, now: 0)
            }
        }
    }

    private func send(_ block: Block) throws {
        let header = SLP.header(
            of: block, stream: identity.stream, log: identity.log, boot: Self.boot)
        _ = try publisher.send([
            Array(SLP.blockTopic(identity.stream, partition: 0).utf8),
            try header.serializedBytes(), block.body,
        ])
    }

    /// Takes one block to the subscriber's hand, and answers its last sequence.
    private func receive() throws -> UInt64? {
        var poll = PollSet()
        _ = poll.add(subscription)
        guard try poll.wait(milliseconds: Self.patienceMilliseconds) == .ready,
            let frames = try subscription.receive()?.frames, frames.count == 3,
            let (_, source, block) = SLP.block(header: frames[1], body: frames[2])
        else { return nil }
        for case .deliver(let received) in subscriber.received(block, from: source, now: 0) {
            return received.block.last
        }
        return nil
    }

    /// An empty page is what a subscriber hears from a publisher that has nothing yet.
    private func becomeLive() throws {
        for case .fetch(let partition, _, _, let request) in subscriber.connected(now: 0) {
            _ = subscriber.received(
                Subscriber.PageReply(
                    partition: partition, request: request, status: .ok, head: 0, blocks: []),
                from: Subscriber.Source(log: identity.log, boot: Self.boot), now: 0)
        }
    }

    /// A subscription takes effect at the publisher after a moment: messages tell when.
    private func awaitSubscription() throws {
        let topic = Array(SLP.blockTopic(identity.stream, partition: 0).utf8)
        var poll = PollSet()
        for _ in 0..<Self.patienceMilliseconds {
            _ = try publisher.send([topic])
            poll.removeAll()
            _ = poll.add(subscription)
            if try poll.wait(milliseconds: 1) == .ready { break }
        }
        while try subscription.receive() != nil {}
    }
}
