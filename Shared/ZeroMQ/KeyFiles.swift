import CZeroMQ
import Glibc

/// Keys in files: one line of Z85 each, so that any language and any shell can read them.
///
/// A secret's file has mode 0600, appears whole or not at all, and never replaces another: an
/// overwritten key is a partner locked out. The public half is not kept beside it as a second
/// truth; it follows from the secret.
extension CurveKeys {
    /// Loads the pair whose secret key is in the file at `path`.
    ///
    /// Refuses a file that others than its owner can read: such a secret may be known already.
    package static func load(from path: String) throws(ZeroMQError) -> CurveKeys {
        let text = try KeyFile.read(path, isSecret: true)
        guard let secretKey = SecretKey(z85: text) else { throw KeyFile.isMalformed(path) }
        return try CurveKeys(secretKey: secretKey)
    }

    /// Writes the secret key to a new file at `path`; one that is there already is `EEXIST`.
    package func save(to path: String) throws(ZeroMQError) {
        try KeyFile.write(secretKey.z85, to: path, replacing: false)
    }
}

extension PublicKey {
    /// Loads the public key from the file at `path`.
    package static func load(from path: String) throws(ZeroMQError) -> PublicKey {
        let text = try KeyFile.read(path, isSecret: false)
        guard let key = PublicKey(z85: text) else { throw KeyFile.isMalformed(path) }
        return key
    }

    /// Writes this key to the file at `path`, in place of what was there.
    package func save(to path: String) throws(ZeroMQError) {
        try KeyFile.write(z85, to: path, replacing: true)
    }
}

private enum KeyFile {
    static func isMalformed(_ path: String) -> ZeroMQError {
        ZeroMQError(
            during: .loadKey(path), code: EINVAL,
            reason: "the file does not hold one key of \(PublicKey.charactersCount) characters")
    }

    static func read(_ path: String, isSecret: Bool) throws(ZeroMQError) -> String {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw ZeroMQError(during: .loadKey(path)) }
        defer { close(file) }

        if isSecret {
            var status = stat()
            guard fstat(file, &status) == 0 else { throw ZeroMQError(during: .loadKey(path)) }
            guard status.st_mode & 0o077 == 0 else {
                throw ZeroMQError(
                    during: .loadKey(path), code: EPERM,
                    reason: "others can read this secret: make a new one, or chmod 600 it")
            }
        }
        var bytes = [UInt8](repeating: 0, count: Limits.keyFileBytesMax)
        let count = Glibc.read(file, &bytes, bytes.count)
        guard count >= 0 else { throw ZeroMQError(during: .loadKey(path)) }
        // No character of Z85 is white space.
        let key = bytes[..<count].drop(while: isSpace).reversed().drop(while: isSpace).reversed()
        return String(decoding: key, as: UTF8.self)
    }

    /// Writes a file beside `path`, and gives it that name when it is on disk.
    static func write(
        _ text: String, to path: String, replacing: Bool
    ) throws(ZeroMQError) {
        // Mode 0600 and O_EXCL are part of what mkstemp promises.
        var template = Array("\(path).XXXXXX".utf8CString)
        let file = mkstemp(&template)
        guard file >= 0 else { throw ZeroMQError(during: .saveKey(path)) }
        defer {
            close(file)
            // Where the file was renamed this finds nothing, and that is well.
            unlink(template)
        }

        let line = [UInt8]("\(text)\n".utf8)
        guard Glibc.write(file, line, line.count) == line.count, fsync(file) == 0,
            (replacing ? rename(template, path) : link(template, path)) == 0,
            syncFolder(of: path)
        else { throw ZeroMQError(during: .saveKey(path)) }
    }

    /// Makes the new name outlive a power failure.
    private static func syncFolder(of path: String) -> Bool {
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        let code = fsync(descriptor)
        let reason = errno
        close(descriptor)
        errno = reason
        return code == 0
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || (0x09...0x0d).contains(byte)
    }
}
