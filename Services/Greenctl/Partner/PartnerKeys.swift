import Foundation
import Glibc
import Ingestion
package import Storage
package import ZeroMQ

/// The key pairs of partners that this machine plays: `<folder>/<partner>.key`.
///
/// They stand apart from the deployment's own `keys/`: in earnest each lies with its partner.
package struct PartnerKeys {
    let folder: String

    package init(folder: String) { self.folder = folder }

    /// `<data>/partner-keys`.
    package init(of data: DataFolder) { folder = "\(data.path)/partner-keys" }

    /// The file of `partner`'s key pair, in the folder and nowhere else.
    ///
    /// Ids come out of files, too: one that is none, such as a path, would name any file there is.
    func file(of partner: String) throws -> KeyPairFile {
        guard PartnerID.isLegal(partner) else {
            throw Failure(.refused, "\"\(partner)\" is no partner's id: it has \(PartnerID.rule)")
        }
        return KeyPairFile(path: "\(folder)/\(partner).key")
    }

    /// The key pair of `partner`, which must be there.
    package func keys(of partner: String) throws -> CurveKeys {
        let file = try file(of: partner)
        guard let keys = try file.read() else {
            throw Failure(
                .configuration,
                "there is no key of \(partner) at \(file.path): `greenctl city load` makes those "
                    + "of a city, or name their folder with --keys")
        }
        return keys
    }
}

/// A partner's key pair in a file of two lines, public key and secret key, each Z85.
///
/// The form in which the partner's guide has a pair made; any language reads it in one line. It has
/// mode 0600 and never replaces another file: an overwritten key is a partner locked out.
struct KeyPairFile {
    let path: String

    /// The pair in the file, made if there is no file.
    ///
    /// A pair that is there is kept: an order that failed half-way can be given again.
    func establish() throws -> CurveKeys {
        if let keys = try read() { return keys }
        let keys: CurveKeys
        do {
            keys = try CurveKeys.generate()
        } catch {
            throw Failure(.configuration, "no key pair could be made: \(error)")
        }
        try write(keys)
        return keys
    }

    /// The pair in the file; nil if there is no file.
    func read() throws -> CurveKeys? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            if errno == ENOENT { return nil }
            throw failure("cannot be read")
        }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { throw failure("cannot be read") }
        guard status.st_mode & 0o077 == 0 else {
            throw Failure(
                .configuration,
                "\(path) holds a secret that others can read: `chmod 600` it, or make a new pair")
        }
        let lines = FileHandle(fileDescriptor: file, closeOnDealloc: false).readData(ofLength: 256)
            .split(whereSeparator: { $0 <= 0x20 }).map { String(decoding: $0, as: UTF8.self) }
        guard lines.count == 2, let secret = SecretKey(z85: lines[1]) else {
            throw Failure(
                .configuration,
                "\(path) is not a key pair: two lines, public key and secret key, each of Z85")
        }
        let keys = try CurveKeys(secretKey: secret)
        guard keys.publicKey.z85 == lines[0] else {
            throw Failure(.configuration, "the two keys in \(path) do not belong together")
        }
        return keys
    }

    private func write(_ keys: CurveKeys) throws {
        let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw failure("cannot be made") }
        defer { close(file) }
        let text = Array("\(keys.publicKey.z85)\n\(keys.secretKey.z85)\n".utf8)
        guard Glibc.write(file, text, text.count) == text.count, fsync(file) == 0 else {
            let failure = failure("cannot be written")
            // Half a pair would only be in the way.
            unlink(path)
            throw failure
        }
    }

    private func failure(_ what: String) -> Failure {
        Failure(.configuration, "\(path) \(what): \(String(cString: strerror(errno)))")
    }
}
