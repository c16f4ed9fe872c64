import GRDB
import GRDBSQLite

/// A prepared statement whose parameters and columns are integers, driven without a detour.
///
/// GRDB's binding costs about as much as the row itself, and scoring writes three rows an event.
/// Nothing else may use the same SQL on the connection: what is bound here stays bound.
struct IntegerStatement {
    private let statement: Statement
    private let handle: SQLiteStatement
    private let connection: SQLiteConnection

    init(_ sql: String, in database: Database) throws {
        guard let connection = database.sqliteConnection else {
            preconditionFailure("a statement needs an open database")
        }
        statement = try database.cachedStatement(sql: sql)
        handle = statement.sqliteStatement
        self.connection = connection
        // GRDB leaves a statement stepped, and binding it then is a misuse.
        sqlite3_reset(handle)
    }

    /// Parameters count from 1.
    func bind(_ value: Int64, at index: CInt) {
        let code = sqlite3_bind_int64(handle, index, value)
        precondition(code == SQLITE_OK, "an integer is bound to a parameter that exists")
    }

    func bind(_ value: Int64?, at index: CInt) {
        guard let value else {
            let code = sqlite3_bind_null(handle, index)
            precondition(code == SQLITE_OK, "NULL is bound to a parameter that exists")
            return
        }
        bind(value, at: index)
    }

    /// Runs a statement that answers no rows.
    func run() throws {
        let code = sqlite3_step(handle)
        guard code == SQLITE_DONE else { throw failure(code) }
        sqlite3_reset(handle)
    }

    /// Runs a query for at most one row, which `read` sees.
    func first<Value>(_ read: (IntegerRow) -> Value) throws -> Value? {
        let code = sqlite3_step(handle)
        defer { sqlite3_reset(handle) }
        switch code {
        case SQLITE_ROW: return read(IntegerRow(handle: handle))
        case SQLITE_DONE: return nil
        default: throw failure(code)
        }
    }

    private func failure(_ code: CInt) -> DatabaseError {
        let error = DatabaseError(
            resultCode: ResultCode(rawValue: sqlite3_extended_errcode(connection)),
            message: String(cString: sqlite3_errmsg(connection)), sql: statement.sql)
        sqlite3_reset(handle)
        return error
    }
}

/// The row that a statement stands on; columns count from 0.
struct IntegerRow {
    fileprivate let handle: SQLiteStatement

    subscript(column: CInt) -> Int64 { sqlite3_column_int64(handle, column) }
}
