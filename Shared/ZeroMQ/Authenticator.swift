import CZeroMQ

/// Decides which CURVE keys may come in, for all servers of one context.
///
/// It is one more socket in its owner's event loop. Until it exists, servers refuse everybody, and
/// clients that were refused for want of it try again; while it exists, each handshake waits for
/// its answer. Deciding anew does not cut connections that stand, which is why every message
/// carries its sender's user id (`Multipart.userID`).
package struct Authenticator: ~Copyable {
    package enum Verdict: Sendable, Equatable {
        /// Let it in. Its messages will carry `userID`, of 1 to `userIDBytesMax` bytes but no zero.
        case allow(userID: String)
        /// Keep it out for good: its socket never tries again.
        case deny
        /// Keep it out now: it tries again when its handshake has timed out.
        case tryAgain
    }

    /// Where libzmq looks for whoever decides.
    package static let endpoint = "inproc://zeromq.zap.01"

    let socket: Socket

    /// Takes the place of the one who decides; a context has one at a time.
    package init(in context: Context) throws(ZeroMQError) {
        let socket = try Socket(.rep, in: context, options: .authenticator)
        try socket.bind(to: Self.endpoint)
        self.socket = socket
    }

    deinit {
        // Closing alone frees the place some time later; its successor may come before that.
        zmq_unbind(socket.handle, Self.endpoint)
    }

    /// Answers the handshakes that wait, at most `requestsMax`, and tells how many it answered.
    @discardableResult
    package func answer(
        requestsMax: Int = 64, deciding decide: (PublicKey, _ domain: String) -> Verdict
    ) throws(ZeroMQError) -> Int {
        var count = 0
        while count < requestsMax, let request = try socket.receive() {
            let reply = ZAPReply(to: request.frames, deciding: decide)
            // A reply finds no room only if its connection is gone, and then nobody misses it.
            _ = try socket.send(reply.frames)
            count += 1
        }
        return count
    }
}

@available(*, unavailable)
extension Authenticator: Sendable {}

extension PollSet {
    /// Waits for handshakes to decide about.
    package mutating func add(_ authenticator: borrowing Authenticator) -> Entry {
        add(authenticator.socket)
    }
}
