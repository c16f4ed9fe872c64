import Foundation
import GRDB
import Scoring
import SimulatedDisk
import Storage
import Streams
import Testing

/// What it costs; run with `GREENSEASON_MEASURE=1`.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["GREENSEASON_MEASURE"] != nil))
struct Measurements {
    private func time(_ what: String, _ times: Int, _ body: () throws -> Void) rethrows {
        let took = try ContinuousClock().measure { for _ in 0..<times { try body() } }
        print("\(what): \(took / times) each")
    }

    private var migrations: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        StreamTables.register(in: &migrator)
        ScoringStore.register(in: &migrator)
        return migrator
    }

    private func commit(_ store: Store) throws {
        try store.writer.write {
            try $0.execute(
                sql: "INSERT INTO word (text) VALUES (hex(randomblob(200)))")
        }
    }

    @Test func `a store on a simulated disk and on a real one`() throws {
        try time("create a simulated store", 200) {
            let disk = SimulatedDisk()
            _ = try Store(
                writer: try Store.connect(path: disk.path("t.sqlite")), migrations: migrations)
        }
        let disk = SimulatedDisk()
        try time("reopen a killed simulated store", 200) {
            disk.kill()
            _ = try Store(
                writer: try Store.connect(path: disk.path("t.sqlite")), migrations: migrations)
        }
        let store = try Store(
            writer: try Store.connect(path: disk.path("t.sqlite")), migrations: migrations)
        for _ in 0..<8 {
            try time("commit on a simulated disk", 500) { try commit(store) }
        }
        print(disk.operations, disk.bytesOnDisk)
        let folder = try TemporaryFolder()
        try time("create a real store", 20) {
            _ = try Store(path: folder.file(UUID().uuidString), migrations: migrations)
        }
        let real = try Store(path: folder.file("t.sqlite"), migrations: migrations)
        try time("commit on a real disk", 500) { try commit(real) }
        let memory = try Store.inMemory(migrations: migrations)
        try time("commit in memory", 5_000) { try commit(memory) }
    }
}

/// A folder of this test's own.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/gs-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw POSIXError(.EIO) }
        path = template.withUnsafeBytes { String(decoding: $0.dropLast(), as: UTF8.self) }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { "\(path)/\(name)" }
}
