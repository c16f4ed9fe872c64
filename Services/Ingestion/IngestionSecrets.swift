package import Crypto
import Glibc
package import Storage

/// The keys by which ingestion names residents, subjects and events.
///
/// They live in `keys/`, never in a store or a log. With another key every resident and every
/// earlier event would have another name, so the store keeps a `fingerprint` and a start compares.
package struct IngestionSecrets: Sendable {
    /// Of registration keys: `ResidentID(registrationKey:secret:)`.
    package let resident: SymmetricKey
    /// Of pairwise subjects that partners did not bring.
    package let subject: SymmetricKey
    /// Of the digests that tell events apart.
    package let event: SymmetricKey

    package static let keyByteCount = 32

    package init(resident: SymmetricKey, subject: SymmetricKey, event: SymmetricKey) {
        self.resident = resident
        self.subject = subject
        self.event = event
    }

    /// Loads the keys of `folder`, making those that are not there: at the first start.
    package static func establish(in folder: DataFolder) throws(SecretFileError) -> Self {
        Self(
            resident: try SecretFile(path: folder.key("resident.secret")).establish(),
            subject: try SecretFile(path: folder.key("subject.secret")).establish(),
            event: try SecretFile(path: folder.key("event.secret")).establish())
    }

    /// What the store remembers of the keys: 32 bytes that give nothing away.
    package var fingerprint: [UInt8] {
        var hash = SHA256()
        for key in [resident, subject, event] {
            let code = HMAC<SHA256>.authenticationCode(for: Array("fingerprint".utf8), using: key)
            code.withUnsafeBytes { hash.update(bufferPointer: $0) }
        }
        return Array(hash.finalize())
    }

    /// The pairwise subject under which `partner` knows `resident`, where none was imported.
    ///
    /// Base32 (RFC 4648, lower case, unpadded) of the first 20 bytes of
    /// HMAC-SHA256(subject key, partner ‖ 0 ‖ resident, 8 bytes big-endian): 32 characters.
    package func subject(of resident: Int64, for partner: String) -> String {
        var message = Array(partner.utf8)
        message.append(0)
        withUnsafeBytes(of: resident.bigEndian) { message.append(contentsOf: $0) }
        let code = HMAC<SHA256>.authenticationCode(for: message, using: subject)
        return base32(code.prefix(20))
    }

    private func base32(_ bytes: some Sequence<UInt8>) -> String {
        let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)
        var text: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            count += 8
            while count >= 5 {
                count -= 5
                text.append(alphabet[Int(bits >> UInt32(count) & 31)])
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}

/// A key in a file of its own: 64 hexadecimal digits and a newline, mode 0600.
private struct SecretFile {
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
        let digitCount = IngestionSecrets.keyByteCount * 2
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
        let digits = Array("0123456789abcdef".utf8)
        var line = key.withUnsafeBytes { bytes in
            bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        }
        line.append(0x0A)
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
