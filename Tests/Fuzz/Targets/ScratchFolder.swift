import Foundation
import Glibc

/// A folder for decoders that read files: one a process, in memory where the machine has that.
final class ScratchFolder: Sendable {
    let path: String

    static let shared = ScratchFolder()

    private init() {
        let parent =
            access("/dev/shm", W_OK) == 0 ? "/dev/shm" : FileManager.default.temporaryDirectory.path
        path = "\(parent)/greenseason-fuzz-\(getpid())"
        for folder in ["keys", "run", "partners", "city"] {
            try? FileManager.default.createDirectory(
                atPath: "\(path)/\(folder)", withIntermediateDirectories: true)
        }
        atexit { ScratchFolder.shared.remove() }
    }

    /// Writes a file that only its owner can read, and answers its path.
    @discardableResult
    func write(_ bytes: [UInt8], to name: String) -> String {
        let file = "\(path)/\(name)"
        let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0, Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
            violated("\(file) could not be written")
        }
        close(descriptor)
        return file
    }

    func remove() { try? FileManager.default.removeItem(atPath: path) }
}
