import Foundation
import Streams
import ZeroMQ

/// A partner that sends whatever frames a test likes, over real CURVE.
///
/// Every socket of the process lives in one context: libzmq 4.3.4 can crash a CURVE handshake in
/// one context while another is terminated.
final class RawPartner {
    static let context = Result { try Context() }

    private let endpoint: String
    private let serverKey: PublicKey
    private let keys: CurveKeys
    private var held: Held?

    private final class Held {
        let socket: Socket

        init(_ socket: consuming Socket) { self.socket = socket }
    }

    struct Reply {
        var verb: String
        var requestID: String
        var body: [String: Any]

        var code: String? { body["code"] as? String }
        var receipts: [[String: Any]] { body["receipts"] as? [[String: Any]] ?? [] }
        var statuses: [String] { receipts.compactMap { $0["status"] as? String } }
        var codes: [String] { receipts.map { $0["code"] as? String ?? "" } }
    }

    init(of deployment: Deployment, keys: CurveKeys) throws {
        let edge = try deployment.edge()
        endpoint = edge.endpoint
        serverKey = try PublicKey(z85: edge.key).orThrow("the edge's key is no key")
        self.keys = keys
        try connect()
    }

    /// A new connection, as after a cut.
    func connect() throws {
        let socket = try Socket(
            .dealer, in: try Self.context.get(),
            options: .partnerClient(serverKey: serverKey, keys: keys))
        try socket.connect(to: endpoint)
        held = Held(socket)
    }

    func send(_ frames: [[UInt8]]) throws {
        _ = try held?.socket.send(frames)
    }

    func send(_ verb: String, _ body: String, requestID: String = "r") throws {
        try send(["GSP1", verb, requestID, body].map { Array($0.utf8) })
    }

    /// The next reply, or nil after `seconds` of silence.
    func receive(seconds: Double = 20) throws -> Reply? {
        guard let held else { return nil }
        let end = MonotonicClock.milliseconds() + Int64(seconds * 1_000)
        var set = PollSet()
        while true {
            if let message = try held.socket.receive() {
                guard message.frames.count == 4 else { continue }
                let body =
                    try JSONSerialization.jsonObject(with: Data(message.frames[3]))
                    as? [String: Any]
                return Reply(
                    verb: String(decoding: message.frames[1], as: UTF8.self),
                    requestID: String(decoding: message.frames[2], as: UTF8.self),
                    body: body ?? [:])
            }
            let left = end - MonotonicClock.milliseconds()
            guard left > 0 else { return nil }
            set.removeAll()
            _ = set.add(held.socket)
            _ = try set.wait(milliseconds: Int(left))
        }
    }

    /// Asks until the answer is final, as the protocol demands of a partner.
    ///
    /// While others keep the edge busy it may have no credit to give, and a city whose clock nobody
    /// has set yet takes nothing in.
    func publish(_ body: String) throws -> Reply {
        var final: Reply?
        try wait(for: "an answer that is final") {
            let reply = try ask("PUBLISH", body)
            if reply.body["retryable"] as? Bool != true { final = reply }
            return final != nil
        }
        return try final.orThrow("no final answer")
    }

    func ask(_ verb: String, _ body: String, requestID: String = "r") throws -> Reply {
        try send(verb, body, requestID: requestID)
        return try receive().orThrow("no answer to \(verb)")
    }
}

extension Optional {
    func orThrow(_ what: String) throws -> Wrapped {
        guard let self else { throw NotInTime(description: what) }
        return self
    }
}
