/// One partner's side of GSP/1, as a value: frames and time go in, frames come out.
///
/// Events leave in the order in which they were given, in batches, as many as credit allows without
/// waiting. An event is done when its receipt has come; until then its batch is kept and, after a
/// loss or a `busy`, sent again: the edge finds duplicates, so this is always safe. Whatever has to
/// be sent again goes before anything new, once nothing else is under way; only what was under way
/// already can overtake it.
///
/// There is no socket and no clock here; times are milliseconds of any clock that never goes back.
package struct PublishSession {
    package enum Effect: Equatable {
        /// Close the socket, if there is one, and connect a new one.
        case open
        case send([[UInt8]])
    }

    package enum Limits {
        /// Silence for this long, with an answer due, means a dead socket or an unknown key.
        package static let answerMillisecondsMax: Int64 = 5_000
        /// A request this old is lost, though others are being answered.
        package static let requestMillisecondsMax: Int64 = 15_000
        /// Pause between two requests for credit.
        package static let pingMilliseconds: Int64 = 1_000
        /// Pause after an error that names none.
        package static let retryMilliseconds: Int64 = 1_000
        /// The longest pause that is kept, whatever an error says: five suspensions of a key.
        package static let retryMillisecondsMax: Int64 = 300_000
        package static let requestsInFlightMax = 16
        /// By how much each answer widens what is under way, until credit is used up.
        ///
        /// A `busy` halves it: too many overdrafts suspend a key, and credit is told late by
        /// nature.
        package static let windowEventsStep = 500
        package static let windowEventsMin = 250
        /// Until the edge says otherwise.
        package static let batchEventsMax = 1_000
        package static let messageBytesMax = 1_048_576
        /// Sealed batches that wait; with more, nothing is read on.
        package static let batchesWaitingMax = 4
        /// Above this the edge would not answer but cut the connection.
        package static let frameBytesMax = 1_048_576 + 65_536
        /// Answers that cannot be understood, after which there is no point in going on.
        package static let strangeAnswersMax = 20
    }

    /// What the edge said about one batch.
    package struct Receipts {
        /// Place of the first event among all of its partner's, from 0.
        package let first: UInt64
        let places: [EdgeAnswer.ReceiptPlace]
        let body: [UInt8]

        /// Each receipt's JSON, as it came.
        package func forEach(_ visit: (ArraySlice<UInt8>) throws -> Void) rethrows {
            for place in places { try visit(body[place.whole]) }
        }
    }

    private enum Connection: Equatable {
        case shut
        case opened
        case greeting(id: UInt64, sentAt: Int64)
        case live
    }

    private struct Request {
        var id: UInt64
        var batch: Batch
        var sentAt: Int64
    }

    private var connection = Connection.shut
    private var open = Batch(first: 0)
    /// Sealed, in order.
    private var waiting: [Batch] = []
    private var inFlight: [Request] = []
    private var credit = EdgeAnswer.Credit(events: 0, bytes: 0)
    private var batchEventsMax = Limits.batchEventsMax
    private var messageBytesMax = Limits.messageBytesMax
    /// After a connection was lost nobody knows what the edge still holds of it: one batch is sent,
    /// and its receipts say how much more may be.
    private var isCautious = true
    /// The most events under way, whatever credit allows.
    private var windowEvents = Limits.batchEventsMax
    /// Something came back: first let everything else come back too, then go on in order.
    private var drains = false
    private var resumeAt: Int64 = 0
    private var ping: (id: UInt64, sentAt: Int64)?
    private var pingedAt: Int64?
    private var heardAt: Int64?
    private var nextID: UInt64 = 1
    private var nextEvent: UInt64 = 0
    private var eventsDone = 0
    private var strangeAnswers = 0

    package private(set) var tally = PublishTally()
    /// Times that silence made it give a socket up.
    package private(set) var silences = 0
    /// Since when it has waited in vain for any answer; nil if it has not.
    package private(set) var silentSince: Int64?
    /// Why there is no point in going on.
    package private(set) var failure: String?

    package init() {}

    /// Events given and not yet done.
    package var eventsOpen: Int { Int(nextEvent) - eventsDone }
    package var isSettled: Bool { eventsOpen == 0 }
    /// Whether more can be given without piling up.
    package var hasRoom: Bool { waiting.count < Limits.batchesWaitingMax }

    /// Takes one event to publish, as JSON.
    package mutating func publish(_ event: [UInt8]) {
        guard event.count + 2 <= Limits.frameBytesMax else { return refuseLocally() }
        if open.count >= batchEventsMax || open.byteCount + event.count + 1 > messageBytesMax {
            seal()
        }
        open.append(event)
        nextEvent += 1
    }

    /// Takes a body to publish whole, whatever it may be; it counts as one event.
    package mutating func publish(raw body: [UInt8]) {
        guard body.count <= Limits.frameBytesMax else { return refuseLocally() }
        seal()
        waiting.append(Batch(raw: body, first: nextEvent))
        nextEvent += 1
        open = Batch(first: nextEvent)
    }

    /// libzmq would cut the connection without an answer, every time.
    private mutating func refuseLocally() {
        seal()
        nextEvent += 1
        open = Batch(first: nextEvent)
        eventsDone += 1
        tally.count(error: "too_large")
    }

    private mutating func seal() {
        guard !open.isEmpty else { return }
        waiting.append(open)
        open = Batch(first: nextEvent)
    }

    // MARK: What to do next

    /// What to do now; ask again until there is nothing.
    package mutating func next(at now: Int64) -> Effect? {
        guard failure == nil else { return nil }
        switch connection {
        case .shut:
            guard eventsOpen > 0 else { return nil }
            connection = .opened
            return .open
        case .opened:
            guard now >= resumeAt else { return nil }
            let id = takeID()
            connection = .greeting(id: id, sentAt: now)
            return request("HELLO", id, Array("{}".utf8))
        case .greeting(_, let sentAt):
            guard now - sentAt >= Limits.answerMillisecondsMax else { return nil }
            giveUpConnection(at: now, silentSince: sentAt)
            return next(at: now)
        case .live:
            if let since = silence(at: now) {
                giveUpConnection(at: now, silentSince: since)
                return next(at: now)
            }
            return publishOrPing(at: now)
        }
    }

    /// When `next` should be asked again though nothing was received; nil: not before something is.
    package func deadline(at now: Int64) -> Int64? {
        switch connection {
        case .shut:
            return eventsOpen > 0 ? now : nil
        case .opened:
            return resumeAt
        case .greeting(_, let sentAt):
            return sentAt + Limits.answerMillisecondsMax
        case .live:
            if let oldest = inFlight.first?.sentAt ?? ping?.sentAt {
                return min(
                    max(oldest, heardAt ?? oldest) + Limits.answerMillisecondsMax,
                    oldest + Limits.requestMillisecondsMax)
            }
            guard eventsOpen > 0 else { return nil }
            if now < resumeAt { return resumeAt }
            return pingedAt.map { $0 + Limits.pingMilliseconds } ?? now
        }
    }

    private mutating func publishOrPing(at now: Int64) -> Effect? {
        guard now >= resumeAt else { return nil }
        if drains {
            guard inFlight.isEmpty else { return nil }
            drains = false
        }
        guard inFlight.count < (isCautious ? 1 : Limits.requestsInFlightMax) else { return nil }
        if waiting.isEmpty {
            // A part of a batch goes only when nothing is under way: meanwhile it may grow.
            guard inFlight.isEmpty, !open.isEmpty else { return nil }
            seal()
        }
        let front = waiting[0]
        let fits = front.prefix(
            eventsMax: min(
                min(credit.events, windowEvents) - inFlight.reduce(0) { $0 + $1.batch.count },
                batchEventsMax),
            bytesMax: credit.bytes - inFlight.reduce(0) { $0 + $1.batch.byteCount })
        if fits == 0 {
            return inFlight.isEmpty ? askForCredit(at: now) : nil
        }
        if fits < front.count {
            // A sliver of credit would make slivers of batches for ever.
            guard inFlight.isEmpty || fits >= batchEventsMax / 4 else { return nil }
        }
        let batch = fits == front.count ? waiting.removeFirst() : waiting[0].removePrefix(fits)
        let id = takeID()
        inFlight.append(Request(id: id, batch: batch, sentAt: now))
        return request("PUBLISH", id, batch.body)
    }

    private mutating func askForCredit(at now: Int64) -> Effect? {
        if ping != nil { return nil }
        if let pingedAt, now - pingedAt < Limits.pingMilliseconds { return nil }
        let id = takeID()
        ping = (id, now)
        pingedAt = now
        return request("PING", id, Array("{}".utf8))
    }

    /// Since when an answer has been due in vain, if that is too long ago.
    private func silence(at now: Int64) -> Int64? {
        guard let oldest = inFlight.first?.sentAt ?? ping?.sentAt else { return nil }
        let since = max(oldest, heardAt ?? oldest)
        if now - since >= Limits.answerMillisecondsMax { return since }
        return now - oldest >= Limits.requestMillisecondsMax ? oldest : nil
    }

    private mutating func giveUpConnection(at now: Int64, silentSince since: Int64) {
        silences += 1
        silentSince = silentSince ?? since
        connection = .shut
        ping = nil
        isCautious = true
        for request in inFlight { giveBack(request.batch) }
        inFlight = []
    }

    /// Puts a batch that must be sent again in its place among those that wait.
    private mutating func giveBack(_ batch: Batch) {
        tally.resent += batch.count
        let place = waiting.firstIndex { $0.first > batch.first } ?? waiting.endIndex
        waiting.insert(batch, at: place)
        drains = true
    }

    private mutating func takeID() -> UInt64 {
        defer { nextID += 1 }
        return nextID
    }

    private func request(_ verb: String, _ id: UInt64, _ body: [UInt8]) -> Effect {
        .send([Array("GSP1".utf8), Array(verb.utf8), Array(String(id).utf8), body])
    }

    // MARK: What came

    /// Takes one message of the edge; answers the receipts if it brought any.
    ///
    /// Answers to requests that nobody waits for any more, late or doubled, change nothing.
    @discardableResult
    package mutating func received(_ frames: [[UInt8]], at now: Int64) -> Receipts? {
        guard frames.count == 4, frames[0].elementsEqual("GSP1".utf8) else {
            strange("a message that is not GSP/1")
            return nil
        }
        heardAt = now
        silentSince = nil
        let id = UInt64(String(decoding: frames[2], as: UTF8.self))
        switch String(decoding: frames[1], as: UTF8.self) {
        case "WELCOME": welcomed(id, frames[3])
        case "PONG": ponged(id, frames[3])
        case "RECEIPTS": return receipted(id, frames[3])
        case "ERROR": refused(id, frames[3], at: now)
        case let verb: strange("an answer \(verb)")
        }
        return nil
    }

    private mutating func welcomed(_ id: UInt64?, _ body: [UInt8]) {
        guard case .greeting(let expected, _) = connection, id == expected else { return }
        guard let welcome = EdgeAnswer.decode(EdgeAnswer.Welcome.self, from: body) else {
            return strange("a WELCOME without credit and limits")
        }
        credit = welcome.credit
        batchEventsMax = max(1, welcome.limits.batchEventsMax)
        messageBytesMax = max(1, welcome.limits.messageBytesMax)
        connection = .live
        isCautious = true
    }

    private mutating func ponged(_ id: UInt64?, _ body: [UInt8]) {
        guard let expected = ping?.id, id == expected else { return }
        guard let pong = EdgeAnswer.decode(EdgeAnswer.Pong.self, from: body) else {
            return strange("a PONG without credit")
        }
        ping = nil
        credit = pong.credit
    }

    private mutating func receipted(_ id: UInt64?, _ body: [UInt8]) -> Receipts? {
        guard let index = inFlight.firstIndex(where: { $0.id == id }) else { return nil }
        let receipts: EdgeAnswer.Receipts
        do {
            receipts = try EdgeAnswer.receipts(in: body)
        } catch {
            strange("RECEIPTS that cannot be read: \(error.reason)")
            return nil
        }
        let batch = inFlight[index].batch
        // Only the edge knows how many events a raw body held.
        guard batch.isRaw || receipts.places.count == batch.count else {
            strange("\(receipts.places.count) receipts for \(batch.count) events")
            return nil
        }
        inFlight.remove(at: index)
        if let newest = receipts.credit { credit = newest }
        isCautious = false
        windowEvents = min(windowEvents, credit.events) + Limits.windowEventsStep
        strangeAnswers = 0
        eventsDone += batch.count
        tally.count(receipts.places, in: body)
        return Receipts(first: batch.first, places: receipts.places, body: body)
    }

    private mutating func refused(_ id: UInt64?, _ body: [UInt8], at now: Int64) {
        guard let refusal = EdgeAnswer.decode(EdgeAnswer.Refusal.self, from: body) else {
            return strange("an ERROR without code")
        }
        let pause = min(
            max(0, refusal.retryAfterMs ?? Limits.retryMilliseconds), Limits.retryMillisecondsMax)
        if let index = inFlight.firstIndex(where: { $0.id == id }) {
            let batch = inFlight.remove(at: index).batch
            if refusal.retryable {
                resumeAt = max(resumeAt, now + pause)
                giveBack(batch)
                // What we believed of our credit was wrong; too many overdrafts suspend the key.
                windowEvents = max(Limits.windowEventsMin, windowEvents / 2)
                credit = EdgeAnswer.Credit(events: 0, bytes: 0)
                pingedAt = nil
            } else {
                refusedForGood(batch, refusal)
            }
        } else if let expected = ping?.id, id == expected {
            ping = nil
            resumeAt = max(resumeAt, now + pause)
        } else if case .greeting(let expected, _) = connection, id == expected {
            guard refusal.retryable else {
                failure = "the edge refuses to be greeted: \(refusal.message)"
                return
            }
            connection = .opened
            resumeAt = max(resumeAt, now + pause)
        } else if id == nil {
            strange("an ERROR \(refusal.code): \(refusal.message)")
        }
    }

    /// The edge will never take this body: if it is of several events, each half is tried alone.
    private mutating func refusedForGood(_ batch: Batch, _ refusal: EdgeAnswer.Refusal) {
        guard batch.count > 1 else {
            eventsDone += 1
            return tally.count(error: refusal.code)
        }
        var back = batch
        let front = back.removePrefix(batch.count / 2)
        giveBack(front)
        giveBack(back)
    }

    /// Something that no edge says: its request is treated as lost, and much of it is the end.
    private mutating func strange(_ what: String) {
        strangeAnswers += 1
        if strangeAnswers >= Limits.strangeAnswersMax {
            failure = "the edge does not speak GSP/1: \(what)"
        }
    }
}
