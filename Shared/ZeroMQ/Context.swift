import CZeroMQ

/// The process's one ZeroMQ context: its I/O thread and everything sockets share.
///
/// One a process, because in libzmq 4.3.4 a context that terminates can close the random source
/// under another one that speaks CURVE (libzmq #4242). One I/O thread carries about 1 GB/s, more
/// than two cores can fill.
///
/// Terminating a context waits for its sockets, so a forgotten one would hang the process. Here the
/// order holds by construction: every socket keeps its context alive, and the context terminates
/// when the last of them and the last other holder let go.
package final class Context: @unchecked Sendable {
    // Unchecked, because a raw pointer is not Sendable; libzmq's contexts are thread-safe, and the
    // pointer never changes.
    let handle: UnsafeMutableRawPointer

    /// Opens a context for at most `socketsMax` sockets at a time.
    ///
    /// A closing socket counts until libzmq's reaper has taken it, hence the ample default.
    package init(socketsMax: Int32 = 256) throws(ZeroMQError) {
        precondition(socketsMax > 0, "a context without sockets is of no use")
        guard let handle = zmq_ctx_new() else { throw ZeroMQError(during: .openContext) }
        for (option, value) in [
            (ZMQ_IO_THREADS, 1),
            (ZMQ_MAX_SOCKETS, socketsMax),
            // Sockets of this context discard what they have not sent when they close.
            (CZeroMQ.ZMQ_BLOCKY, 0),
        ] where zmq_ctx_set(handle, option, value) != 0 {
            let error = ZeroMQError(during: .openContext)
            zmq_ctx_term(handle)
            throw error
        }
        self.handle = handle
    }

    deinit {
        while zmq_ctx_term(handle) != 0, zmq_errno() == EINTR {}
    }

    /// Ends every blocking call on this context's sockets, from any thread.
    ///
    /// From then on polls answer `terminated` and sockets can only be closed.
    package func shutdown() {
        zmq_ctx_shutdown(handle)
    }
}
