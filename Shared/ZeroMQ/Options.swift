import CZeroMQ

/// The limits and the security of one socket.
///
/// Each role in the house has a preset, and only what roles may differ in can be said here. The
/// rest is the same for all sockets and set by `Socket` itself. No ZMTP heartbeats can be said:
/// in libzmq 4.3.4 they abort the process when the peer is slow (libzmq #3937, #4767). Liveness is
/// the protocols' own business, and TCP keepalive and user time-out notice dead hosts.
package struct Options: Sendable {
    /// Whole messages queued per peer before `wouldBlock`, or before PUB drops.
    package var sendMessagesMax: Int32
    /// Whole messages queued per peer before its connection is no longer read.
    package var receiveMessagesMax: Int32
    /// The largest frame taken from a peer, above which libzmq cuts the connection; nil for any.
    ///
    /// Only for sockets that bind. A connecting one that cuts a connection never connects again.
    package var frameBytesMax: Int64?
    /// The most frames of one multipart that `receive` hands over.
    package var multipartFramesMax = 8
    /// The most bytes, over all frames, of one multipart that `receive` hands over.
    package var multipartBytesMax = 64 << 20
    /// Connections the kernel completes before the I/O thread has accepted them.
    package var backlogConnectionsMax: Int32 = 128
    /// The time a peer has for its handshake.
    package var handshakeMillisecondsMax: Int32 = 5_000
    /// The pause before the first new attempt to connect; it doubles with each.
    package var reconnectMillisecondsMin: Int32 = 100
    /// The longest pause between two attempts to connect.
    package var reconnectMillisecondsMax: Int32 = 3_000
    /// Who may be at the other end; only a socket with CURVE speaks tcp.
    package var security = Security.none

    /// The same limits, with `security`.
    package func secured(by security: Security) -> Options {
        var options = self
        options.security = security
        return options
    }
}

extension Options {
    /// PUB, bound: a service's live blocks, of which 256 of 64 KB are 16 MB a subscriber.
    package static let liveFeed = Options(
        sendMessagesMax: 256, receiveMessagesMax: 256, frameBytesMax: 4 << 10)

    /// ROUTER, bound: pages of a service's log, for requests that are tiny.
    package static let replayService = Options(
        sendMessagesMax: 16, receiveMessagesMax: 64, frameBytesMax: 4 << 10,
        multipartBytesMax: 16 << 10)

    /// SUB, connected: one for each upstream, so that it can be made anew alone.
    package static let liveFeedClient = Options(
        sendMessagesMax: 64, receiveMessagesMax: 256, frameBytesMax: nil)

    /// DEALER, connected: a fresh one for each session of catching up.
    package static let replayClient = Options(
        sendMessagesMax: 8, receiveMessagesMax: 16, frameBytesMax: nil)

    /// ROUTER, bound: a service's commands and queries.
    package static let requestService = Options(
        sendMessagesMax: 64, receiveMessagesMax: 256, frameBytesMax: (1 << 20) + (64 << 10),
        multipartBytesMax: 2 << 20)

    /// DEALER, connected: asks a service.
    package static let requestClient = Options(
        sendMessagesMax: 8, receiveMessagesMax: 16, frameBytesMax: nil)

    /// ROUTER, bound: where partners hand in events, never without CURVE.
    ///
    /// - Parameter creditMessages: What one partner may have in flight; two more fit, so that a
    ///   partner out of credit can still ask for some.
    package static func partnerEdge(
        creditMessages: Int32, secretKey: SecretKey, zapDomain: String
    ) -> Options {
        precondition(creditMessages > 0, "credit is given in whole messages")
        return Options(
            sendMessagesMax: creditMessages + 2, receiveMessagesMax: creditMessages + 2,
            frameBytesMax: (1 << 20) + (64 << 10), multipartBytesMax: 2 << 20,
            backlogConnectionsMax: 512, handshakeMillisecondsMax: 3_000,
            security: .curveServer(secretKey: secretKey, zapDomain: zapDomain))
    }

    /// DEALER, connected: a partner's end, slow to come back, for there may be thousands.
    package static func partnerClient(serverKey: PublicKey, keys: CurveKeys) -> Options {
        Options(
            sendMessagesMax: 64, receiveMessagesMax: 64, frameBytesMax: nil,
            reconnectMillisecondsMin: 1_000, reconnectMillisecondsMax: 15_000,
            security: .curveClient(serverKey: serverKey, keys: keys))
    }

    /// REP, bound: where libzmq asks who may come in.
    static let authenticator = Options(
        sendMessagesMax: 512, receiveMessagesMax: 512, frameBytesMax: nil,
        multipartFramesMax: 16, multipartBytesMax: 16 << 10)
}

/// Who may be at the other end of a socket, and how each proves it.
///
/// A CURVE server always has a domain and always enforces it. Either alone leaves the door open in
/// libzmq 4.3.4: without a domain a refusing handler is not asked, and without enforcement a
/// missing handler lets everybody in.
package struct Security: Sendable {
    enum Mechanism {
        case null
        case curveServer(SecretKey, zapDomain: String)
        case curveClient(serverKey: PublicKey, CurveKeys)
    }

    let mechanism: Mechanism

    /// Nobody proves anything: for ipc in a private folder, and for inproc.
    package static let none = Security(mechanism: .null)

    /// Peers prove their keys, and the `Authenticator` of this context decides about each.
    ///
    /// - Parameter zapDomain: What the authenticator is asked for: 1 to `zapDomainBytesMax` bytes.
    package static func curveServer(secretKey: SecretKey, zapDomain: String) -> Security {
        precondition(
            (1...Limits.zapDomainBytesMax).contains(zapDomain.utf8.count),
            "without a domain nobody would be asked")
        return Security(mechanism: .curveServer(secretKey, zapDomain: zapDomain))
    }

    /// The peer must own `serverKey`, and we prove that we own `keys`.
    package static func curveClient(serverKey: PublicKey, keys: CurveKeys) -> Security {
        Security(mechanism: .curveClient(serverKey: serverKey, keys))
    }

    /// Whether peers are known by their keys and traffic is sealed.
    var isSealed: Bool {
        switch mechanism {
        case .null: false
        case .curveServer, .curveClient: true
        }
    }

    /// Whether an authenticator names this socket's peers.
    var namesPeers: Bool {
        switch mechanism {
        case .curveServer: true
        case .null, .curveClient: false
        }
    }
}
