import Glibc
import ZeroMQ

/// One partner's connection: its bodies, its credit, and what is under way.
final class PublisherLane {
    private struct Request {
        var body: Int
        var intended: Int64
    }

    let index: Int
    let bodies: [PreparedDay.Body]
    let socket: Socket
    /// The first body that was not sent yet.
    private(set) var next = 0
    private(set) var lastSentEvents = 0
    private var credit = (events: 0, bytes: 0)
    /// The most events under way, whatever credit allows.
    ///
    /// Credit is told late by nature, and too many overdrafts suspend a key.
    private var windowEvents = Publisher.Limits.windowEventsFirst
    private var inFlight: [Int: Request] = [:]
    private var inFlightEvents = 0
    private var inFlightBytes = 0
    /// Refused for the moment, to be sent again at a time.
    private var again: [(request: Request, at: Int64)] = []
    private var pingedAt: Int64 = 0

    private static let version = Array("GSP1".utf8)
    private static let publish = Array("PUBLISH".utf8)
    private static let accepted = Array(":\"accepted\"".utf8)
    private static let duplicate = Array(":\"duplicate\"".utf8)
    private static let position = Array("\"position\":\"".utf8)
    private static let creditMark = Array("\"credit\":{\"events\":".utf8)
    private static let bytesMark = Array(",\"bytes\":".utf8)
    private static let retryMark = Array("\"retryAfterMs\":".utf8)

    init(_ index: Int, _ bodies: [PreparedDay.Body], _ socket: consuming Socket) {
        self.index = index
        self.bodies = bodies
        self.socket = socket
    }

    var isAtEnd: Bool { next == bodies.count }
    var isSettled: Bool { inFlight.isEmpty && again.isEmpty }
    var eventsLeft: Int { bodies[next...].reduce(0) { $0 + $1.events } }

    /// Says HELLO and waits for the credit that the answer gives.
    func greet() throws {
        _ = try socket.send([Self.version, Array("HELLO".utf8), Array("hello".utf8), [0x7B, 0x7D]])
        var poll = PollSet()
        _ = poll.add(socket)
        guard try poll.wait(milliseconds: 10_000) == .ready, let message = try socket.receive(),
            message.frames.count == 4, message.frames[1] == Array("WELCOME".utf8)
        else { throw Broken("the edge does not welcome a partner") }
        takeCredit(in: message.frames[3])
    }

    /// Sends the next body if credit allows; false if it does not.
    func sendNext(intended: Int64, now: Int64) throws -> Bool {
        guard try send(Request(body: next, intended: intended), now: now) else { return false }
        lastSentEvents = bodies[next].events
        next += 1
        return true
    }

    /// Sends what was refused for a moment, once that is over.
    func sendAgain(now: Int64) throws {
        while let first = again.first, first.at <= now {
            guard try send(first.request, now: now) else { return }
            again.removeFirst()
        }
    }

    private func send(_ request: Request, now: Int64) throws -> Bool {
        let body = bodies[request.body]
        guard inFlightEvents + body.events <= min(credit.events, windowEvents),
            inFlightBytes + body.bytes.count <= credit.bytes
        else {
            // Without anything under way no answer will bring credit: it is asked for.
            if inFlight.isEmpty, now - pingedAt > Publisher.Limits.pingNanoseconds {
                pingedAt = now
                _ = try socket.send(
                    [Self.version, Array("PING".utf8), Array("ping".utf8), [0x7B, 0x7D]])
            }
            return false
        }
        let id = Array(String(request.body).utf8)
        guard try socket.send([Self.version, Self.publish, id, body.bytes]) == .sent else {
            return false
        }
        inFlight[request.body] = request
        inFlightEvents += body.events
        inFlightBytes += body.bytes.count
        return true
    }

    /// Takes one answer; says what was settled if it brought receipts.
    func take(
        _ frames: [[UInt8]], into outcome: inout Publisher.Outcome
    ) throws -> Publisher.Settled? {
        let now = Stopwatch.now
        guard frames.count == 4 else { throw Broken("an answer of \(frames.count) frames") }
        switch String(decoding: frames[1], as: UTF8.self) {
        case "PONG":
            takeCredit(in: frames[3])
            return nil
        case "RECEIPTS":
            guard let request = finish(frames[2]) else { throw Broken("receipts for nothing") }
            takeCredit(in: frames[3])
            windowEvents =
                min(windowEvents, credit.events) + Publisher.Limits.windowEventsStep
            let accepted = frames[3].count(of: Self.accepted)
            let duplicates = frames[3].count(of: Self.duplicate)
            outcome.accepted += accepted
            outcome.duplicates += duplicates
            let events = bodies[request.body].events
            guard accepted + duplicates == events else {
                throw Broken("not taken: \(String(decoding: frames[3].prefix(400), as: UTF8.self))")
            }
            return Publisher.Settled(
                partner: index, events: events, intended: request.intended, receipted: now,
                lastPosition: lastPosition(in: frames[3]))
        default:
            guard let request = finish(frames[2]),
                let mark = frames[3].last(Self.retryMark), let pause = frames[3].number(from: mark)
            else { throw Broken("refused: \(String(decoding: frames[3], as: UTF8.self))") }
            outcome.busy += 1
            windowEvents = max(Publisher.Limits.windowEventsFirst, windowEvents / 2)
            again.append((request, now + Int64(pause) * 1_000_000))
            return nil
        }
    }

    private func finish(_ id: [UInt8]) -> Request? {
        guard let body = Int(String(decoding: id, as: UTF8.self)),
            let request = inFlight.removeValue(forKey: body)
        else { return nil }
        inFlightEvents -= bodies[body].events
        inFlightBytes -= bodies[body].bytes.count
        return request
    }

    private func takeCredit(in body: [UInt8]) {
        guard let mark = body.last(Self.creditMark), let events = body.number(from: mark),
            let second = body.last(Self.bytesMark), let bytes = body.number(from: second)
        else { return }
        credit = (events, bytes)
    }

    /// The sequence of the last position in a body of receipts, `"position":"0/1234"`.
    private func lastPosition(in body: [UInt8]) -> UInt64 {
        guard var place = body.last(Self.position) else { return 0 }
        while place < body.count, body[place] != UInt8(ascii: "/") { place += 1 }
        return UInt64(body.number(from: place + 1) ?? 0)
    }
}

extension [UInt8] {
    /// How often `pattern` occurs; fast if its first byte is rare.
    fileprivate func count(of pattern: [UInt8]) -> Int {
        withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return 0 }
            var found = 0
            var place = 0
            while let next = memchr(base + place, Int32(pattern[0]), bytes.count - place) {
                place = UnsafeRawPointer(next) - base
                let isWhole =
                    bytes.count - place >= pattern.count
                    && memcmp(next, pattern, pattern.count) == 0
                found += isWhole ? 1 : 0
                place += isWhole ? pattern.count : 1
            }
            return found
        }
    }

    /// Where the last `pattern` ends; nil if there is none.
    fileprivate func last(_ pattern: [UInt8]) -> Int? {
        var start = count - pattern.count
        while start >= 0 {
            if self[start] == pattern[0], self[start..<start + pattern.count].elementsEqual(pattern)
            {
                return start + pattern.count
            }
            start -= 1
        }
        return nil
    }

    /// The decimal number that begins at `place`.
    fileprivate func number(from place: Int) -> Int? {
        var value: Int?
        for byte in self[Swift.min(place, count)...] {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { break }
            value = (value ?? 0) * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return value
    }
}
