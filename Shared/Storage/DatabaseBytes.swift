import Foundation
package import GRDB
import GRDBSQLite

/// Bytes in a column, without a detour over `Data` on the way in and out.
package struct DatabaseBytes: DatabaseValueConvertible, StatementColumnConvertible {
    package let bytes: [UInt8]

    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    package init?(sqliteStatement: SQLiteStatement, index: CInt) {
        guard let start = sqlite3_column_blob(sqliteStatement, index) else {
            // A BLOB of no bytes has no address; NULL is not bytes at all.
            guard sqlite3_column_type(sqliteStatement, index) == SQLITE_BLOB else { return nil }
            bytes = []
            return
        }
        bytes = Array(
            UnsafeRawBufferPointer(
                start: start, count: Int(sqlite3_column_bytes(sqliteStatement, index))))
    }

    package var databaseValue: DatabaseValue { Data(bytes).databaseValue }

    package static func fromDatabaseValue(_ value: DatabaseValue) -> DatabaseBytes? {
        Data.fromDatabaseValue(value).map { DatabaseBytes(Array($0)) }
    }

    package func bind(to sqliteStatement: SQLiteStatement, at index: CInt) -> CInt {
        bytes.withUnsafeBytes {
            // An empty buffer may have no address, which SQLite would take for NULL.
            guard let start = $0.baseAddress, $0.count > 0 else {
                return sqlite3_bind_zeroblob(sqliteStatement, index, 0)
            }
            let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
            return sqlite3_bind_blob(sqliteStatement, index, start, CInt($0.count), transient)
        }
    }
}
