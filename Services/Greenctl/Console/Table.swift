/// Rows under a heading, aligned for a terminal.
///
/// Widths are counted in terminal cells: a Chinese character takes two. Nothing is drawn between
/// columns, so that output can be cut and searched by the usual tools.
struct Table {
    enum Alignment {
        case left
        case right
    }

    private static let gap = "  "

    private let heading: [String]
    private let alignments: [Alignment]
    private var rows: [[String]] = []

    /// Columns whose names begin with `>` are aligned to the right, as numbers are.
    init(_ columns: String...) {
        alignments = columns.map { $0.hasPrefix(">") ? .right : .left }
        heading = columns.map { $0.hasPrefix(">") ? String($0.dropFirst()) : $0 }
    }

    var isEmpty: Bool { rows.isEmpty }

    mutating func add(_ cells: String...) {
        precondition(cells.count == heading.count, "a row has a cell for each column")
        rows.append(cells)
    }

    /// The table line by line; nothing at all if it has no rows.
    var lines: [String] {
        guard !rows.isEmpty else { return [] }
        let all = [heading] + rows
        let widths = heading.indices.map { column in
            all.map { $0[column].terminalCells }.max() ?? 0
        }
        return all.map { cells in
            var line = ""
            for (column, cell) in cells.enumerated() {
                let padding = String(
                    repeating: " ", count: widths[column] - cell.terminalCells)
                if column > 0 { line += Self.gap }
                line += alignments[column] == .right ? padding + cell : cell + padding
            }
            // Blanks at the end of a line only get in the way of whoever copies it.
            return String(line.reversed().drop { $0 == " " }.reversed())
        }
    }
}

/// Names and values below one another: one thing in detail.
struct Details {
    private var entries: [(name: String, value: String)] = []

    mutating func add(_ name: String, _ value: String?) {
        guard let value else { return }
        entries.append((name, value))
    }

    var lines: [String] {
        let width = entries.map { $0.name.terminalCells }.max() ?? 0
        return entries.map { name, value in
            name + String(repeating: " ", count: width - name.terminalCells) + "  " + value
        }
    }
}

extension String {
    /// The cells this text takes on a terminal.
    package var terminalCells: Int {
        unicodeScalars.reduce(0) { $0 + $1.terminalCells }
    }
}

extension Unicode.Scalar {
    /// East Asian wide and full-width characters and emoji take two cells, marks that combine none.
    fileprivate var terminalCells: Int {
        switch value {
        case 0x0300...0x036F, 0x200B...0x200F, 0xFE00...0xFE0F: 0
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF,
            0x4E00...0x9FFF, 0xA000...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF,
            0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1FAFF,
            0x20000...0x3FFFD:
            2
        default: 1
        }
    }
}
