package import Model
import Streams
package import ZeroMQ

/// Publishes the steps of a recorded day to the edge, as each of its partners would.
///
/// All partners share one thread and one poll. The order of one partner's events is kept; between
/// partners there is none to keep, but for the steps that set the clock: they wait until
/// everything before them has its receipt.
package final class DayPublisher {
    /// Where partners connect.
    package struct Edge: Sendable, Equatable {
        package var endpoint: String
        package var key: PublicKey

        package init(endpoint: String, key: PublicKey) {
            self.endpoint = endpoint
            self.key = key
        }
    }

    /// What the publisher asks of, and tells, whoever runs it.
    package struct Callbacks {
        /// The key pair of a partner.
        package var keys: (String) throws -> CurveKeys
        /// Sets ingestion's clock.
        package var setClock: (Instant) throws -> Void
        /// Some receipts came for a partner's events.
        package var received: ((String, PublishSession.Receipts) throws -> Void)?
        /// Called often, with how many events are done.
        package var progressed: ((Int) -> Void)?
        /// A partner heard nothing for too long and connects anew.
        package var fellSilent: ((String) -> Void)?

        package init(
            keys: @escaping (String) throws -> CurveKeys,
            setClock: @escaping (Instant) throws -> Void
        ) {
            self.keys = keys
            self.setClock = setClock
        }
    }

    package enum Limits {
        /// Without any answer for this long, publishing fails.
        package static let patienceMilliseconds: Int64 = 60_000
        /// Steps read before sockets are looked at again.
        package static let stepsAtOnceMax = 2_000
        package static let pollMillisecondsMax: Int64 = 1_000
        /// How finely a rate is kept.
        package static let rateMilliseconds: Int64 = 10
    }

    /// One partner: its session and the socket it speaks through.
    private final class Lane {
        let partner: String
        let keys: CurveKeys
        var session = PublishSession()
        var socket: HeldSocket?
        /// The silence that was told of, by its beginning.
        var silenceTold: Int64?

        init(partner: String, keys: CurveKeys) {
            self.partner = partner
            self.keys = keys
        }
    }

    /// A place for a socket, which cannot be copied, in what can.
    private final class HeldSocket {
        let socket: Socket

        init(_ socket: consuming Socket) { self.socket = socket }
    }

    private let context: Context
    private let edge: Edge
    private let patienceMilliseconds: Int64
    private let eventsPerSecondMax: Int?
    private let callbacks: Callbacks
    private var lanes: [Lane] = []
    private var lanesByPartner: [String: Lane] = [:]
    private var clockWaiting: Instant?
    private var isAtEnd = false
    private var startedAt: Int64 = 0
    private var stepsRead: Int64 = 0

    package init(
        edge: Edge, in context: Context,
        patienceMilliseconds: Int64 = Limits.patienceMilliseconds,
        eventsPerSecondMax: Int? = nil, callbacks: Callbacks
    ) {
        self.edge = edge
        self.context = context
        self.patienceMilliseconds = patienceMilliseconds
        self.eventsPerSecondMax = eventsPerSecondMax
        self.callbacks = callbacks
    }

    /// What became of each partner's events so far.
    package var tallies: [String: PublishTally] {
        lanesByPartner.mapValues(\.session.tally)
    }

    /// Publishes every step that `nextStep` yields and returns when each event has its receipt.
    ///
    /// - Parameter partner: whose the events are that name none.
    ///
    /// Throws a `Failure` if the edge stays silent, and what the callbacks throw.
    package func publish(
        as partner: String? = nil, _ nextStep: () throws -> CityStep?
    ) throws {
        isAtEnd = false
        startedAt = MonotonicClock.milliseconds()
        stepsRead = 0
        while true {
            try read(nextStep, defaultPartner: partner)
            let now = MonotonicClock.milliseconds()
            for lane in lanes { try drive(lane, at: now) }
            callbacks.progressed?(lanes.reduce(0) { $0 + $1.session.tally.answered })
            if lanes.allSatisfy(\.session.isSettled) {
                if let clock = clockWaiting {
                    try callbacks.setClock(clock)
                    clockWaiting = nil
                    continue
                }
                if isAtEnd { return }
            }
            try listen(now: now)
        }
    }

    /// Hands steps to their partners until one has enough to do, or a clock must wait.
    private func read(_ nextStep: () throws -> CityStep?, defaultPartner: String?) throws {
        var left = min(Int64(Limits.stepsAtOnceMax), allowance(at: MonotonicClock.milliseconds()))
        while left > 0, wantsSteps {
            left -= 1
            stepsRead += 1
            switch try nextStep() {
            case nil:
                isAtEnd = true
            case .clock(let text):
                guard let instant = Instant(rfc3339: text) else {
                    throw Failure(.refused, "the clock cannot be set to \(text): not RFC 3339")
                }
                clockWaiting = instant
            case .event(let named, let bytes):
                guard let name = named ?? defaultPartner else {
                    throw Failure(
                        .refused, "an event names no partner: say whose it is with --partner")
                }
                try lane(of: name).session.publish(bytes)
            case .raw(let name, let bytes):
                try lane(of: name).session.publish(raw: bytes)
            }
        }
    }

    private var wantsSteps: Bool {
        !isAtEnd && clockWaiting == nil && lanes.allSatisfy(\.session.hasRoom)
    }

    /// How many steps the rate allows to be read now.
    private func allowance(at now: Int64) -> Int64 {
        guard let eventsPerSecondMax else { return .max }
        // The first steps come at once: a rate of one is not a second of waiting.
        return (now - startedAt) * Int64(eventsPerSecondMax) / 1_000 + 1 - stepsRead
    }

    private func lane(of partner: String) throws -> Lane {
        if let lane = lanesByPartner[partner] { return lane }
        let lane = Lane(partner: partner, keys: try callbacks.keys(partner))
        lanes.append(lane)
        lanesByPartner[partner] = lane
        return lane
    }

    /// Does what a partner's session wants done now.
    private func drive(_ lane: Lane, at now: Int64) throws {
        while let effect = lane.session.next(at: now) {
            switch effect {
            case .open:
                let socket = HeldSocket(
                    try Socket(
                        .dealer, in: context,
                        options: .partnerClient(serverKey: edge.key, keys: lane.keys)))
                try socket.socket.connect(to: edge.endpoint)
                lane.socket = socket
            case .send(let frames):
                // A message that cannot be queued is as good as lost, and lost ones are sent again.
                _ = try lane.socket?.socket.send(frames)
            }
        }
        if let failure = lane.session.failure { throw Failure(.unreachable, failure) }
        guard let since = lane.session.silentSince else { return }
        if since != lane.silenceTold {
            lane.silenceTold = since
            callbacks.fellSilent?(lane.partner)
        }
        if now - since >= patienceMilliseconds {
            throw Failure(
                .unreachable,
                "no answer at \(edge.endpoint) for \((now - since) / 1_000) s: \(lane.partner)'s "
                    + "key is unknown there, or ingestion is down (`greenctl status`)")
        }
    }

    /// Waits for answers, no longer than the first session wants, and takes them.
    private func listen(now: Int64) throws {
        var poll = PollSet()
        for lane in lanes {
            if let held = lane.socket { _ = poll.add(held.socket) }
        }
        let deadline = lanes.compactMap { $0.session.deadline(at: now) }.min()
        var wait = min(Limits.pollMillisecondsMax, max(0, (deadline ?? .max) - now))
        if wantsSteps { wait = allowance(at: now) > 0 ? 0 : min(wait, Limits.rateMilliseconds) }
        guard try poll.wait(milliseconds: Int(wait)) == .ready else { return }
        let now = MonotonicClock.milliseconds()
        for lane in lanes {
            while let message = try lane.socket?.socket.receive() {
                if let receipts = lane.session.received(message.frames, at: now) {
                    try callbacks.received?(lane.partner, receipts)
                }
            }
        }
    }
}
