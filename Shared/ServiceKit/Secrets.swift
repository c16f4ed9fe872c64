package import Crypto
import Glibc
package import Storage
import Streams

/// Keys that a deployment keeps in `keys/`, never in a store or a log.
package struct Secrets: Sendable {
    private let folder: DataFolder

    package init(folder: DataFolder) { self.folder = folder }

    /// The 256 random bits called `name`, made by the first start that asks for them.
    package func key(_ name: String) throws(SecretFileError) -> SymmetricKey {
        try SecretFile(path: folder.key(name)).establish()
    }
}

/// A key in a file of its own: 64 hexadecimal digits and a newline, mode 0600.
private struct SecretFile {
    static let keyByteCount = 32

    var path: String

    func establish() throws(SecretFileError) -> SymmetricKey {
        if let key = try load() { return key }
        try create(SymmetricKey(size: .bits256))
        // Of two that create at once, one wins, and both use what is there.
        guard let key = try load() else { throw SecretFileError(path, "vanished") }
        return key
    }

    private func load() throws(SecretFileError) -> SymmetricKey? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            if errno == ENOENT { return nil }
            throw SecretFileError(path, String(cString: strerror(errno)))
        }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & 0o077 == 0 else {
            throw SecretFileError(path, "others can read this secret; chmod 600 it")
        }
        let digitCount = Self.keyByteCount * 2
        var text = [UInt8](repeating: 0, count: digitCount + 2)
        let count = read(file, &text, text.count)
        guard count == digitCount || (count == digitCount + 1 && text[digitCount] == 0x0A) else {
            throw SecretFileError(path, "does not hold \(digitCount) hexadecimal digits")
        }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digitCount, by: 2) {
            guard let high = Self.digit(text[index]), let low = Self.digit(text[index + 1]) else {
                throw SecretFileError(path, "does not hold \(digitCount) hexadecimal digits")
            }
            bytes.append(high << 4 | low)
        }
        return SymmetricKey(data: bytes)
    }

    /// Writes the file whole under a name of its own, and only then gives it its name.
    private func create(_ key: SymmetricKey) throws(SecretFileError) {
        let line = Array((key.withUnsafeBytes { $0.hexadecimal } + "\n").utf8)
        // Mode 0600 and O_EXCL are part of what mkstemp promises.
        var template = Array("\(path).XXXXXX".utf8CString)
        let file = mkstemp(&template)
        guard file >= 0 else { throw SecretFileError(path, String(cString: strerror(errno))) }
        defer {
            close(file)
            unlink(template)
        }
        guard write(file, line, line.count) == line.count, fsync(file) == 0,
            link(template, path) == 0 || errno == EEXIST, Self.syncFolder(of: path)
        else { throw SecretFileError(path, String(cString: strerror(errno))) }
    }

    /// Makes the new name outlive a power failure: the store is worth nothing without its keys.
    private static func syncFolder(of path: String) -> Bool {
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return fsync(descriptor) == 0
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}

/// Why a key cannot be had: one line for the operator.
package struct SecretFileError: Error, Equatable, CustomStringConvertible {
    package var path: String
    package var reason: String

    init(_ path: String, _ reason: String) {
        self.path = path
        self.reason = reason
    }

    package var description: String { "\(path): \(reason)" }
}
