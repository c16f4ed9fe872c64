internal import Glibc

/// The right to write to a store, held for as long as this value lives.
///
/// It is taken before any socket is bound: a second process would otherwise take over an ipc path
/// in silence. The kernel drops the lock with the process, however it ends.
final class StoreLock: Sendable {
    private let descriptor: Int32

    init(path: String) throws(StoreError) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw .lockFailed("\(path): \(String(cString: strerror(errno)))")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let reason = errno
            close(descriptor)
            throw reason == EWOULDBLOCK
                ? .locked(path) : .lockFailed("\(path): \(String(cString: strerror(reason)))")
        }
        self.descriptor = descriptor
    }

    deinit {
        // A child that is about to become another program still has a copy of the descriptor: to
        // close ours would not give the lock back.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }
}
