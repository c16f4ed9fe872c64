package import Messages
package import ZeroMQ

/// Asks one service, and waits on the caller's thread for the answer.
///
/// A time-out opens a new socket and repeats the request: a command under the same key, so it is
/// carried out once all the same.
package final class RequestClient {
    private let context: Context
    private let endpoint: String
    private let caller: String
    private var socket: Held?
    private var generator = SystemRandomNumberGenerator()

    package enum Limits {
        package static let answerMilliseconds = 5_000
        package static let attemptsMax = 3
    }

    package init(context: Context, endpoint: String, caller: String) {
        self.context = context
        self.endpoint = endpoint
        self.caller = caller
    }

    /// Sends `request` and returns its reply.
    ///
    /// - Parameter key: of a command, 16 to 64 bytes; nil draws one. Queries have none.
    package func call<Body: Request>(
        _ request: Body, key: [UInt8]? = nil,
        timeoutMilliseconds: Int = Limits.answerMilliseconds
    ) throws -> Body.Reply {
        let isCommand = Body.self is any Command.Type
        let reply = try exchange(
            method: Body.method, body: JSON.encode(request),
            key: isCommand ? key ?? randomBytes(16) : nil, timeoutMilliseconds: timeoutMilliseconds)
        switch reply.status {
        case .ok: return try JSON.decode(Body.Reply.self, from: reply.body)
        case .refused: throw RequestFailure.refused(code: reply.code, message: reply.message)
        case .conflict: throw RequestFailure.conflict(message: reply.message)
        case .invalid: throw RequestFailure.invalid(code: reply.code, message: reply.message)
        case .busy: throw RequestFailure.busy
        case .unavailable: throw RequestFailure.unavailable(message: reply.message)
        }
    }

    /// Exchanges bytes: what `call` does, for those who carry bodies they do not read.
    package func exchange(
        method: String, body: [UInt8], key: [UInt8]?, timeoutMilliseconds: Int
    ) throws -> ReplyMessage {
        for _ in 0..<Limits.attemptsMax {
            let requestID = randomBytes(16)
            let frames = try Exchange.frames(
                method: method, body: body, caller: caller, key: key, requestID: requestID)
            let socket = try socket ?? open()
            self.socket = socket
            if case .sent = try socket.socket.send(frames),
                let reply = try answer(to: requestID, on: socket, milliseconds: timeoutMilliseconds)
            {
                return reply
            }
            self.socket = nil
        }
        throw RequestFailure.noAnswer(endpoint: endpoint)
    }

    private func answer(
        to requestID: [UInt8], on socket: Held, milliseconds: Int
    ) throws -> ReplyMessage? {
        let end = MonotonicClock.milliseconds() + Int64(milliseconds)
        var set = PollSet()
        while true {
            let left = end - MonotonicClock.milliseconds()
            guard left > 0 else { return nil }
            set.removeAll()
            _ = set.add(socket.socket)
            guard case .ready = try set.wait(milliseconds: Int(left)) else { return nil }
            while let message = try socket.socket.receive() {
                if let (id, reply) = Exchange.reply(message.frames), id == requestID {
                    return reply
                }
            }
        }
    }

    private func open() throws -> Held {
        let socket = Held(try Socket(.dealer, in: context, options: .requestClient))
        try socket.socket.connect(to: endpoint)
        return socket
    }

    private func randomBytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in .random(in: .min ... .max, using: &generator) }
    }
}

/// Why a request has no reply of its own kind.
package enum RequestFailure: Error, Equatable {
    case refused(code: String, message: String)
    case conflict(message: String)
    case invalid(code: String, message: String)
    case busy
    case unavailable(message: String)
    case noAnswer(endpoint: String)
}

extension RequestFailure: CustomStringConvertible {
    package var description: String {
        switch self {
        case .refused(let code, let message): "refused (\(code)): \(message)"
        case .conflict(let message): "conflict: \(message)"
        case .invalid(let code, let message): "invalid (\(code)): \(message)"
        case .busy: "the service is busy; try again"
        case .unavailable(let message): "unavailable: \(message)"
        case .noAnswer(let endpoint):
            "no answer from \(endpoint): is the service up? `greenctl status` tells"
        }
    }
}
