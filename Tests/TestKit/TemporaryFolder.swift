import Foundation

/// A folder of one test's own, with a path short enough for an ipc endpoint.
package final class TemporaryFolder: Sendable {
    package let path: String

    package init() throws {
        var template = Array("/tmp/gs-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw POSIXError(.EIO) }
        path = template.withUnsafeBytes { String(decoding: $0.dropLast(), as: UTF8.self) }
    }

    deinit {
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            print("left behind: \(path): \(error)")
        }
    }

    package func file(_ name: String) -> String { "\(path)/\(name)" }
    package func endpoint(_ name: String) -> String { "ipc://\(path)/\(name)" }
}
