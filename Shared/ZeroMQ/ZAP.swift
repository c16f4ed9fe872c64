/// The ZeroMQ Authentication Protocol (zeromq RFC 27) as values: frames in, frames out.
///
/// For each CURVE handshake libzmq asks, over inproc, whether the client may come in:
///
///     request: version "1.0" | request id | domain | address | routing id | mechanism | key (32)
///     reply:   version "1.0" | request id | status | text | user id | metadata
///
/// Only CURVE is ever allowed. NULL proves nothing, PLAIN proves it in the clear, and libzmq 4.3.4
/// can ignore a denial of GSSAPI.
package struct ZAPRequest: Sendable, Equatable {
    package let requestID: [UInt8]
    package let domain: String
    package let address: String
    package let mechanism: String
    package let credentials: [[UInt8]]

    /// The request in `frames`, or nil if they are not a ZAP 1.0 request.
    package init?(frames: [[UInt8]]) {
        guard frames.count >= 6, frames[0] == ZAPReply.version else { return nil }
        requestID = frames[1]
        domain = String(decoding: frames[2], as: UTF8.self)
        address = String(decoding: frames[3], as: UTF8.self)
        mechanism = String(decoding: frames[5], as: UTF8.self)
        credentials = Array(frames[6...])
    }

    /// The key that the client has proved to own; nil if it did not speak CURVE.
    package var publicKey: PublicKey? {
        guard mechanism == "CURVE", credentials.count == 1 else { return nil }
        return PublicKey(bytes: credentials[0])
    }
}

/// What the authenticator says about a client.
package struct ZAPReply: Sendable, Equatable {
    package enum Status: Int, Sendable {
        case allowed = 200
        /// The client may try again, and does, after its handshake timed out.
        case tryAgain = 300
        /// The client is told, and never comes back by itself.
        case denied = 400
        case failed = 500
    }

    static let version = [UInt8]("1.0".utf8)

    package let requestID: [UInt8]
    package let status: Status
    package let userID: String

    /// What is answered to `frames`, when `decide` rules about a key in a domain.
    package init(
        to frames: [[UInt8]],
        deciding decide: (PublicKey, _ domain: String) -> Authenticator.Verdict
    ) {
        guard let request = ZAPRequest(frames: frames) else {
            requestID = frames.count > 1 ? frames[1] : []
            status = .failed
            userID = ""
            return
        }
        requestID = request.requestID
        guard let key = request.publicKey else {
            status = .denied
            userID = ""
            return
        }
        switch decide(key, request.domain) {
        case .allow(let userID):
            // The id comes back as a C string: after a zero it would be somebody else's.
            precondition(
                (1...Limits.userIDBytesMax).contains(userID.utf8.count) && !userID.utf8.contains(0),
                "a user id is neither empty nor long, and holds no zero")
            status = .allowed
            self.userID = userID
        case .deny:
            status = .denied
            userID = ""
        case .tryAgain:
            status = .tryAgain
            userID = ""
        }
    }

    package var frames: [[UInt8]] {
        [
            Self.version, requestID, [UInt8](String(status.rawValue).utf8), [],
            [UInt8](userID.utf8), [],
        ]
    }
}
