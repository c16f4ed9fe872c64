import Greenctl
import Messages
import Model
import Streams

/// Everybody who gives the services commands: asks until there is an answer, with the same key.
final class Caller {
    /// One command or question, and what came of it.
    final class Call {
        let service: ServiceName
        let method: String
        let body: [UInt8]
        /// nil: a question.
        let key: [UInt8]?
        /// Not before this time.
        let notBefore: Int64
        var reply: ReplyMessage?
        var repliedAt: Int64 = 0
        fileprivate var sentAt: Int64?
        fileprivate var onReply: ((ReplyMessage) throws -> Void)?

        fileprivate init(
            _ service: ServiceName, _ method: String, _ body: [UInt8], key: [UInt8]?,
            notBefore: Int64, onReply: ((ReplyMessage) throws -> Void)?
        ) {
            self.service = service
            self.method = method
            self.body = body
            self.key = key
            self.notBefore = notBefore
            self.onReply = onReply
        }
    }

    private unowned let world: World
    private(set) var calls: [Call] = []
    private var byRequest: [UInt64: Call] = [:]
    private var nextRequest: UInt64 = 1
    private let name = "simulator"

    init(in world: World) { self.world = world }

    var isSettled: Bool { calls.allSatisfy { $0.reply != nil } }
    var unsettled: [String] { calls.filter { $0.reply == nil }.map(\.method) }

    /// Gives `command` under `key`, and asks until it is answered.
    @discardableResult
    func give(
        _ command: some Command, to service: ServiceName, key: [UInt8], notBefore: Int64 = 0,
        then onReply: ((ReplyMessage) throws -> Void)? = nil
    ) throws -> Call {
        let call = Call(
            service, type(of: command).method, try JSON.encode(command), key: key,
            notBefore: notBefore, onReply: onReply)
        calls.append(call)
        return call
    }

    func ask(
        _ query: some Query, of service: ServiceName,
        then onReply: @escaping (ReplyMessage) throws -> Void
    ) throws {
        calls.append(
            Call(
                service, type(of: query).method, try JSON.encode(query), key: nil, notBefore: 0,
                onReply: onReply))
    }

    /// Replies since `moment` came from a disk that was thrown away: all is asked again.
    func forget(repliesOf service: ServiceName, since moment: Int64) {
        for call in calls where call.service == service && call.repliedAt >= moment {
            call.reply = nil
            call.sentAt = nil
        }
    }

    func turn() throws {
        for call in calls where call.reply == nil && world.now >= call.notBefore {
            if let sentAt = call.sentAt, world.now - sentAt < 1_500 { continue }
            call.sentAt = world.now
            send(call)
        }
    }

    private func send(_ call: Call) {
        let request = nextRequest
        nextRequest += 1
        byRequest[request] = call
        let id = withUnsafeBytes(of: request) { Array($0) }
        guard
            let frames = try? Exchange.frames(
                method: call.method, body: call.body, caller: name, key: call.key, requestID: id)
        else { preconditionFailure("a request can be encoded") }
        world.send(frames, from: request, to: call.service)
    }

    /// Takes a reply of `service`, to whichever request it belongs.
    func hear(_ frames: [[UInt8]]) throws {
        guard let (id, reply) = Exchange.reply(frames), id.count == 8 else { return }
        let request = id.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) }
        guard let call = byRequest[request] else { return }
        if reply.status == .busy || reply.status == .unavailable { return }
        if let earlier = call.reply {
            guard earlier.status != .ok || earlier == reply else {
                throw Violation(
                    "requests",
                    "\(call.method) was answered \(earlier.status), and then otherwise under the "
                        + "same key")
            }
            if earlier.status == .ok, call.key != nil { world.coverage.reach(.commandRepeated) }
            return
        }
        call.reply = reply
        call.repliedAt = world.now
        if call.key != nil {
            switch reply.status {
            case .ok: world.coverage.reach(.commandDone)
            case .conflict: world.coverage.reach(.commandConflict)
            default: world.coverage.reach(.commandRefused)
            }
        }
        try call.onReply?(reply)
    }
}
