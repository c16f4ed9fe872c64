import GRDB
import Storage
import Testing

struct DatabaseBytesTests {
    private func roundTrip(_ bytes: [UInt8]) throws -> (type: String?, bytes: [UInt8]?) {
        try DatabaseQueue().write { database in
            try database.execute(sql: "CREATE TABLE t (b BLOB NOT NULL) STRICT")
            try database.cachedStatement(sql: "INSERT INTO t (b) VALUES (?)")
                .execute(arguments: [DatabaseBytes(bytes)])
            return (
                try String.fetchOne(database, sql: "SELECT typeof(b) FROM t"),
                try DatabaseBytes.fetchOne(database, sql: "SELECT b FROM t")?.bytes
            )
        }
    }

    @Test(arguments: [[], [0], [0, 0, 0], Array(0...255)] as [[UInt8]])
    func `bytes come back as they went in`(bytes: [UInt8]) throws {
        let stored = try roundTrip(bytes)
        #expect(stored.type == "blob")
        #expect(stored.bytes == bytes)
    }

    @Test func `a mebibyte comes back`() throws {
        let bytes = (0..<1 << 20).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        #expect(try roundTrip(bytes).bytes == bytes)
    }

    @Test func `NULL is no bytes, and no bytes are not NULL`() throws {
        try DatabaseQueue().read { database in
            let null = try DatabaseBytes.fetchOne(database, sql: "SELECT NULL")
            let empty = try DatabaseBytes.fetchOne(database, sql: "SELECT x''")
            #expect(null?.bytes == nil)
            #expect(empty?.bytes == [])
            let row = try #require(try Row.fetchOne(database, sql: "SELECT NULL, x''"))
            #expect((row[0] as DatabaseBytes?)?.bytes == nil)
            #expect((row[1] as DatabaseBytes?)?.bytes == [])
        }
    }

    @Test func `bytes find their row, the empty ones too`() throws {
        let samples: [[UInt8]] = [[], [1], [1, 2]]
        try DatabaseQueue().write { database in
            try database.execute(sql: "CREATE TABLE t (b BLOB, n INTEGER)")
            for (index, bytes) in samples.enumerated() {
                try database.execute(
                    sql: "INSERT INTO t VALUES (?, ?)",
                    arguments: [DatabaseBytes(bytes), index])
            }
            for (index, bytes) in samples.enumerated() {
                let found = try Int.fetchOne(
                    database, sql: "SELECT n FROM t WHERE b = ?",
                    arguments: [DatabaseBytes(bytes)])
                #expect(found == index)
            }
        }
    }
}
