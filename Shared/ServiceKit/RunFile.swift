import Foundation
package import Storage

/// Who runs, and where it answers: `run/<service>.json`.
///
/// Tools and tests read nothing else.
package struct RunFile: Codable, Sendable, Equatable {
    package var service: String
    package var pid: Int32
    /// 16 hexadecimal digits, drawn anew by each start.
    package var boot: String
    package var stream: String
    package var endpoints: [String: String]

    package init(
        service: String, pid: Int32, boot: String, stream: String, endpoints: [String: String]
    ) {
        self.service = service
        self.pid = pid
        self.boot = boot
        self.stream = stream
        self.endpoints = endpoints
    }

    /// Writes the file in one step, so that a reader sees all of it or the former one.
    package func write(to folder: DataFolder) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        try encoder.encode(self).write(
            to: URL(filePath: folder.runFile(of: service)), options: .atomic)
    }

    /// What the service last wrote, or nil if it wrote nothing or left in order.
    package static func read(_ service: String, in folder: DataFolder) throws -> RunFile? {
        guard let contents = FileManager.default.contents(atPath: folder.runFile(of: service))
        else { return nil }
        return try JSONDecoder().decode(RunFile.self, from: contents)
    }

    package func remove(from folder: DataFolder) {
        // Gone already is as good as removed.
        try? FileManager.default.removeItem(atPath: folder.runFile(of: service))
    }
}
