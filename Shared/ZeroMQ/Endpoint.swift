import CZeroMQ
import Glibc

/// Which endpoints this house speaks to, told before libzmq is asked.
///
/// libzmq's own answers to a bad one are late or dark: a mistyped address is looked up as a name,
/// again and again, by the I/O thread that all sockets share.
enum Endpoint {
    struct Refusal: Equatable {
        let code: Int32
        let reason: String
    }

    /// Why `endpoint` cannot be used, or nil.
    ///
    /// - Parameter isSealed: Whether the socket speaks CURVE, without which there is no tcp.
    static func refusal(of endpoint: String, isSealed: Bool) -> Refusal? {
        guard let (transport, address) = split(endpoint), !address.isEmpty else {
            return Refusal(code: EINVAL, reason: "an endpoint is TRANSPORT://ADDRESS")
        }
        if endpoint.utf8.contains(0) {
            return Refusal(code: EINVAL, reason: "an endpoint holds no zero byte")
        }
        switch transport {
        case "inproc":
            return nil
        case "ipc":
            return refusal(ofPath: address)
        case "tcp" where !isSealed:
            return Refusal(code: EPERM, reason: "tcp is spoken by sockets with CURVE only")
        case "tcp":
            return refusal(ofTCP: address)
        default:
            return Refusal(
                code: EPROTONOSUPPORT, reason: "only ipc, tcp and inproc are spoken here")
        }
    }

    private static func refusal(ofPath path: Substring) -> Refusal? {
        if path.utf8.count > Limits.ipcPathBytesMax {
            return Refusal(
                code: ENAMETOOLONG,
                reason: "the path has \(path.utf8.count) bytes, more than \(Limits.ipcPathBytesMax)"
            )
        }
        if path.hasPrefix("@") {
            return Refusal(
                code: EINVAL, reason: "an abstract ipc name has no folder to keep others out")
        }
        return nil
    }

    private static func refusal(ofTCP address: Substring) -> Refusal? {
        guard let colon = address.lastIndex(of: ":") else {
            return Refusal(code: EINVAL, reason: "a tcp address is HOST:PORT")
        }
        let host = address[..<colon]
        let port = address[address.index(after: colon)...]
        guard port == "*" || port.utf8.allSatisfy(isDigit) && UInt16(port) ?? 0 > 0 else {
            return Refusal(code: EINVAL, reason: "a tcp port is a number from 1 to 65535")
        }
        // What looks like an address must be one; otherwise it would be taken for a host's name.
        if host.isEmpty || host.utf8.allSatisfy({ isDigit($0) || $0 == UInt8(ascii: ".") }) {
            var parsed = in_addr()
            guard inet_pton(AF_INET, String(host), &parsed) == 1 else {
                return Refusal(code: EINVAL, reason: "\"\(host)\" is not an IPv4 address")
            }
        }
        return nil
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func split(_ endpoint: String) -> (Substring, Substring)? {
        guard let colon = endpoint.firstIndex(of: ":") else { return nil }
        let rest = endpoint[colon...]
        return rest.hasPrefix("://") ? (endpoint[..<colon], rest.dropFirst(3)) : nil
    }
}

extension ZeroMQError {
    init(during operation: Operation, _ refusal: Endpoint.Refusal) {
        self.init(during: operation, code: refusal.code, reason: refusal.reason)
    }
}
