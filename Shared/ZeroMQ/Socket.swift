import CZeroMQ

/// One end of a ZeroMQ conversation, owned by exactly one thread.
///
/// A socket is a move-only value that cannot leave the thread that opened it: libzmq's sockets are
/// not thread-safe. When its owner lets go of it, it closes and discards whatever it had not yet
/// sent, because a message worth keeping is in a store before it ever reaches a socket.
///
/// A connecting socket can die for ever without a word (its peer breaks the protocol, or the
/// authenticator refuses it). So whoever waits for an answer gives up after a while, by its own
/// clock, and opens a new socket.
package struct Socket: ~Copyable {
    package enum Kind: Sendable, Equatable {
        case pub, sub, router, dealer, rep
    }

    let handle: UnsafeMutableRawPointer
    package let kind: Kind
    let options: Options
    /// Kept, so that the context terminates after its sockets.
    private let context: Context

    /// Opens a socket; `options` are fixed for its life.
    package init(
        _ kind: Kind, in context: Context, options: Options
    ) throws(ZeroMQError) {
        guard let handle = zmq_socket(context.handle, kind.code) else {
            throw ZeroMQError(during: .open(kind))
        }
        do {
            try options.apply(to: handle, of: kind)
        } catch {
            zmq_close(handle)
            throw error
        }
        // Assigned last: a move-only value may not throw once it is whole.
        self.handle = handle
        self.kind = kind
        self.options = options
        self.context = context
    }

    deinit { zmq_close(handle) }

    /// Listens on `endpoint`: `ipc://PATH`, `inproc://NAME`, or, secured, `tcp://ADDRESS:PORT`.
    ///
    /// The endpoint of a socket that was just closed may still be taken: libzmq closes in the
    /// background. A stale ipc file is replaced without asking whether anybody still listens there,
    /// so the owner of the folder takes its lock first.
    package func bind(to endpoint: String) throws(ZeroMQError) {
        if let refusal = Endpoint.refusal(of: endpoint, isSealed: options.security.isSealed) {
            throw ZeroMQError(during: .bind(endpoint), refusal)
        }
        guard zmq_bind(handle, endpoint) == 0 else { throw ZeroMQError(during: .bind(endpoint)) }
    }

    /// Listens on a free tcp port of `host`, and answers it.
    ///
    /// Tries every port once, from a random one on. The default range lies below the ports that
    /// Linux gives to connecting sockets: within those, one that retries a port nobody listens on
    /// can end up connected to itself (libzmq #4599).
    package func bindToRandomPort(
        host: String = "127.0.0.1", in ports: ClosedRange<UInt16> = 20_000...31_999,
        using generator: inout some RandomNumberGenerator
    ) throws(ZeroMQError) -> UInt16 {
        let first = UInt16.random(in: ports, using: &generator)
        var port = first
        while true {
            do {
                try bind(to: "tcp://\(host):\(port)")
                return port
            } catch  where error.code == EADDRINUSE {
                port = port == ports.upperBound ? ports.lowerBound : port + 1
                if port == first { throw error }
            }
        }
    }

    /// Starts connecting to `endpoint`; libzmq goes on trying, in the background.
    package func connect(to endpoint: String) throws(ZeroMQError) {
        if let refusal = Endpoint.refusal(of: endpoint, isSealed: options.security.isSealed) {
            throw ZeroMQError(during: .connect(endpoint), refusal)
        }
        guard zmq_connect(handle, endpoint) == 0 else {
            throw ZeroMQError(during: .connect(endpoint))
        }
    }

    /// Where this socket last bound or connected, with wildcards resolved; empty if nowhere.
    package var lastEndpoint: String {
        get throws(ZeroMQError) {
            var length = 512
            var failed = false
            let endpoint = String(unsafeUninitializedCapacity: length) { buffer in
                failed = zmq_getsockopt(handle, ZMQ_LAST_ENDPOINT, buffer.baseAddress, &length) != 0
                // What libzmq counts includes the terminating zero.
                return failed ? 0 : max(0, length - 1)
            }
            if failed { throw ZeroMQError(during: .readOption(ZMQ_LAST_ENDPOINT)) }
            return endpoint
        }
    }

    /// Asks a SUB's publishers for what begins with `prefix`, of at most `topicBytesMax`.
    package func subscribe(to prefix: String) throws(ZeroMQError) {
        try setSubscription(ZMQ_SUBSCRIBE, prefix)
    }

    /// Takes one `subscribe(to:)` of a SUB back.
    package func unsubscribe(from prefix: String) throws(ZeroMQError) {
        try setSubscription(ZMQ_UNSUBSCRIBE, prefix)
    }

    private func setSubscription(_ option: Int32, _ prefix: String) throws(ZeroMQError) {
        precondition(kind == .sub, "only a SUB subscribes")
        precondition(prefix.utf8.count <= Limits.topicBytesMax, "topics are short")
        guard zmq_setsockopt(handle, option, prefix, prefix.utf8.count) == 0 else {
            throw ZeroMQError(during: .subscribe)
        }
    }

    /// What libzmq says that an integer option is, for tests of what was set.
    package func option(_ name: Int32) throws(ZeroMQError) -> Int64 {
        var value: Int64 = 0
        var length = MemoryLayout.size(ofValue: value)
        guard zmq_getsockopt(handle, name, &value, &length) == 0 else {
            // Options are 64 bits wide or 32, and each is read with exactly its own width.
            return Int64(try narrowOption(name))
        }
        return value
    }

    private func narrowOption(_ name: Int32) throws(ZeroMQError) -> Int32 {
        var value: Int32 = 0
        var length = MemoryLayout.size(ofValue: value)
        guard zmq_getsockopt(handle, name, &value, &length) == 0 else {
            throw ZeroMQError(during: .readOption(name))
        }
        return value
    }
}

@available(*, unavailable)
extension Socket: Sendable {}

extension Socket.Kind {
    var code: Int32 {
        switch self {
        case .pub: ZMQ_PUB
        case .sub: ZMQ_SUB
        case .router: ZMQ_ROUTER
        case .dealer: ZMQ_DEALER
        case .rep: ZMQ_REP
        }
    }
}
