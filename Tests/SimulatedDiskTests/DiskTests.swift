import GRDB
import SimulatedDisk
import Storage
import Streams
import Testing

/// The disk itself, seen through SQL: what it keeps, what it loses, and what it refuses.
struct DiskTests {
    private let disk = SimulatedDisk()

    /// The journals that SQLite knows; our stores use the last.
    static let journals = ["delete", "truncate", "persist", "wal"]

    private func open(
        journal: String = "wal", synchronous: String = "EXTRA", on disk: SimulatedDisk? = nil
    ) throws -> DatabaseQueue {
        let queue = try DatabaseQueue(path: (disk ?? self.disk).path("test.sqlite"))
        try queue.writeWithoutTransaction {
            try $0.execute(sql: "PRAGMA journal_mode = \(journal)")
            try $0.execute(sql: "PRAGMA synchronous = \(synchronous)")
            try $0.execute(
                sql: "CREATE TABLE IF NOT EXISTS thing (id INTEGER PRIMARY KEY, text TEXT) STRICT")
        }
        return queue
    }

    private func insert(_ count: Int, into queue: DatabaseQueue) throws {
        try queue.write { database in
            for _ in 0..<count {
                try database.execute(
                    sql: "INSERT INTO thing (text) VALUES (?)",
                    arguments: [String(repeating: "x", count: 700)])
            }
        }
    }

    private func count(_ queue: DatabaseQueue) throws -> Int {
        try queue.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM thing") ?? 0 }
    }

    private func isSound(_ queue: DatabaseQueue) throws -> Bool {
        try queue.read { try String.fetchOne($0, sql: "PRAGMA integrity_check") } == "ok"
    }

    // MARK: What is kept

    @Test(arguments: journals)
    func `what was synced survives the loss of power`(journal: String) throws {
        for seed in 0..<30 as Range<UInt64> {
            let disk = SimulatedDisk()
            var random = SplitMix64(seed: seed)
            var safe = 0
            for _ in 0..<4 {
                let queue = try open(journal: journal, on: disk)
                let found = try count(queue)
                #expect(found == safe || found == safe + 5, "seed \(seed)")
                #expect(try isSound(queue), "seed \(seed)")
                try insert(1, into: queue)
                safe = found + 1
                // Something is under way when the power fails.
                try queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA cache_size = 2") }
                disk.dieAfter(writes: .random(in: 1...20, using: &random))
                while !disk.hasDied {
                    if (try? insert(5, into: queue)) != nil { safe += 5 }
                }
                disk.losePower(using: &random)
            }
        }
    }

    @Test func `what was not synced is kept, lost or torn`() throws {
        var sum = PowerLoss()
        var counts: Set<Int> = []
        for seed in 0..<100 as Range<UInt64> {
            let disk = SimulatedDisk()
            let queue = try open(on: disk)
            try queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = OFF") }
            for _ in 0..<5 { try insert(1, into: queue) }
            var random = SplitMix64(seed: seed)
            let loss = disk.losePower(using: &random)
            sum.add(loss)
            counts.insert(try count(try open(on: disk)))
        }
        #expect(sum.kept > 0 && sum.torn > 0 && sum.lost > 0)
        #expect(counts.isSuperset(of: [0, 1, 2, 3, 4, 5]))
    }

    @Test func `a file whose folder was not synced may be gone`() throws {
        var there = 0
        for seed in 0..<40 as Range<UInt64> {
            let disk = SimulatedDisk()
            _ = try open(journal: "delete", synchronous: "OFF", on: disk)
            var random = SplitMix64(seed: seed)
            disk.losePower(using: &random)
            if disk.files.contains("test.sqlite") { there += 1 }
        }
        #expect(there > 0 && there < 40)
    }

    @Test(arguments: journals)
    func `a process that dies loses nothing that it wrote`(journal: String) throws {
        let queue = try open(journal: journal)
        try queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = OFF") }
        try insert(3, into: queue)
        disk.kill()
        #expect(try count(try open(journal: journal)) == 3)
        #expect(throws: DatabaseError.self) { try insert(1, into: queue) }
        try queue.close()
        #expect(try count(try open(journal: journal)) == 3)
    }

    @Test(arguments: journals)
    func `a process may die in any write of a commit, and half of it is never there`(
        journal: String
    ) throws {
        let queue = try open(journal: journal)
        try insert(2, into: queue)
        try queue.close()
        let before = disk.backup()
        for kept in [0, 100, 600] {
            var writes = 1
            var results: Set<Int> = []
            while true {
                disk.restore(before)
                let queue = try open(journal: journal)
                disk.dieAfter(writes: writes, keeping: kept)
                let isDone = (try? insert(10, into: queue)) != nil
                disk.kill()
                let again = try open(journal: journal)
                let count = try count(again)
                #expect(count == (isDone ? 12 : count == 2 ? 2 : 12))
                #expect(try isSound(again))
                results.insert(count)
                if isDone { break }
                writes += 1
            }
            #expect(results == [2, 12])
            #expect(writes > 4)
        }
    }

    @Test func `a backup is the disk at its moment`() throws {
        let queue = try open()
        try insert(2, into: queue)
        let image = disk.backup()
        try insert(3, into: queue)
        disk.restore(image)
        #expect(throws: DatabaseError.self) { try insert(1, into: queue) }
        #expect(try count(try open()) == 2)
        let other = SimulatedDisk()
        other.restore(image)
        #expect(other.backup() == image)
        #expect(try count(try open(on: other)) == 2)
    }

