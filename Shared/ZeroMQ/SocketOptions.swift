import CZeroMQ

/// How `Options` reach libzmq, together with what is the same for every socket.
extension Options {
    func apply(to handle: UnsafeMutableRawPointer, of kind: Socket.Kind) throws(ZeroMQError) {
        for (option, value) in Self.common + own(of: kind) {
            try set(option, of: handle, to: value)
        }
        try set(ZMQ_MAXMSGSIZE, of: handle, to: frameBytesMax ?? -1)
        switch security.mechanism {
        case .null:
            break
        case .curveServer(let secretKey, let zapDomain):
            try set(ZMQ_CURVE_SERVER, of: handle, to: Int32(1))
            try set(ZMQ_CURVE_SECRETKEY, of: handle, to: secretKey.bytes)
            try set(ZMQ_ZAP_DOMAIN, of: handle, to: [UInt8](zapDomain.utf8))
            try set(
                Int32(CZEROMQ_ZAP_ENFORCE_DOMAIN), of: handle, to: Int32(1))
        case .curveClient(let serverKey, let keys):
            try set(ZMQ_CURVE_SERVERKEY, of: handle, to: serverKey.bytes)
            try set(ZMQ_CURVE_PUBLICKEY, of: handle, to: keys.publicKey.bytes)
            try set(ZMQ_CURVE_SECRETKEY, of: handle, to: keys.secretKey.bytes)
        }
    }

    private static let common: [(Int32, Int32)] = [
        // A closing socket discards; stores keep what matters.
        (ZMQ_LINGER, 0),
        (ZMQ_IPV6, 0),
        // Said although it is the default: see `Options` for why this must never be on.
        (ZMQ_HEARTBEAT_IVL, 0),
        // Messages may wait for a connection that is still being made. With 1, the first send on
        // a fresh socket is refused, and whoever answers that with another fresh one never ends.
        (ZMQ_IMMEDIATE, 0),
        // An idle peer whose host is gone is noticed in about 20 s, an unanswering one in 10 s.
        (ZMQ_TCP_KEEPALIVE, 1),
        (ZMQ_TCP_KEEPALIVE_IDLE, 10),
        (ZMQ_TCP_KEEPALIVE_INTVL, 3),
        (ZMQ_TCP_KEEPALIVE_CNT, 3),
        (ZMQ_TCP_MAXRT, 10_000),
        (ZMQ_CONNECT_TIMEOUT, 3_000),
    ]

    private func own(of kind: Socket.Kind) -> [(Int32, Int32)] {
        var settings = [
            (ZMQ_SNDHWM, sendMessagesMax),
            (ZMQ_RCVHWM, receiveMessagesMax),
            (ZMQ_BACKLOG, backlogConnectionsMax),
            (ZMQ_HANDSHAKE_IVL, handshakeMillisecondsMax),
            (ZMQ_RECONNECT_IVL, reconnectMillisecondsMin),
            (ZMQ_RECONNECT_IVL_MAX, reconnectMillisecondsMax),
        ]
        // Otherwise what is sent to a peer that left disappears without an answer.
        if kind == .router { settings.append((ZMQ_ROUTER_MANDATORY, 1)) }
        return settings
    }

    private func set(
        _ option: Int32, of handle: UnsafeMutableRawPointer, to value: some BitwiseCopyable
    ) throws(ZeroMQError) {
        let code = withUnsafeBytes(of: value) {
            zmq_setsockopt(handle, option, $0.baseAddress, $0.count)
        }
        guard code == 0 else { throw ZeroMQError(during: .setOption(option)) }
    }

    private func set(
        _ option: Int32, of handle: UnsafeMutableRawPointer, to bytes: [UInt8]
    ) throws(ZeroMQError) {
        guard zmq_setsockopt(handle, option, bytes, bytes.count) == 0 else {
            throw ZeroMQError(during: .setOption(option))
        }
    }
}
