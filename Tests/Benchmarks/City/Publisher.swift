import CMeasuring
import Glibc
import Greenctl
import Streams
import ZeroMQ

/// All partners of a prepared day, on one thread: sends bodies as credit allows, counts receipts.
///
/// It keeps to what the partner's guide demands (credit, errors that may be retried) and reads of
/// an answer no more than that takes, so that its own share of the machine is small.
final class Publisher {
    enum Pace {
        /// As much as credit allows.
        case asCredited
        /// Every body has an intended time, whatever became of those before it.
        case eventsPerSecond(Int)
    }

    /// What became of one body, told as soon as its receipts came.
    struct Settled {
        var partner: Int
        var events: Int
        /// When it should have left, and when its receipts were here, in nanoseconds.
        var intended: Int64
        var receipted: Int64
        /// Sequence of its last event in the log of its partition.
        var lastPosition: UInt64
    }

    struct Outcome {
        var accepted = 0
        var duplicates = 0
        /// Requests answered `busy`, and sent again.
        var busy = 0
        var began: Int64 = 0
        var ended: Int64 = 0

        var seconds: Double { Double(ended - began) / 1e9 }
    }

    enum Limits {
        static let patienceNanoseconds: Int64 = 60_000_000_000
        static let pingNanoseconds: Int64 = 1_000_000_000
        /// As many events a partner begins with, and by so many each answer widens its window.
        static let windowEventsFirst = 400
        static let windowEventsStep = 200
        static let pollMilliseconds = 100
    }

    private let context: Context
    private let day: PreparedDay
    private var lanes: [PublisherLane] = []
    private let timer: Int32
    private(set) var outcome = Outcome()
    /// Called on the publisher's thread for each body that has its receipts.
    var settled: ((Settled) -> Void)?

    init(_ day: PreparedDay, to deployment: Deployment) throws {
        context = deployment.context
        self.day = day
        timer = greenseason_timer_open()
        guard timer >= 0 else { throw Broken("no timer: \(String(cString: strerror(errno)))") }
        let edge = try deployment.edge()
        let keys = PartnerKeys(of: deployment.folder)
        for (index, lane) in day.lanes.enumerated() {
            let socket = try Socket(
                .dealer, in: context,
                options: .partnerClient(
                    serverKey: edge.key, keys: try keys.keys(of: lane.partner)))
            try socket.connect(to: edge.endpoint)
            lanes.append(PublisherLane(index, lane.bodies, socket))
        }
        for lane in lanes { try lane.greet() }
    }

    deinit { close(timer) }

    /// Publishes the bodies, from where the last call stopped, and returns when all have receipts.
    ///
    /// - Parameters:
    ///   - eventsMax: sends nothing more after so many, over all partners.
    ///   - secondsMax: sends nothing more after so long.
    func publish(_ pace: Pace, eventsMax: Int = .max, secondsMax: Double = .infinity) throws {
        outcome = Outcome()
        var heard = Stopwatch.now
        outcome.began = heard
        let schedule = Schedule(pace: pace, lanes: lanes, from: heard)
        var left = eventsMax
        let end = secondsMax.isFinite ? heard + Int64(secondsMax * 1e9) : .max
        while true {
            let now = Stopwatch.now
            if now >= end { left = 0 }
            var isDone = true
            for lane in lanes {
                while left > 0, let intended = schedule.time(of: lane), intended <= now {
                    guard try lane.sendNext(intended: intended, now: now) else { break }
                    left -= lane.lastSentEvents
                }
                try lane.sendAgain(now: now)
                if !lane.isSettled || (left > 0 && !lane.isAtEnd) { isDone = false }
            }
            if isDone { break }
            if try listen(schedule, now: now, mayStop: left <= 0) { heard = Stopwatch.now }
            // An open loop may have nothing to hear for long; what is under way may not.
            if lanes.allSatisfy(\.isSettled) { heard = now }
            guard now - heard < Limits.patienceNanoseconds else {
                throw Broken("the edge has been silent for a minute")
            }
        }
        outcome.ended = Stopwatch.now
    }

    /// Waits for answers and takes them; false if none came.
    private func listen(_ schedule: Schedule, now: Int64, mayStop: Bool) throws -> Bool {
        var poll = PollSet()
        for lane in lanes { _ = poll.add(lane.socket) }
        if !mayStop, let next = schedule.next(of: lanes, after: now) {
            greenseason_timer_set(timer, next)
            _ = poll.add(fileDescriptor: timer)
        }
        guard try poll.wait(milliseconds: Limits.pollMilliseconds) == .ready else { return false }
        var isHeard = false
        for lane in lanes {
            while let message = try lane.socket.receive() {
                isHeard = true
                if let settled = try lane.take(message.frames, into: &outcome) {
                    self.settled?(settled)
                }
            }
        }
        return isHeard
    }
}

/// When bodies should leave.
private struct Schedule {
    let began: Int64
    /// Of each lane: nanoseconds from one of its bodies to the next; nil sends at once.
    let intervals: [Double]?
    let firsts: [Int]

    init(pace: Publisher.Pace, lanes: [PublisherLane], from began: Int64) {
        self.began = began
        firsts = lanes.map(\.next)
        switch pace {
        case .asCredited:
            intervals = nil
        case .eventsPerSecond(let rate):
            // All lanes end together: each has its share of the rate.
            let events = lanes.reduce(0) { $0 + $1.eventsLeft }
            let nanoseconds = Double(events) / Double(rate) * 1e9
            intervals = lanes.map { nanoseconds / Double(max(1, $0.bodies.count - $0.next)) }
        }
    }

    /// When the lane's next body should leave; nil if there is none.
    func time(of lane: PublisherLane) -> Int64? {
        if lane.isAtEnd { return nil }
        guard let intervals else { return began }
        // Partners know nothing of each other: their bodies leave in turn, not all at once.
        let turn = Double(lane.index) / Double(intervals.count)
        let bodies = Double(lane.next - firsts[lane.index]) + turn
        return began + Int64(bodies * intervals[lane.index])
    }

    /// The first time after `now` at which some body should leave; nil if answers come first.
    func next(of lanes: [PublisherLane], after now: Int64) -> Int64? {
        lanes.compactMap { time(of: $0) }.filter { $0 > now }.min()
    }
}
