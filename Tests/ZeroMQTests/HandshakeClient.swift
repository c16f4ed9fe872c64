import CZeroMQ
import Foundation
import ZeroMQ

/// A DEALER made with nothing but libzmq's own functions, which tells what its handshakes came to.
///
/// The module has no socket monitors: one that is not read can stall the I/O thread. A test
/// needs them, because only they show that a client was turned away and did not merely wait. And
/// it needs to be what our own types cannot express, such as a client without CURVE.
///
/// It lives in a context of its own, which is never terminated (libzmq #4242).
final class HandshakeClient {
    private static let context = RawContext()

    private let socket: UnsafeMutableRawPointer
    private let monitor: UnsafeMutableRawPointer

    /// Opens a client; without keys it speaks the NULL mechanism.
    init(keys: CurveKeys?, serverKey: PublicKey?) throws {
        guard let socket = zmq_socket(Self.context.handle, ZMQ_DEALER),
            let monitor = zmq_socket(Self.context.handle, ZMQ_PAIR)
        else { throw POSIXError(.EMFILE) }
        self.socket = socket
        self.monitor = monitor

        var none: Int32 = 0
        var soon: Int32 = 20
        zmq_setsockopt(socket, ZMQ_LINGER, &none, 4)
        zmq_setsockopt(socket, ZMQ_RECONNECT_IVL, &soon, 4)
        zmq_setsockopt(monitor, ZMQ_LINGER, &none, 4)
        if let keys, let serverKey {
            zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, serverKey.bytes, 32)
            zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, keys.publicKey.bytes, 32)
            zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, keys.secretKey.z85, 41)
        }
        let endpoint = "inproc://monitor-\(UUID())"
        guard zmq_socket_monitor(socket, endpoint, ZMQ_EVENT_ALL) == 0,
            zmq_connect(monitor, endpoint) == 0
        else { throw POSIXError(.EINVAL) }
    }

    deinit {
        // First, because the I/O thread waits for ever to tell a monitor that has left.
        zmq_socket_monitor(socket, nil, 0)
        zmq_close(socket)
        zmq_close(monitor)
    }

    func connect(to endpoint: String) throws {
        guard zmq_connect(socket, endpoint) == 0 else { throw POSIXError(.EINVAL) }
    }

    func send(_ text: String) throws {
        guard zmq_send(socket, text, text.utf8.count, ZMQ_DONTWAIT) >= 0 else {
            throw POSIXError(.EAGAIN)
        }
    }

    /// What happened next, if anything did yet.
    func nextEvent() -> Event? {
        var frame = [UInt8](repeating: 0, count: 256)
        guard zmq_recv(monitor, &frame, frame.count, ZMQ_DONTWAIT) == 6 else { return nil }
        let number = frame.withUnsafeBytes { $0.loadUnaligned(as: UInt16.self) }
        let value = frame.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 2, as: Int32.self) }
        zmq_recv(monitor, &frame, frame.count, 0)
        return Event(number: Int32(number), value: value)
    }

    struct Event {
        let number: Int32
        let value: Int32

        var isFailure: Bool {
            [
                ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL,
                ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, ZMQ_EVENT_DISCONNECTED,
            ].contains(number)
        }

        var isSuccess: Bool { number == ZMQ_EVENT_HANDSHAKE_SUCCEEDED }
        var isRetry: Bool { number == ZMQ_EVENT_CONNECT_RETRIED }
    }

    private final class RawContext: Sendable {
        nonisolated(unsafe) let handle = zmq_ctx_new()
    }
}
