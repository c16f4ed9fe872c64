package import GRDB

/// Rows of integers that enter one table, many at a time.
///
/// A statement of sixteen rows opens its cursor and begins and ends once, not sixteen times: it
/// writes a row in two thirds of the time, and asks for a tenth of the memory. What the last
/// multiple of sixteen leaves over is written row by row.
package struct IntegerRows {
    private let many: IntegerStatement
    private let one: IntegerStatement

    package enum Limits {
        /// More were not faster, and cost more where only a few rows change.
        package static let rowsOfStatement = 16
    }

    /// - Parameters:
    ///   - verb: what comes before the values: `REPLACE INTO t (a, b)`.
    ///   - columns: how many values each row has.
    package init(_ verb: String, columns: Int, in database: Database) throws {
        precondition(columns > 0, "a row has columns")
        let row = "(" + Array(repeating: "?", count: columns).joined(separator: ", ") + ")"
        let rows = Array(repeating: row, count: Limits.rowsOfStatement).joined(separator: ", ")
        many = try IntegerStatement("\(verb) VALUES \(rows)", in: database)
        one = try IntegerStatement("\(verb) VALUES \(row)", in: database)
    }

    /// Writes a row for each of `elements`, in their order.
    ///
    /// - Parameter bind: gives the row's values, from its first column to its last.
    package func write<Element>(
        _ elements: [Element], _ bind: (Element, inout IntegerBinder) -> Void
    ) throws {
        var place = 0
        while elements.count - place >= Limits.rowsOfStatement {
            var binder = IntegerBinder(many)
            for element in elements[place..<place + Limits.rowsOfStatement] {
                bind(element, &binder)
            }
            try many.run()
            place += Limits.rowsOfStatement
        }
        for element in elements[place...] {
            var binder = IntegerBinder(one)
            bind(element, &binder)
            try one.run()
        }
    }
}

/// Binds a statement's parameters, one after the other.
package struct IntegerBinder {
    private let statement: IntegerStatement
    private var index: CInt = 0

    fileprivate init(_ statement: IntegerStatement) { self.statement = statement }

    package mutating func bind(_ value: Int64) {
        index += 1
        statement.bind(value, at: index)
    }

    package mutating func bind(_ value: Int64?) {
        index += 1
        statement.bind(value, at: index)
    }
}
