import CZeroMQ

/// What failed, why, and what was being done.
///
/// Expected answers (a full queue, an unknown peer, nothing to read) are values of their own and
/// never arrive here. libzmq keeps its reason in `errno`, which belongs to the thread and is lost
/// with the next call, so the initializer reads it before anything else.
package struct ZeroMQError: Error, Sendable, Equatable {
    /// What was being done.
    package enum Operation: Sendable, Equatable {
        case openContext
        case open(Socket.Kind)
        case setOption(Int32)
        case readOption(Int32)
        case bind(String)
        case connect(String)
        case subscribe
        case send(Socket.Kind)
        case receive(Socket.Kind)
        case allocateMessage
        case poll
        case openWakeUp
        case makeKeys
        case saveKey(String)
        case loadKey(String)
        case monitor
    }

    package let operation: Operation
    /// The value of `errno`, or of libzmq's own numbers above it, such as `ETERM`.
    package let code: Int32
    /// One line for people.
    package let reason: String

    /// The failure that the last call on this thread left in `errno`.
    init(during operation: Operation) {
        let code = zmq_errno()
        self.init(
            during: operation, code: code,
            reason: zmq_strerror(code).map { String(cString: $0) } ?? "unknown error")
    }

    /// A refusal of our own, told with the nearest `errno`.
    init(during operation: Operation, code: Int32, reason: String) {
        self.operation = operation
        self.code = code
        self.reason = reason
    }

    /// Whether the context was shut down: the owner should close its sockets and leave.
    package var isTermination: Bool { code == CZeroMQ.ETERM }
}

extension ZeroMQError: CustomStringConvertible {
    package var description: String { "\(operation) failed: \(reason) (\(code))" }
}

extension ZeroMQError.Operation: CustomStringConvertible {
    package var description: String {
        switch self {
        case .openContext: "opening the context"
        case .open(let kind): "opening a \(kind) socket"
        case .setOption(let option): "setting socket option \(option)"
        case .readOption(let option): "reading socket option \(option)"
        case .bind(let endpoint): "binding to \(endpoint)"
        case .connect(let endpoint): "connecting to \(endpoint)"
        case .subscribe: "subscribing"
        case .send(let kind): "sending on a \(kind) socket"
        case .receive(let kind): "receiving on a \(kind) socket"
        case .allocateMessage: "allocating a message"
        case .poll: "polling"
        case .openWakeUp: "opening a wake-up"
        case .makeKeys: "making keys"
        case .saveKey(let path): "saving the key \(path)"
        case .loadKey(let path): "loading the key \(path)"
        case .monitor: "watching a socket"
        }
    }
}
