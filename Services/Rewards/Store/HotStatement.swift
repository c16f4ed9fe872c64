import GRDB
import GRDBSQLite

/// A prepared statement over integers, bound and stepped without GRDB's argument boxes.
///
/// Three of these run for each resident that a transaction touches; through GRDB they take twice as
/// long. A statement that GRDB has run is left stepped, and SQLite then refuses to bind it and runs
/// it with the old values: so every run here ends with a reset, and the first begins with one.
///
/// It does not keep the statement alive, so that copying it counts nothing; its owner does.
struct HotStatement {
    private let handle: SQLiteStatement

    init(_ statement: Statement) {
        handle = statement.sqliteStatement
        sqlite3_reset(handle)
    }

    /// Binds the parameter at `index`, from 1.
    func bind(_ value: Int64, at index: Int32) {
        let code = sqlite3_bind_int64(handle, index, value)
        precondition(code == SQLITE_OK, "a statement is reset before it is bound")
    }

    func bind(_ value: Int64?, at index: Int32) {
        if let value { return bind(value, at: index) }
        let code = sqlite3_bind_null(handle, index)
        precondition(code == SQLITE_OK, "a statement is reset before it is bound")
    }

    /// Runs a statement that changes rows and returns how many it changed.
    @discardableResult
    func run() throws -> Int {
        let code = sqlite3_step(handle)
        guard code == SQLITE_DONE else { throw failure(code) }
        sqlite3_reset(handle)
        return Int(sqlite3_changes(sqlite3_db_handle(handle)))
    }

    /// Reads the first row, if there is one.
    func first<Value>(_ read: (HotRow) throws -> Value) throws -> Value? {
        let code = sqlite3_step(handle)
        defer { sqlite3_reset(handle) }
        if code == SQLITE_DONE { return nil }
        guard code == SQLITE_ROW else { throw failure(code) }
        return try read(HotRow(handle: handle))
    }

    /// Reads every row.
    func all<Value>(_ read: (HotRow) throws -> Value) throws -> [Value] {
        defer { sqlite3_reset(handle) }
        var values: [Value] = []
        while true {
            let code = sqlite3_step(handle)
            if code == SQLITE_DONE { return values }
            guard code == SQLITE_ROW else { throw failure(code) }
            values.append(try read(HotRow(handle: handle)))
        }
    }

    private func failure(_ code: Int32) -> DatabaseError {
        let message = String(cString: sqlite3_errmsg(sqlite3_db_handle(handle)))
        sqlite3_reset(handle)
        return DatabaseError(resultCode: ResultCode(rawValue: code), message: message)
    }
}

/// The row on which a statement stands.
struct HotRow {
    fileprivate let handle: SQLiteStatement

    /// The integer in `column`, from 0; 0 for NULL.
    func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }

    func optional(_ column: Int32) -> Int64? {
        sqlite3_column_type(handle, column) == SQLITE_NULL ? nil : integer(column)
    }
}