    @Test func `a disk that lies loses what it said was safe`() throws {
        disk.lies = true
        let queue = try open()
        try insert(3, into: queue)
        var random = SplitMix64(seed: 1)
        disk.losePower(using: &random)
        #expect(try count(try open()) < 3)
    }

    // MARK: What is refused

    @Test(arguments: journals)
    func `a full disk says so, and goes on when it has room`(journal: String) throws {
        let queue = try open(journal: journal)
        try insert(1, into: queue)
        disk.capacity = disk.bytesOnDisk + 10_000
        let error = #expect(throws: DatabaseError.self) { try insert(100, into: queue) }
        #expect(error?.resultCode == .SQLITE_FULL)
        #expect(disk.bytesOnDisk <= disk.capacity ?? 0)
        #expect(try count(queue) == 1)
        disk.capacity = nil
        try insert(100, into: queue)
        #expect(try count(queue) == 101)
        #expect(try isSound(queue))
    }

    @Test(arguments: journals)
    func `any operation of a commit may fail, and nothing has happened then`(
        journal: String
    ) throws {
        for operation in [SimulatedDisk.Operation.write, .sync, .truncate, .delete, .open] {
            let disk = SimulatedDisk()
            let queue = try open(journal: journal, on: disk)
            try insert(2, into: queue)
            var failing = 1
            while true {
                var left = failing
                disk.judge = { asked, _ in
                    guard asked == operation else { return .go }
                    left -= 1
                    return left == 0 ? .fail(.inputOutput) : .go
                }
                let before = try count(queue)
                let isDone = (try? insert(1, into: queue)) != nil
                disk.judge = nil
                let after = try count(queue)
                // With other journals SQLite may report the failure of what follows the commit.
                let mayBeDone = isDone || journal != "wal" && after == before + 1
                #expect(after == before + (mayBeDone ? 1 : 0), "\(operation) \(failing)")
                if left > 0 { break }
                failing += 1
            }
            #expect(try isSound(queue))
        }
    }

    @Test func `reading may fail as well`() throws {
        let queue = try open()
        try insert(1, into: queue)
        disk.kill()
        disk.judge = { operation, file in
            operation == .read && file == "test.sqlite-wal" ? .fail(.inputOutput) : .go
        }
        #expect(throws: DatabaseError.self) { try open() }
        disk.judge = nil
        #expect(try count(try open()) == 1)
    }

    @Test func `operations are counted`() throws {
        let queue = try open()
        let before = disk.operations
        try insert(1, into: queue)
        let after = disk.operations
        #expect((after[.sync] ?? 0) - (before[.sync] ?? 0) == 1)
        #expect((after[.write] ?? 0) > (before[.write] ?? 0))
    }

    // MARK: Who may write

    @Test(arguments: journals)
    func `two connections keep each other from writing`(journal: String) throws {
        let one = try open(journal: journal)
        let other = try open(journal: journal)
        try one.writeWithoutTransaction { first in
            try first.execute(sql: "BEGIN IMMEDIATE; INSERT INTO thing (text) VALUES ('a')")
            #expect(try count(other) == 0)
            let error = #expect(throws: DatabaseError.self) {
                try other.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
            }
            #expect(error?.resultCode == .SQLITE_BUSY)
            try first.execute(sql: "COMMIT")
        }
        #expect(try count(other) == 1)
        try insert(1, into: other)
        #expect(try count(one) == 2)
    }

    @Test func `a reader keeps its snapshot while another connection writes`() throws {
        let one = try open()
        let other = try open()
        try insert(1, into: one)
        try other.read { database in
            let count = { try Int.fetchOne(database, sql: "SELECT count(*) FROM thing") }
            #expect(try count() == 1)
            try insert(1, into: one)
            #expect(try count() == 1)
        }
        #expect(try count(other) == 2)
    }

    @Test func `without a WAL a reader keeps the writer waiting`() throws {
        let one = try open(journal: "delete")
        let other = try open(journal: "delete")
        try other.read { database in
            let before = try Int.fetchOne(database, sql: "SELECT count(*) FROM thing")
            #expect(before == 0)
            #expect(throws: DatabaseError.self) { try insert(1, into: one) }
        }
        try insert(1, into: one)
    }

    @Test func `who waits for a lock does so in the disk's own time`() throws {
        var configuration = Configuration()
        configuration.busyMode = .timeout(60)
        let one = try open()
        let patient = try DatabaseQueue(
            path: disk.path("test.sqlite"), configuration: configuration)
        try one.writeWithoutTransaction { database in
            try database.execute(sql: "BEGIN IMMEDIATE")
            #expect(throws: DatabaseError.self) {
                try patient.write { try $0.execute(sql: "DELETE FROM thing") }
            }
            try database.execute(sql: "COMMIT")
        }
        #expect(disk.microsecondsSlept >= 59_000_000)
    }

    @Test func `disks know nothing of each other, and nobody finds one that is gone`() throws {
        let other = SimulatedDisk()
        try insert(1, into: try open())
        #expect(try count(try open(on: other)) == 0)
        var gone: SimulatedDisk? = SimulatedDisk()
        let path = try #require(gone?.path("test.sqlite"))
        gone = nil
        #expect(throws: DatabaseError.self) { try DatabaseQueue(path: path) }
    }
}
