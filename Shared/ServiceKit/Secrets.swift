import Crypto
import Foundation
package import Storage
import Streams

/// Keys that a deployment keeps in `keys/`, never in a store or a log.
package struct Secrets: Sendable {
    private let folder: DataFolder

    package init(folder: DataFolder) { self.folder = folder }

    /// The 32 random bytes called `name`, made by the first start that asks for them.
    ///
    /// The file holds 64 hexadecimal digits and is readable by its owner alone.
    package func bytes(_ name: String) throws -> [UInt8] {
        let path = folder.key(name)
        if let contents = FileManager.default.contents(atPath: path) {
            let text = String(decoding: contents, as: UTF8.self)
                .trimmingCharacters(in: .whitespacesAndNewlines)
            guard let bytes = Self.bytes(hexadecimal: text), bytes.count == 32 else {
                throw ConfigurationProblem("\(path) does not hold 64 hexadecimal digits")
            }
            return bytes
        }
        let bytes = SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) }
        let text = bytes.hexadecimal
        let made = FileManager.default.createFile(
            atPath: path, contents: Data((text + "\n").utf8),
            attributes: [.posixPermissions: 0o600])
        guard made else { throw ConfigurationProblem("\(path) cannot be written") }
        return bytes
    }

    private static func bytes(hexadecimal text: String) -> [UInt8]? {
        let digits = text.utf8.compactMap { digit in
            Character(UnicodeScalar(digit)).hexDigitValue.map(UInt8.init)
        }
        guard digits.count == text.utf8.count, digits.count.isMultiple(of: 2) else { return nil }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
}
