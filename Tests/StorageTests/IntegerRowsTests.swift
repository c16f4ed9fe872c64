import GRDB
import Storage
import Testing

struct IntegerRowsTests {
    private struct Thing: Equatable {
        var id: Int64
        var weight: Int64?
    }

    private static let things = IntegerRows("REPLACE INTO thing (id, weight)", columns: 2)

    private func store() throws -> Store {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") {
            try $0.execute(
                sql: """
                    CREATE TABLE thing (
                        id INTEGER PRIMARY KEY, weight INTEGER CHECK (weight < 1000)
                    ) STRICT
                    """)
        }
        return try Store.inMemory(migrations: migrator)
    }

    private func write(_ things: [Thing], to store: Store) throws {
        try store.writer.write { database in
            try Self.things.write(things, in: database) { thing, row in
                row.bind(thing.id)
                row.bind(thing.weight)
            }
        }
    }

    private func all(of store: Store) throws -> [Thing] {
        try store.writer.read { database in
            try Row.fetchAll(database, sql: "SELECT id, weight FROM thing ORDER BY id").map {
                Thing(id: $0[0], weight: $0[1])
            }
        }
    }

    private static let many = IntegerRows.Limits.rowsOfStatement

    @Test(arguments: [0, 1, many - 1, many, many + 1, 3 * many, 3 * many + 5])
    func `as many rows are written as there are, each with its own values`(count: Int) throws {
        let store = try store()
        let things = (0..<Int64(count)).map { Thing(id: $0, weight: $0 % 3 == 0 ? nil : $0) }
        try write(things, to: store)
        #expect(try all(of: store) == things)
    }

    @Test func `nothing of one run is left in the next`() throws {
        let store = try store()
        let count = Int64(Self.many) + 1
        let former = (0..<count).map { Thing(id: $0, weight: $0) }
        let later = (0..<count).map { Thing(id: $0, weight: nil) }
        for things in [former, later] { try write(things, to: store) }
        #expect(try all(of: store) == later)
    }

    @Test func `a row that the table refuses undoes the transaction, and the next one goes on`()
        throws
    {
        let store = try store()
        let things = (0..<Int64(Self.many)).map { Thing(id: $0, weight: 1) }
        #expect(throws: DatabaseError.self) {
            try write(things.dropLast() + [Thing(id: 99, weight: 1_000)], to: store)
        }
        #expect(try all(of: store) == [])
        try write(things, to: store)
        #expect(try all(of: store) == things)
    }
}
