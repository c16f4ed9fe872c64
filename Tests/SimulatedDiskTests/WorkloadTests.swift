import GRDB
import SimulatedDisk
import Streams
import StreamsTestKit
import TestKit
import Testing

/// The same SQL on a simulated disk and on a real one: the same answers.
struct WorkloadTests {
    @Test(arguments: 0..<12 as Range<UInt64>)
    func `whatever is asked, a simulated disk answers as a real one`(seed: UInt64) throws {
        let folder = try TemporaryFolder()
        let disk = SimulatedDisk()
        var workload = Workload(seed: seed)
        var simulated = try Session(path: disk.path("test.sqlite"))
        var real = try Session(path: folder.file("test.sqlite"))
        var errors = 0
        for number in 0..<250 {
            let step = workload.next()
            let answers = (try simulated.carryOut(step), try real.carryOut(step))
            if answers.0.first?.hasPrefix("error") ?? false { errors += 1 }
            try #require(answers.0 == answers.1, "seed \(seed), step \(number): \(step)")
        }
        // Neither nothing but failures nor none at all.
        #expect(errors > 5 && errors < 200)
        let check = Workload.Step.ask(connection: 0, "PRAGMA integrity_check")
        #expect(try simulated.carryOut(check) == ["\"ok\""])
        // And what is left on the disk is the same database to one who comes later.
        try simulated.close()
        try real.close()
        let all = Workload.Step.ask(connection: 1, "SELECT * FROM thing ORDER BY id")
        let answers = (try simulated.carryOut(all), try real.carryOut(all))
        #expect(answers.0 == answers.1)
    }
}

/// Statements drawn by chance for two connections to one database.
private struct Workload {
    enum Step {
        case ask(connection: Int, String)
        case reopen(connection: Int)
    }

    private var random: SplitMix64

    init(seed: UInt64) { random = SplitMix64(seed: seed) }

    mutating func next() -> Step {
        let connection = Int.random(in: 0...1, using: &random)
        let id = Int.random(in: 1...60, using: &random)
        let length = random.once(in: 10) ? 9_000 : Int.random(in: 0...300, using: &random)
        let text = "printf('%.\(length)c', '\(id)')"
        let sql =
            switch Int.random(in: 0..<20, using: &random) {
            case 0...4: "INSERT INTO thing (id, text) VALUES (\(id), \(text))"
            case 5...6: "INSERT OR REPLACE INTO thing (id, text) VALUES (\(id), \(text))"
            case 7...8: "UPDATE thing SET text = \(text) WHERE id % 7 = \(id % 7)"
            case 9: "DELETE FROM thing WHERE id > \(id)"
            case 10: "BEGIN \(random.once(in: 2) ? "IMMEDIATE" : "DEFERRED")"
            case 11...12: "COMMIT"
            case 13: "ROLLBACK"
            case 14: "SELECT count(*), sum(length(text)), sum(id) FROM thing"
            case 15: "SELECT id, length(text) FROM thing ORDER BY text, id"
            case 16: "PRAGMA wal_checkpoint(\(random.once(in: 2) ? "TRUNCATE" : "PASSIVE"))"
            case 17: random.once(in: 4) ? "VACUUM" : "PRAGMA cache_size = \(id % 8 + 1)"
            case 18:
                "PRAGMA journal_mode = "
                    + (["wal", "delete", "persist", "truncate"].randomElement(using: &random)
                        ?? "wal")
            default: ""
            }
        return sql.isEmpty ? .reopen(connection: connection) : .ask(connection: connection, sql)
    }
}

/// Two connections, and what they answer, errors included.
private struct Session {
    private let path: String
    private var connections: [DatabaseQueue?] = [nil, nil]

    init(path: String) throws {
        self.path = path
        _ = try carryOut(
            .ask(
                connection: 0,
                "CREATE TABLE thing (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT"))
    }

    mutating func carryOut(_ step: Workload.Step) throws -> [String] {
        switch step {
        case .reopen(let connection):
            try connections[connection]?.close()
            connections[connection] = nil
            return []
        case .ask(let connection, let sql):
            do {
                let queue = try connections[connection] ?? open()
                connections[connection] = queue
                return try queue.answer(to: sql)
            } catch let error as DatabaseError {
                return ["error \(error.extendedResultCode.rawValue)"]
            }
        }
    }

    private func open() throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        return try DatabaseQueue(path: path, configuration: configuration)
    }

    mutating func close() throws {
        for index in connections.indices { _ = try carryOut(.reopen(connection: index)) }
    }
}

extension DatabaseQueue {
    /// The rows as text; a transaction may be left open.
    fileprivate func answer(to sql: String) throws -> [String] {
        try unsafeReentrantWrite { database in
            try Row.fetchAll(database, sql: sql).map { row in
                row.databaseValues.map { "\($0)" }.joined(separator: "|")
            }
        }
    }
}
