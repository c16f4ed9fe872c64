import CZeroMQ

/// A whole message as it was received: all its frames, or the knowledge that it was too much.
package struct Multipart: Sendable, Equatable {
    /// The frames in order; of a ROUTER's, the first is the peer's routing id.
    ///
    /// Of an oversize message only that id is left, so that its sender can be answered; other kinds
    /// of socket have none then. No protocol of ours has a message of that shape, so one that is
    /// not looked at closely is refused for its form.
    package let frames: [[UInt8]]
    /// Who the authenticator said the sender is; nil where peers are not authenticated.
    package let userID: String?
    /// Whether the message exceeded the socket's `multipartFramesMax` or `multipartBytesMax`.
    package let isOversize: Bool
}

/// What became of a message that was to be sent.
package enum SendOutcome: Sendable, Equatable {
    /// libzmq has it. Whether the peer will is for the protocol to find out.
    case sent
    /// The peer's queue is full: nothing was sent.
    case wouldBlock
    /// No peer has this routing id (any more): nothing was sent. ROUTER only.
    ///
    /// That a peer left is noticed by reading or polling, not by sending.
    case unreachable
}

extension Socket {
    /// Takes the next whole message, or answers nil when there is none now.
    ///
    /// Each frame is copied once, from libzmq's memory to its array. A message beyond the bounds
    /// is taken to its end without copying and answered as `isOversize`.
    package func receive() throws(ZeroMQError) -> Multipart? {
        var message = Message()
        guard try receive(into: &message, isFirst: true) else { return nil }

        var frames: [[UInt8]] = []
        var bytesCount = 0
        var framesCount = 0
        while true {
            framesCount += 1
            bytesCount += message.count
            if framesCount <= options.multipartFramesMax, bytesCount <= options.multipartBytesMax {
                frames.append(message.bytes)
            }
            guard message.hasMore else { break }
            _ = try receive(into: &message, isFirst: false)
        }
        let userID = options.security.namesPeers ? message.userID : nil
        guard framesCount == frames.count else {
            // The routing id is libzmq's own and small, so a ROUTER always has its first frame.
            return Multipart(
                frames: kind == .router ? Array(frames.prefix(1)) : [], userID: userID,
                isOversize: true)
        }
        return Multipart(frames: frames, userID: userID, isOversize: false)
    }

    /// Sends one whole message, or answers why it cannot go now.
    package func send(_ frames: [[UInt8]]) throws(ZeroMQError) -> SendOutcome {
        precondition(!frames.isEmpty, "a message has at least one frame")
        for index in frames.indices {
            let code = frames[index].withUnsafeBytes {
                send($0, isFirst: index == 0, isLast: index == frames.count - 1)
            }
            if let outcome = try judge(code, isFirst: index == 0) { return outcome }
        }
        return .sent
    }

    /// Sends one whole message from memory that the caller holds still meanwhile.
    package func send(_ frames: [UnsafeRawBufferPointer]) throws(ZeroMQError) -> SendOutcome {
        precondition(!frames.isEmpty, "a message has at least one frame")
        for index in frames.indices {
            let code = send(
                frames[index], isFirst: index == 0, isLast: index == frames.count - 1)
            if let outcome = try judge(code, isFirst: index == 0) { return outcome }
        }
        return .sent
    }

    /// Only the first frame asks for room: libzmq then takes the message whole.
    ///
    /// The others go without DONTWAIT. They never wait, but if the connection dies in between,
    /// libzmq then swallows them to the end; with it, it would stop in the middle and swallow the
    /// next message instead (lb.cpp).
    private func send(
        _ frame: UnsafeRawBufferPointer, isFirst: Bool, isLast: Bool
    ) -> Int32 {
        let flags = (isFirst ? ZMQ_DONTWAIT : 0) | (isLast ? 0 : ZMQ_SNDMORE)
        while true {
            let code = zmq_send(handle, frame.baseAddress, frame.count, flags)
            if code >= 0 || zmq_errno() != EINTR { return code }
        }
    }

    /// The answer that ends a message early, or nil when its frame is on its way.
    private func judge(_ code: Int32, isFirst: Bool) throws(ZeroMQError) -> SendOutcome? {
        if code >= 0 { return nil }
        let error = ZeroMQError(during: .send(kind))
        switch error.code {
        case EAGAIN where isFirst: return .wouldBlock
        case EHOSTUNREACH where isFirst: return .unreachable
        default: throw error
        }
    }

    /// Answers false when there is no message; the frames after a first are always there.
    private func receive(
        into message: inout Message, isFirst: Bool
    ) throws(ZeroMQError) -> Bool {
        while message.receive(from: handle) < 0 {
            switch zmq_errno() {
            case EINTR: continue
            case EAGAIN where isFirst: return false
            default: throw ZeroMQError(during: .receive(kind))
            }
        }
        return true
    }
}
