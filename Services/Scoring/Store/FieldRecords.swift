import GRDB
import Model

/// What the store keeps of a field: the rows of its two words, and the latest day decided.
enum FieldRecords {
    /// Interns the words and reads the latest day.
    static func open(
        behaviour: String, unit: String, in database: Database
    ) throws -> (words: (behaviour: Int64, unit: Int64), decidedDay: LocalDay?) {
        let words = (
            behaviour: try intern(behaviour, in: database), unit: try intern(unit, in: database)
        )
        let day = try Int32.fetchOne(
            database.cachedStatement(
                sql: "SELECT day FROM decided_day WHERE behaviour = ? AND unit = ?"),
            arguments: [words.behaviour, words.unit])
        return (words, day.map { LocalDay($0) })
    }

    static func write(_ field: FieldTable.Field, in database: Database) throws {
        guard let words = field.words, let day = field.decidedDay else {
            preconditionFailure("a field is opened before its days are decided")
        }
        try database.cachedStatement(
            sql: "REPLACE INTO decided_day (behaviour, unit, day) VALUES (?, ?, ?)"
        ).execute(arguments: [words.behaviour, words.unit, day.rawValue])
    }

    private static func intern(_ text: String, in database: Database) throws -> Int64 {
        let known = try Int64.fetchOne(
            database.cachedStatement(sql: "SELECT id FROM word WHERE text = ?"), arguments: [text])
        if let known { return known }
        try database.cachedStatement(sql: "INSERT INTO word (text) VALUES (?)")
            .execute(arguments: [text])
        return database.lastInsertedRowID
    }
}
