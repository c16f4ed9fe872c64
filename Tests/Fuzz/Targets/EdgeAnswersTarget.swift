import Greenctl

extension FuzzTarget {
    /// What an edge says to a publishing client: any answer, to anything, at any time.
    ///
    /// The client neither traps nor spins, and counts no event done twice.
    static let edgeAnswers = FuzzTarget(
        "edge-answers",
        seeds: {
            let welcome = """
                {"partner":"bike","sources":["urn:partner:bike"],"behaviours":["cycling"],\
                "credit":{"events":4000,"bytes":8388608},"limits":{"batchEventsMax":1000,\
                "messageBytesMax":1048576,"eventBytesMax":16384,"pastDaysMax":30,\
                "futureSecondsMax":300}}
                """
            let receipts = """
                {"receipts":[{"id":"e0","source":"s","status":"accepted","position":"0/1"},\
                {"id":null,"status":"rejected","code":"conflict","field":"id","message":"m"}],\
                "credit":{"events":4000,"bytes":8388608}}
                """
            let busy = """
                {"code":"busy","message":"m","retryable":true,"retryAfterMs":200}
                """
            let refusal = """
                {"code":"bad_json","message":"m","retryable":false,"retryAfterMs":null}
                """
            let pong = "{\"credit\":{\"events\":10,\"bytes\":1000}}"
            let begin = [0, 2] + EdgeScript.answer(0, welcome)
            return [
                begin + EdgeScript.answer(2, receipts), begin + EdgeScript.answer(3, refusal),
                begin + EdgeScript.answer(3, busy) + [1, 100] + EdgeScript.answer(1, pong),
                [4] + FuzzBytes.chunk("raw") + begin + [1, 255, 1, 255],
                [3, 2] + FuzzBytes.chunk("GSP1") + FuzzBytes.chunk("BYE"),
            ]
        },
        run: { bytes in
            var script = EdgeScript()
            var input = FuzzBytes(bytes)
            while !input.isEmpty { script.step(&input) }
        })
}

private struct EdgeScript {
    private var session = PublishSession()
    private var now: Int64 = 1_000_000
    /// Ids of what was asked, newest last.
    private var asked: [[UInt8]] = []

    static func answer(_ verb: UInt8, _ body: String) -> [UInt8] {
        [2, verb, 0] + FuzzBytes.chunk(body)
    }

    mutating func step(_ input: inout FuzzBytes) {
        switch input.byte() % 5 {
        case 0:
            for number in 0..<input.byte() where session.hasRoom {
                session.publish(Array("{\"id\":\"e\(number)\"}".utf8))
            }
        case 1:
            now += Int64(input.byte()) * 100
        case 2:
            let verbs = ["WELCOME", "PONG", "RECEIPTS", "ERROR"]
            let verb = verbs[Int(input.byte()) % verbs.count]
            let back = Int(input.byte())
            let id = back < asked.count ? asked[asked.count - 1 - back] : [0x30]
            receive([Array("GSP1".utf8), Array(verb.utf8), id, input.chunk()])
        case 3:
            receive((0..<input.byte() % 6).map { _ in input.chunk() })
        default:
            if session.hasRoom { session.publish(raw: input.chunk()) }
        }
        drain()
    }

    private mutating func receive(_ frames: [[UInt8]]) {
        let open = session.eventsOpen
        if let receipts = session.received(frames, at: now) {
            var count = 0
            receipts.forEach { receipt in
                require(receipt.first == UInt8(ascii: "{"), "a receipt is an object")
                count += 1
            }
            require(session.eventsOpen < open, "receipts that settle nothing")
        }
        require((0...open).contains(session.eventsOpen), "events that are done more than once")
    }

    /// Does what the session wants until it wants nothing; it must come to rest.
    private mutating func drain() {
        var effects = 0
        while let effect = session.next(at: now) {
            effects += 1
            require(effects < 1_000, "the session never comes to rest")
            if case .send(let frames) = effect {
                require(frames.count == 4, "a request has four frames")
                asked.append(frames[2])
            }
        }
        _ = session.deadline(at: now)
    }
}
