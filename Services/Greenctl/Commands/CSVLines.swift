import Foundation

/// Plain CSV: a header, then lines of cells between commas.
enum CSVLines {
    /// Reads every line after the header; `row` gets its number, counted from 1, and its cells.
    static func read<Row>(
        _ path: String, header: String, row: (Int, [String]) throws -> Row
    ) throws -> [Row] {
        let bytes: Data
        do {
            bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            throw Failure(.refused, "\(path) cannot be read: check its name and who may read it")
        }
        var rows: [Row] = []
        var number = 0
        for line in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            number += 1
            let text = String(decoding: line.last == 0x0D ? line.dropLast() : line, as: UTF8.self)
            if number == 1 {
                guard text == header else {
                    throw Failure(.refused, "\(path) must begin with the line \(header)")
                }
                continue
            }
            if text.isEmpty { continue }
            guard !text.utf8.contains(UInt8(ascii: "\"")) else {
                throw Failure(.refused, "\(path), line \(number): quoted cells are not understood")
            }
            rows.append(
                try row(
                    number,
                    text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)))
        }
        return rows
    }
}
