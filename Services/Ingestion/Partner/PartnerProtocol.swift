package import Model

/// The partner's side of ingestion, GSP/1, without sockets and clocks: frames in, frames out.
///
/// Messages have four frames after the sender's routing id: `GSP1`, a verb, a request id of the
/// partner's choice, and a JSON body. Who sent a message is what the authenticator says of that
/// very message, so windows hold for a partner over all its connections.
package struct PartnerProtocol {
    /// When something happens, by both clocks.
    package struct Moment: Sendable {
        /// Milliseconds of a clock that never goes back: credit goes by it.
        package var uptime: Int64
        /// This machine's time of day, which may leap: ingestion's clock judges it.
        package var instant: Instant

        package init(uptime: Int64, instant: Instant) {
            self.uptime = uptime
            self.instant = instant
        }
    }

    /// What is to be done about a message.
    package enum Step: Sendable {
        case reply([[UInt8]])
        /// Hand the batch to the writer, and then `finish` or `refuse` its ticket.
        case submit(PartnerBatch, ticket: UInt64)
        /// Nobody known sent it, or nothing that can be answered.
        case ignore
    }

    private struct Pending {
        var routingID: [UInt8]
        var requestID: [UInt8]
        var batch: PartnerBatch
        var bodyBytes: Int
    }

    private enum Verb {
        static let hello = Array("HELLO".utf8)
        static let publish = Array("PUBLISH".utf8)
        static let ping = Array("PING".utf8)
    }

    private static let magic = Array("GSP1".utf8)

    private let directory: PartnerDirectory
    private var decoder: BatchDecoder
    private var credit = CreditLedger()
    private var pending: [UInt64: Pending] = [:]
    private var nextTicket: UInt64 = 1
    private var isClosing = false

    package init(directory: PartnerDirectory, decoder: BatchDecoder) {
        self.directory = directory
        self.decoder = decoder
    }

    /// Messages that wait for their receipts.
    package var pendingCount: Int { pending.count }

    /// From now on nothing more is taken in; what waits is still answered.
    package mutating func close() {
        isClosing = true
        credit.permille = 0
    }

    /// Gives out so many thousandths of the windows: less as the disk fills.
    package mutating func throttle(to permille: Int) {
        precondition((0...1_000).contains(permille), "thousandths")
        if !isClosing { credit.permille = permille }
    }

    // MARK: Messages

    /// - Parameters:
    ///   - frames: The sender's routing id and what it sent; the id alone if that was too much.
    ///   - partner: Who sent it, as its own frames say.
    package mutating func receive(
        _ frames: [[UInt8]], from partner: String?, at moment: Moment
    ) -> Step {
        guard let routingID = frames.first, let partner, let entry = directory[partner] else {
            return .ignore
        }
        guard frames.count == 5, frames[1] == Self.magic,
            (1...PartnerLimits.requestIDBytesMax).contains(frames[3].count)
        else {
            return .reply(
                Self.error(
                    PartnerError(
                        .badFrame,
                        "a message is GSP1, verb, request id of 1 to 64 bytes, JSON body"),
                    to: routingID, []))
        }
        let requestID = frames[3]
        switch frames[2] {
        case Verb.hello:
            let window = credit.tell(partner, at: moment.uptime)
            return .reply(
                Self.frames(
                    to: routingID, "WELCOME", requestID,
                    ReplyWriter.welcome(entry, credit: window)))
        case Verb.ping:
            let window = credit.tell(partner, at: moment.uptime)
            return .reply(
                Self.frames(to: routingID, "PONG", requestID, ReplyWriter.pong(credit: window)))
        case Verb.publish:
            do throws(PartnerError) {
                let batch = try admit(frames[4], from: partner, at: moment)
                let ticket = nextTicket
                nextTicket += 1
                pending[ticket] = Pending(
                    routingID: routingID, requestID: requestID, batch: batch,
                    bodyBytes: frames[4].count)
                return .submit(batch, ticket: ticket)
            } catch {
                return .reply(Self.error(error, to: routingID, requestID))
            }
        default:
            return .reply(
                Self.error(
                    PartnerError(.unknownVerb, "the verbs are HELLO, PUBLISH and PING"),
                    to: routingID, requestID))
        }
    }

    private mutating func admit(
        _ body: [UInt8], from partner: String, at moment: Moment
    ) throws(PartnerError) -> PartnerBatch {
        guard body.count <= PartnerLimits.messageBytesMax else {
            throw PartnerError(
                .tooLarge, "a body may have at most \(PartnerLimits.messageBytesMax) bytes")
        }
        if isClosing { throw .closing }
        // Asked before the work is done, too: a suspended partner should cost nothing.
        let rest = credit.suspension(of: partner, at: moment.uptime)
        if rest > 0 { throw .suspended(milliseconds: rest) }
        let batch: PartnerBatch
        do throws(BodyFault) {
            batch = try decoder.decode(body, of: partner, arrived: moment.instant)
        } catch {
            switch error {
            case .badJSON(let message): throw PartnerError(.badJSON, message)
            case .tooManyEvents:
                throw PartnerError(
                    .tooLarge, "a batch may have at most \(PartnerLimits.batchEventsMax) events")
            }
        }
        switch credit.admit(
            partner, events: batch.items.count, bytes: body.count, at: moment.uptime)
        {
        case .admitted: return batch
        case .overdraft: throw .overdraft
        case .suspended(let milliseconds): throw .suspended(milliseconds: milliseconds)
        }
    }

    // MARK: Answers

    /// The writer had no room for the batch: the reply that sends it back.
    package mutating func refuse(_ ticket: UInt64) -> [[UInt8]] {
        let message = settle(ticket)
        return Self.error(.full, to: message.routingID, message.requestID)
    }

    /// The writer is done with the batch: the reply that says with what result.
    package mutating func finish(
        _ ticket: UInt64, with result: IngestionResult, at moment: Moment
    ) -> [[UInt8]] {
        let message = settle(ticket)
        switch result {
        case .receipts(let receipts):
            let window = credit.tell(message.batch.partner, at: moment.uptime)
            return Self.frames(
                to: message.routingID, "RECEIPTS", message.requestID,
                ReplyWriter.receipts(receipts, for: message.batch, credit: window))
        case .unavailable:
            return Self.error(.stopped, to: message.routingID, message.requestID)
        case .ticked:
            preconditionFailure("a batch is not answered with a tick")
        }
    }

    private mutating func settle(_ ticket: UInt64) -> Pending {
        guard let message = pending.removeValue(forKey: ticket) else {
            preconditionFailure("a batch is answered once")
        }
        credit.release(
            message.batch.partner, events: message.batch.items.count, bytes: message.bodyBytes)
        return message
    }

    private static func frames(
        to routingID: [UInt8], _ verb: String, _ requestID: [UInt8], _ body: [UInt8]
    ) -> [[UInt8]] {
        [routingID, magic, Array(verb.utf8), requestID, body]
    }

    private static func error(
        _ error: PartnerError, to routingID: [UInt8], _ requestID: [UInt8]
    ) -> [[UInt8]] {
        frames(to: routingID, "ERROR", requestID, ReplyWriter.error(error))
    }
}

