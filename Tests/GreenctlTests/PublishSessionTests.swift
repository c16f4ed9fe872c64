import Greenctl
import Testing

/// A session and an edge, run against each other in virtual time until all is done.
private struct Run {
    var session = PublishSession()
    var edge: SimulatedEdge
    var now: Int64 = 1_000_000
    /// Places of the events whose receipts came.
    var receipted: [UInt64] = []

    init(_ edge: SimulatedEdge) { self.edge = edge }

    /// Publishes `events` events as fast as the session takes them; false if it never ends.
    mutating func publish(_ events: Int, untilAt end: Int64 = .max) -> Bool {
        var given = 0
        while now < end {
            while given < events, session.hasRoom {
                session.publish(Array("{\"id\":\"e\(given)\"}".utf8))
                given += 1
            }
            while let effect = session.next(at: now) {
                switch effect {
                case .open: edge.reconnected()
                case .send(let frames): edge.received(frames, at: now)
                }
            }
            if given == events, session.isSettled { return true }
            guard session.failure == nil,
                let then = [edge.nextDelivery, session.deadline(at: now)].compactMap({ $0 }).min()
            else { return false }
            now = max(now, then)
            for frames in edge.delivered(at: now) {
                guard let receipts = session.received(frames, at: now) else { continue }
                var place = receipts.first
                receipts.forEach { _ in
                    receipted.append(place)
                    place += 1
                }
            }
        }
        return false
    }
}

@Suite struct PublishSessionTests {
    @Test func `without faults every event is sent once, in order, within credit`() {
        var run = Run(SimulatedEdge(seed: 1, window: 4_000))
        let isDone = run.publish(25_000)
        #expect(isDone)
        #expect(run.edge.accepted == (0..<25_000).map { "e\($0)" })
        #expect(run.session.tally.statuses == ["accepted": 25_000])
        #expect(run.session.tally.resent == 0)
        #expect(run.edge.overdrafts == 0)
        #expect(run.edge.unreceiptedMost <= 4_000)
        #expect(run.edge.requests <= 40, "batches are filled where there is enough to fill them")
    }

    @Test(arguments: UInt64(1)...40)
    func `under loss, doubling, delay and busyness every event is accepted exactly once`(
        seed: UInt64
    ) {
        let faults = SimulatedEdge.Faults(
            requestLost: 20, answerLost: 20, answerDoubled: 50, answerLate: 20, busy: 50,
            creditMoves: true)
        var run = Run(SimulatedEdge(seed: seed, window: 2_500, faults: faults))
        let isDone = run.publish(20_000, untilAt: 100_000_000)
        #expect(isDone, "seed \(seed) came to no end")
        #expect(Set(run.edge.accepted).count == 20_000)
        #expect(run.edge.accepted.count == 20_000)
        let answered = run.session.tally.statuses.values.reduce(0, +)
        #expect(answered == 20_000, "one receipt each, whether accepted or duplicate")
        #expect(run.receipted.sorted() == (0..<20_000).map(UInt64.init))
    }

    @Test func `a busy edge is left alone until it wants to be asked again`() {
        var run = Run(
            SimulatedEdge(seed: 3, window: 4_000, faults: SimulatedEdge.Faults(busy: 300)))
        let isDone = run.publish(20_000)
        #expect(isDone)
        #expect(run.session.tally.statuses == ["accepted": 20_000])
        #expect(run.session.tally.resent > 0)
        #expect(run.session.silences == 0)
    }

    @Test func `without credit it asks once a second and sends nothing`() {
        var run = Run(SimulatedEdge(seed: 4, window: 0))
        let start = run.now
        let isDone = run.publish(10, untilAt: start + 10_000)
        #expect(!isDone)
        #expect(run.edge.requests == 0)
        #expect((8...11).contains(run.edge.pings))
    }

    @Test func `an edge that never answers is given up and tried anew every five seconds`() {
        let deaf = SimulatedEdge.Faults(requestLost: 1_000)
        var run = Run(SimulatedEdge(seed: 5, window: 1_000, faults: deaf))
        let start = run.now
        let isDone = run.publish(10, untilAt: start + 31_000)
        #expect(!isDone)
        #expect((5...6).contains(run.session.silences))
        #expect(run.session.silentSince == start)
    }

    @Test func `one body that cannot be read spoils no other event`() {
        var run = Run(SimulatedEdge(seed: 6, window: 4_000))
        for number in 0..<777 {
            run.session.publish(
                Array("{\"id\":\"\(number == 333 ? "poison" : "x\(number)")\"}".utf8))
        }
        run.session.publish(raw: Array("not json".utf8))
        run.session.publish(Array("{\"id\":\"last\"}".utf8))
        let isDone = run.publish(0)
        #expect(isDone)
        #expect(run.session.tally.errors == ["bad_json": 2])
        #expect(run.session.tally.statuses == ["accepted": 777])
        #expect(run.edge.accepted.last == "last")
    }

    @Test func `a raw body may hold any number of events and counts as one`() {
        var run = Run(SimulatedEdge(seed: 7, window: 4_000))
        run.session.publish(raw: Array("[]".utf8))
        run.session.publish(raw: Array("[{\"id\":\"a\"},{\"id\":\"b\"}]".utf8))
        let isDone = run.publish(3)
        #expect(isDone)
        #expect(run.session.tally.statuses == ["accepted": 5])
    }

    @Test func `what no edge could answer is refused here`() {
        var run = Run(SimulatedEdge(seed: 8, window: 4_000))
        run.session.publish([UInt8](repeating: 0x20, count: PublishSession.Limits.frameBytesMax))
        let isDone = run.publish(5)
        #expect(isDone)
        #expect(run.session.tally.errors == ["too_large": 1])
        #expect(run.session.tally.statuses == ["accepted": 5])
    }

    @Test func `an edge that does not speak the protocol is told apart from a silent one`() {
        var session = PublishSession()
        session.publish(Array("{}".utf8))
        let opening = session.next(at: 0)
        #expect(opening == .open)
        for _ in 0..<PublishSession.Limits.strangeAnswersMax {
            session.received([Array("HTTP/1.1 400".utf8)], at: 1)
        }
        #expect(session.failure?.contains("does not speak GSP/1") == true)
        let further = session.next(at: 10)
        #expect(further == nil)
    }

    @Test func `an answer to nobody's question changes nothing`() {
        var session = PublishSession()
        session.publish(Array("{}".utf8))
        let opening = session.next(at: 0)
        #expect(opening == .open)
        guard case .send(let hello) = session.next(at: 0) else {
            Issue.record("it greets first")
            return
        }
        func frames(_ verb: String, _ id: [UInt8], _ body: String) -> [[UInt8]] {
            [Array("GSP1".utf8), Array(verb.utf8), id, Array(body.utf8)]
        }
        let stranger = Array("4711".utf8)
        let receipt =
            "{\"receipts\":[{\"status\":\"accepted\"}],\"credit\":{\"events\":1,\"bytes\":1}}"
        session.received(frames("RECEIPTS", stranger, receipt), at: 1)
        session.received(frames("WELCOME", stranger, "{}"), at: 1)
        #expect(session.tally.answered == 0)
        let further = session.next(at: 2)
        #expect(further == nil, "it still waits to be welcomed")
        #expect(String(decoding: hello[1], as: UTF8.self) == "HELLO")
    }
}
