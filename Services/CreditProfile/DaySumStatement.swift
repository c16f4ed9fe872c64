import GRDB
import GRDBSQLite
import Model

/// Adds a day's sums to the store: the one statement that runs for each resident and transaction.
///
/// It is bound and stepped below GRDB, which would take twice as long to box its seven integers.
/// SQLite refuses to bind a statement that stands on a step, so each run ends with a reset.
struct DaySumStatement {
    private let statement: Statement
    private let handle: SQLiteStatement

    init(_ database: Database) throws {
        statement = try database.cachedStatement(
            sql: """
                INSERT INTO day_sum
                    (day, resident, milligrams, events, strong_events, reversals, behaviours)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (day, resident) DO UPDATE SET
                    milligrams = milligrams + excluded.milligrams,
                    events = events + excluded.events,
                    strong_events = strong_events + excluded.strong_events,
                    reversals = reversals + excluded.reversals,
                    behaviours = behaviours | excluded.behaviours
                """)
        handle = statement.sqliteStatement
        sqlite3_reset(handle)
    }

    func add(_ sum: DaySum, to resident: Int64, on day: LocalDay) throws {
        bind(Int64(day.rawValue), at: 1)
        bind(resident, at: 2)
        bind(sum.milligrams.rawValue, at: 3)
        bind(sum.events, at: 4)
        bind(sum.strongEvents, at: 5)
        bind(sum.reversals, at: 6)
        bind(Int64(sum.behaviours), at: 7)
        let code = sqlite3_step(handle)
        guard code == SQLITE_DONE else {
            let message = String(cString: sqlite3_errmsg(sqlite3_db_handle(handle)))
            sqlite3_reset(handle)
            throw DatabaseError(resultCode: ResultCode(rawValue: code), message: message)
        }
        sqlite3_reset(handle)
    }

    private func bind(_ value: Int64, at index: Int32) {
        let code = sqlite3_bind_int64(handle, index, value)
        precondition(code == SQLITE_OK, "a statement is reset before it is bound")
    }
}
