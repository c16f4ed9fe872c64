package import Crypto
package import ServiceKit
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

    package init(resident: SymmetricKey, subject: SymmetricKey, event: SymmetricKey) {
        self.resident = resident
        self.subject = subject
        self.event = event
    }

    /// Loads the keys of `folder`, making those that are not there: at the first start.
    package static func establish(in folder: DataFolder) throws(SecretFileError) -> Self {
        let secrets = Secrets(folder: folder)
        return Self(
            resident: try secrets.key("resident.secret"),
            subject: try secrets.key("subject.secret"), event: try secrets.key("event.secret"))
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
