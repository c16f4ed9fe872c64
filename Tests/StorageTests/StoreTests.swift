import Foundation
import GRDB
import Storage
import TestKit
import Testing

struct StoreTests {
    private let folder: TemporaryFolder
    private var path: String { folder.file("test.sqlite") }

    init() throws { folder = try TemporaryFolder() }

    private var migrations: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") {
            try $0.execute(sql: "CREATE TABLE thing (id INTEGER PRIMARY KEY, name TEXT) STRICT")
        }
        return migrator
    }

    private func pragma(_ name: String, of store: Store) throws -> String? {
        try store.writer.writeWithoutTransaction {
            try String.fetchOne($0, sql: "PRAGMA \(name)")
        }
    }

    private func insert(_ name: String, into store: Store) throws {
        try store.writer.write {
            try $0.execute(sql: "INSERT INTO thing (name) VALUES (?)", arguments: [name])
        }
    }

    private func count(_ database: Database) throws -> Int? {
        try Int.fetchOne(database, sql: "SELECT count(*) FROM thing")
    }

    @Test func `what is committed survives the loss of power`() throws {
        let store = try Store(path: path, migrations: migrations)
        #expect(try pragma("synchronous", of: store) == "2")
        #expect(try pragma("journal_mode", of: store) == "wal")
        #expect(
            try pragma("wal_autocheckpoint", of: store) == String(Store.Limits.checkpointPages))
        // And still after the connection was used: GRDB must not have set it back.
        try insert("a", into: store)
        #expect(try store.writer.read { try count($0) } == 1)
        #expect(try pragma("synchronous", of: store) == "2")
        try store.close()
    }

    @Test func `a large transaction is read back by other connections, whole`() throws {
        // Larger than what is kept before it is written, with pages that come back from the WAL in
        // the middle of it.
        let store = try Store(path: path, migrations: migrations)
        try store.writer.writeWithoutTransaction { try $0.execute(sql: "PRAGMA cache_size = 20") }
        let (rows, name) = (3_000, String(repeating: "n", count: 300))
        for round in 1...2 {
            try store.writer.write { database in
                for row in 0..<rows {
                    try database.cachedStatement(sql: "INSERT INTO thing (name) VALUES (?)")
                        .execute(arguments: [name])
                    guard row.isMultiple(of: 1_000) else { continue }
                    try database.execute(sql: "UPDATE thing SET name = name WHERE id % 97 = 5")
                }
            }
            let reader = try StoreReader(path: path)
            #expect(try reader.read { try count($0) } == round * rows)
            #expect(try store.writer.read { try count($0) } == round * rows)
            #expect(
                try reader.read { try String.fetchOne($0, sql: "PRAGMA integrity_check") } == "ok")
            try reader.close()
        }
    }

    @Test func `the WAL has its full length before the first commit and keeps it`() throws {
        let store = try Store(path: path, migrations: migrations)
        let length = try contents(path + "-wal").count
        #expect(length >= Store.Limits.checkpointPages * 4_096)
        for _ in 0..<20 { try insert("a", into: store) }
        #expect(try contents(path + "-wal").count == length)
        try store.close()
    }

    @Test func `readers see what was committed and cannot write`() throws {
        let store = try Store(path: path, migrations: migrations)
        try insert("a", into: store)
        #expect(try store.writer.read { try count($0) } == 1)
        #expect(throws: DatabaseError.self) {
            try store.writer.read { try $0.execute(sql: "DELETE FROM thing") }
        }
        #expect(try store.writer.read { try count($0) } == 1)
    }

    @Test func `a second owner is refused, and a later one let in`() throws {
        var store: Store? = try Store(path: path, migrations: migrations)
        #expect(throws: StoreError.locked(path + ".lock")) {
            _ = try Store(path: path, migrations: migrations)
        }
        try store?.close()
        store = nil
        let again = try Store(path: path, migrations: migrations)
        try again.close()
    }

    @Test func `a folder that is not there is an error that says so`() throws {
        let nowhere = folder.file("nowhere/test.sqlite")
        #expect {
            _ = try Store(path: nowhere, migrations: migrations)
        } throws: { error in
            guard case StoreError.lockFailed(let why) = error else { return false }
            return why.contains(nowhere)
        }
    }

    @Test func `migrations are applied once, and later ones to what is there`() throws {
        let first = try Store(path: path, migrations: migrations)
        try insert("kept", into: first)
        try first.close()
        var migrator = migrations
        migrator.registerMigration("2") {
            try $0.execute(sql: "ALTER TABLE thing ADD COLUMN weight INTEGER NOT NULL DEFAULT 5")
        }
        let copy = folder.file("copy.sqlite")
        try FileManager.default.copyItem(atPath: path, toPath: copy)
        for _ in 0..<2 {
            let store = try Store(path: copy, migrations: migrator)
            defer { try? store.close() }
            try store.writer.read { database in
                let row = try #require(
                    try Row.fetchOne(database, sql: "SELECT name, weight FROM thing"))
                #expect(row["name"] == "kept")
                #expect(row["weight"] == 5)
            }
        }
    }

    @Test func `a store of a later version is refused, and left as it is`() throws {
        var later = migrations
        later.registerMigration("2") { try $0.execute(sql: "CREATE TABLE more (id INTEGER)") }
        try Store(path: path, migrations: later).close()
        #expect(throws: StoreError.newer(path)) {
            _ = try Store(path: path, migrations: migrations)
        }
        try Store(path: path, migrations: later).close()
    }

    // MARK: Readers from outside

    @Test func `a reader from outside sees a live store and cannot touch it`() throws {
        let store = try Store(path: path, migrations: migrations)
        try insert("a", into: store)
        let reader = try StoreReader(path: path)
        #expect(try reader.read { try count($0) } == 1)
        #expect(try reader.read { try Int.fetchOne($0, sql: "PRAGMA query_only") } == 1)
        #expect(throws: DatabaseError.self) {
            try reader.read { try $0.execute(sql: "INSERT INTO thing (name) VALUES ('b')") }
        }
        try insert("c", into: store)
        #expect(try reader.read { try count($0) } == 2)
        try reader.close()
    }

    @Test func `a reader that is the last to close leaves the WAL as it is`() throws {
        // The store of a service that was killed: its files, copied while it had them open.
        let store = try Store(path: path, migrations: migrations)
        for _ in 0..<20 { try insert("a", into: store) }
        let copy = folder.file("killed.sqlite")
        for suffix in ["", "-wal"] {
            try FileManager.default.copyItem(atPath: path + suffix, toPath: copy + suffix)
        }
        let before = (try contents(copy), try contents(copy + "-wal"))
        #expect(!before.1.isEmpty)
        let reader = try StoreReader(path: copy)
        #expect(try reader.read { try count($0) } == 20)
        try reader.close()
        #expect(try contents(copy) == before.0)
        #expect(try contents(copy + "-wal") == before.1)
    }

    @Test func `the owner folds the WAL into the store when it closes`() throws {
        let store = try Store(path: path, migrations: migrations)
        try insert("a", into: store)
        #expect(try store.writer.read { try count($0) } == 1)
        try store.close()
        let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(Set(left) == ["test.sqlite", "test.sqlite.lock"])
    }

    private func contents(_ path: String) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: path))
    }
}

struct DataFolderTests {
    @Test func `everything of a deployment has one place`() {
        let folder = DataFolder("/city")
        #expect(folder.store(of: "scoring") == "/city/stores/scoring.sqlite")
        #expect(folder.runFile(of: "scoring") == "/city/run/scoring.json")
        #expect(
            folder.endpoint(of: "scoring", plane: "replay")
                == "ipc:///city/run/scoring.replay.ipc")
        #expect(folder.key("edge") == "/city/keys/edge")
        #expect(folder.log(of: "scoring") == "/city/log/scoring.log")
        #expect(folder.folders.count == 5)
        #expect(folder.folders.allSatisfy { $0.hasPrefix("/city") })
    }
}
