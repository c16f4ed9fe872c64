import Foundation

/// Files of the repository that seeds are taken from.
enum SeedFiles {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static func bytes(_ path: String) throws -> [UInt8] {
        Array(try Data(contentsOf: root.appendingPathComponent(path)))
    }

    /// The lines of a file without their line feeds, at most `most`, spread over the whole of it.
    static func lines(_ path: String, most: Int) throws -> [[UInt8]] {
        let lines = try bytes(path).split(separator: UInt8(ascii: "\n")).map(Array.init)
        let step = max(1, lines.count / most)
        return stride(from: 0, to: lines.count, by: step).map { lines[$0] }
    }

    static let day = "Tests/Streams/edges-of-validation/day.jsonl"

    /// Events of a recorded day, as partners would send them.
    static func events(most: Int) throws -> [[UInt8]] {
        try lines(day, most: most).compactMap { line in
            let text = String(decoding: line, as: UTF8.self)
            guard text.hasPrefix("{\"partner\""), let start = text.range(of: "\"event\":") else {
                return nil
            }
            return Array(text[start.upperBound...].dropLast().utf8)
        }
    }
}
