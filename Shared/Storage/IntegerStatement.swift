package import GRDB
import GRDBSQLite

/// A prepared statement whose parameters and columns are integers, driven without a detour.
///
/// For the few statements that run for each event or resident of a transaction: GRDB's boxed
/// arguments cost as much again as the row itself. Nothing else may use the same SQL on the
/// connection, because what is bound here stays bound. GRDB leaves a statement stepped, and SQLite
/// then refuses to bind it: so each begins with a reset, and each run ends with one.
package struct IntegerStatement {
    private let statement: Statement
    private let handle: SQLiteStatement
    private let connection: SQLiteConnection

    package init(_ sql: String, in database: Database) throws {
        guard let connection = database.sqliteConnection else {
            preconditionFailure("a statement needs an open database")
        }
        statement = try database.cachedStatement(sql: sql)
        handle = statement.sqliteStatement
        self.connection = connection
        sqlite3_reset(handle)
    }

    /// Binds the parameter at `index`, from 1.
    package func bind(_ value: Int64, at index: CInt) {
        let code = sqlite3_bind_int64(handle, index, value)
        precondition(code == SQLITE_OK, "an integer is bound to a parameter that exists")
    }

    package func bind(_ value: Int64?, at index: CInt) {
        if let value { return bind(value, at: index) }
        let code = sqlite3_bind_null(handle, index)
        precondition(code == SQLITE_OK, "NULL is bound to a parameter that exists")
    }

    /// Runs a statement that changes rows, and answers how many it changed.
    @discardableResult
    package func run() throws -> Int {
        let code = sqlite3_step(handle)
        guard code == SQLITE_DONE else { throw failure(code) }
        sqlite3_reset(handle)
        return Int(sqlite3_changes(connection))
    }

    /// Runs a query and reads its first row, if there is one.
    package func first<Value>(_ read: (IntegerRow) throws -> Value) throws -> Value? {
        let code = sqlite3_step(handle)
        defer { sqlite3_reset(handle) }
        if code == SQLITE_DONE { return nil }
        guard code == SQLITE_ROW else { throw failure(code) }
        return try read(IntegerRow(handle: handle))
    }

    /// Runs a query and reads every row.
    package func all<Value>(_ read: (IntegerRow) throws -> Value) throws -> [Value] {
        defer { sqlite3_reset(handle) }
        var values: [Value] = []
        while true {
            let code = sqlite3_step(handle)
            if code == SQLITE_DONE { return values }
            guard code == SQLITE_ROW else { throw failure(code) }
            values.append(try read(IntegerRow(handle: handle)))
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

/// The row on which a statement stands; columns count from 0.
package struct IntegerRow {
    fileprivate let handle: SQLiteStatement

    /// The integer in `column`; 0 for NULL.
    package subscript(column: CInt) -> Int64 { sqlite3_column_int64(handle, column) }

    /// The integer in `column`; nil for NULL.
    package func optional(_ column: CInt) -> Int64? {
        sqlite3_column_type(handle, column) == SQLITE_NULL ? nil : self[column]
    }
}
