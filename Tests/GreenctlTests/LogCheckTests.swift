import Foundation
import GRDB
import Greenctl
import Messages
import Model
import Storage
import Streams
import SwiftProtobuf
import Testing
import Wire

/// A scoring store with a log of a few blocks, written by hand.
private struct WrittenLog {
    let bench: Bench
    var path: String { DataFolder(bench.folder).store(of: "scoring") }

    init(blocks: Int) throws {
        bench = try Bench()
        try FileManager.default.createDirectory(
            atPath: bench.folder + "/stores", withIntermediateDirectories: true)
        let store = try Store(path: path, migrations: StreamTables.migrations())
        try store.writer.write { database in
            var generator = SystemRandomNumberGenerator()
            let identity = try LogIdentity.establish(
                stream: .points, partitions: 1, using: &generator, in: database)
            var chain = Chain(log: identity.log, stream: .points, partition: 0)
            for number in 0..<blocks {
                var body: [UInt8] = []
                for place in 0..<3 {
                    var event = PointsEvent()
                    event.schema = 1
                    event.resident = 42
                    event.cause = UInt64(number * 3 + place + 1)
                    event.refused.reason = "no_method"
                    BlockBody.append(try event.serializedBytes(), to: &body)
                }
                let first = UInt64(number * 3 + 1)
                chain = chain.extended(first: first, count: 3, body: body)
                try database.execute(
                    sql: "INSERT INTO log_block VALUES (0, ?, 3, ?, 0, ?, 0, 0, ?)",
                    arguments: [
                        Int64(first), DatabaseBytes(chain.bytes), Int64(first) + 2,
                        DatabaseBytes(body),
                    ])
            }
        }
        try store.close()
    }

    func tamper(_ sql: String) throws {
        let queue = try DatabaseQueue(path: path)
        try queue.write { try $0.execute(sql: sql) }
        try queue.close()
    }
}

@Suite struct LogCheckTests {
    @Test func `a log that is as it was written holds`() throws {
        let log = try WrittenLog(blocks: 5)
        #expect(log.bench.run("stream", "verify", "scoring", "--json") == 0)
        #expect(log.bench.output.text.contains("\"blocks\":5"))
        #expect(log.bench.output.text.contains("\"sequence\":15"))
    }

    @Test(arguments: [
        ("UPDATE log_block SET body = zeroblob(length(body)) WHERE first = 7", "7", "chain"),
        ("DELETE FROM log_block WHERE first = 4", "7", "missing"),
        ("UPDATE log_block SET events = events + 1 WHERE first = 10", "10", "counts"),
        ("UPDATE log_block SET count = 4 WHERE first = 13", "13", "chain"),
    ])
    func `the first damaged block is named`(sql: String, place: String, why: String) throws {
        let log = try WrittenLog(blocks: 5)
        try log.tamper(sql)
        #expect(log.bench.run("stream", "verify", "scoring") == 1)
        #expect(log.bench.output.text.contains("✗ the block at \(place) "))
        #expect(log.bench.output.text.contains(why))
        #expect(log.bench.errors.text.contains("restore its store"))
    }

    @Test func `the tail of a stream is its last events, a JSON line each`() throws {
        let log = try WrittenLog(blocks: 5)
        #expect(log.bench.run("stream", "tail", "scoring", "--last", "2") == 0)
        let lines = log.bench.output.text.split(separator: "\n").map(String.init)
        #expect(lines.count == 2)
        #expect(lines[0].contains("\"sequence\":14,"))
        #expect(lines[1].contains("\"cause\":\"15\""))
        #expect(log.bench.run("stream", "tail", "scoring", "--from", "5") == 0)
        #expect(log.bench.output.text.split(separator: "\n").count == 2 + 11)
    }

    @Test func `a store that is not there is bad configuration`() throws {
        let bench = try Bench()
        #expect(bench.run("stream", "verify", "rewards") == 78)
        #expect(bench.errors.text.contains("--data"))
    }
}
