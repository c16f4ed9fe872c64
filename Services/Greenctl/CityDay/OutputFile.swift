import Glibc

/// A file that is written from its beginning to its end, through a buffer.
struct OutputFile: ~Copyable {
    private static let bufferBytesMax = 256 * 1024

    private let path: String
    private let descriptor: Int32
    /// What the next flush writes; callers append to it and then call `flushIfFull`.
    var buffer: [UInt8] = []

    /// Creates the file, or empties the one that is there.
    init(path: String) throws(FileFailure) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw FileFailure("create", path) }
        buffer.reserveCapacity(Self.bufferBytesMax + 64 * 1024)
        self.descriptor = descriptor
        self.path = path
    }

    deinit { close(descriptor) }

    mutating func write(line: String) throws(FileFailure) {
        buffer.append(contentsOf: line.utf8)
        buffer.append(UInt8(ascii: "\n"))
        try flushIfFull()
    }

    mutating func flushIfFull() throws(FileFailure) {
        if buffer.count >= Self.bufferBytesMax { try flush() }
    }

    /// Hands everything to the file system.
    ///
    /// A file that is dropped without it is incomplete.
    mutating func flush() throws(FileFailure) {
        var written = 0
        while written < buffer.count {
            let count = buffer.withUnsafeBytes { bytes in
                Glibc.write(
                    descriptor, bytes.baseAddress?.advanced(by: written), bytes.count - written)
            }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw FileFailure("write", path) }
            written += count
        }
        buffer.removeAll(keepingCapacity: true)
    }

    /// Makes `folder` and the folders above it, where they are missing.
    static func makeFolder(_ folder: String) throws(FileFailure) {
        var path = folder.hasPrefix("/") ? "/" : ""
        for part in folder.split(separator: "/") {
            path += part
            guard mkdir(path, 0o755) == 0 || errno == EEXIST else {
                throw FileFailure("create folder", path)
            }
            path += "/"
        }
    }
}
