import CZeroMQ

/// One frame, in libzmq's own memory, owned by one place at a time.
///
/// Move-only, because a bitwise copy of a `zmq_msg_t` would free its bytes twice. Up to 33 bytes
/// live inside the value itself, which is why no pointer to them ever leaves `withBytes`.
package struct Message: ~Copyable {
    private var raw: zmq_msg_t

    /// An empty frame, to receive into.
    package init() {
        raw = zmq_msg_t()
        zmq_msg_init(&raw)
    }

    /// A frame of `count` bytes that the caller fills; until then they are arbitrary.
    package init(count: Int) throws(ZeroMQError) {
        var raw = zmq_msg_t()
        guard zmq_msg_init_size(&raw, count) == 0 else {
            throw ZeroMQError(during: .allocateMessage)
        }
        self.raw = raw
    }

    package init(copying bytes: UnsafeRawBufferPointer) throws(ZeroMQError) {
        try self.init(count: bytes.count)
        withMutableBytes { $0.copyMemory(from: bytes) }
    }

    package init(copying bytes: [UInt8]) throws(ZeroMQError) {
        try self.init(count: bytes.count)
        withMutableBytes { $0.copyBytes(from: bytes) }
    }

    package init(copying text: String) throws(ZeroMQError) {
        try self.init(count: text.utf8.count)
        withMutableBytes { $0.copyBytes(from: text.utf8) }
    }

    deinit {
        // Closing changes the struct, and a deinitializer sees it immutable. The copy is the last
        // use of these bits.
        var raw = raw
        zmq_msg_close(&raw)
    }

    package var count: Int {
        withUnsafePointer(to: raw) { zmq_msg_size($0) }
    }

    /// Whether more frames of the same multipart follow this one.
    package var hasMore: Bool {
        withUnsafePointer(to: raw) { zmq_msg_more($0) != 0 }
    }

    /// Who the authenticator said the sender is; nil where peers are not authenticated.
    ///
    /// To be read from the payload's frame: in libzmq 4.3.4 a ROUTER's routing id frame may have
    /// lost it.
    package var userID: String? {
        withUnsafePointer(to: raw) { message in
            zmq_msg_gets(message, "User-Id").map { String(cString: $0) }
        }
    }

    /// A copy of the bytes.
    package var bytes: [UInt8] { withBytes { [UInt8]($0) } }

    /// Lends the bytes; the pointer is void afterwards.
    package func withBytes<Answer>(_ body: (UnsafeRawBufferPointer) -> Answer) -> Answer {
        withUnsafePointer(to: raw) { message in
            // `zmq_msg_data` takes a pointer to mutable for its callers' sake; it only reads.
            let start = zmq_msg_data(UnsafeMutablePointer(mutating: message))
            return body(UnsafeRawBufferPointer(start: start, count: zmq_msg_size(message)))
        }
    }

    /// Lends the bytes for filling; the pointer is void afterwards.
    package mutating func withMutableBytes(_ body: (UnsafeMutableRawBufferPointer) -> Void) {
        let start = zmq_msg_data(&raw)
        body(UnsafeMutableRawBufferPointer(start: start, count: zmq_msg_size(&raw)))
    }

    /// Takes the next frame from a socket, which frees the former content.
    ///
    /// Answers whether there was one; with -1, `errno` says why not.
    mutating func receive(from socket: UnsafeMutableRawPointer) -> Int32 {
        zmq_msg_recv(&raw, socket, ZMQ_DONTWAIT)
    }
}