/// Why a message fails as a whole.
package struct PartnerError: Error, Equatable, Sendable {
    package enum Code: String, Sendable {
        case badFrame = "bad_frame"
        case unknownVerb = "unknown_verb"
        case badJSON = "bad_json"
        case tooLarge = "too_large"
        case busy
        case unavailable
    }

    package var code: Code
    package var message: String
    /// When to try again; nil: never, it would fail again.
    package var retryAfterMilliseconds: Int64?

    init(_ code: Code, _ message: String, retryAfterMilliseconds: Int64? = nil) {
        self.code = code
        self.message = message
        self.retryAfterMilliseconds = retryAfterMilliseconds
    }

    static let overdraft = PartnerError(
        .busy, "the message is beyond your credit and was discarded",
        retryAfterMilliseconds: PartnerLimits.busyRetryMilliseconds)

    static let full = PartnerError(
        .busy, "there is no room just now and the message was discarded",
        retryAfterMilliseconds: PartnerLimits.busyRetryMilliseconds)

    static let closing = PartnerError(
        .unavailable, "the service is stopping",
        retryAfterMilliseconds: PartnerLimits.unavailableRetryMilliseconds)

    static let stopped = PartnerError(
        .unavailable, "nothing is taken in just now: an operator must look at the clock",
        retryAfterMilliseconds: PartnerLimits.unavailableRetryMilliseconds)

    static func suspended(milliseconds: Int64) -> PartnerError {
        PartnerError(
            .busy, "messages beyond your credit came too often: your key is suspended",
            retryAfterMilliseconds: milliseconds)
    }
}
