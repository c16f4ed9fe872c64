import Foundation

/// The figures of one run: printed as they come, and kept with the date when it is over.
struct Report: Codable {
    var benchmark: String
    var date: String
    var machine: Machine
    var settings: [String: String]
    var figures: [Figure] = []

    /// Begins a report by printing what is measured, with what, and where.
    init(_ benchmark: String, settings: KeyValuePairs<String, String>) throws {
        self.benchmark = benchmark
        date = ISO8601DateFormatter().string(from: Date())
        machine = try Machine()
        self.settings = Dictionary(settings.map { ($0.key, $0.value) }) { $1 }
        print("\(benchmark): \(settings.map { "\($0.key) \($0.value)" }.joined(separator: ", "))")
        note("on \(machine.description)")
    }

    func note(_ text: String) {
        print("  " + text)
        // Rounds take long, and a pipe would keep this line until the end.
        fflush(nil)
    }

    /// Takes a figure in and prints its line, with the range if there were rounds.
    ///
    /// - Parameters:
    ///   - floor: the same figure of the floor: makes a line of its own.
    ///   - fsyncs: the same in fsyncs, for latencies.
    mutating func add(
        _ name: String, _ rounds: [Double], _ unit: String, floor: [Double]? = nil,
        fsyncs: Double? = nil
    ) {
        var figure = Figure(name: name, unit: unit, rounds: rounds)
        var line =
            name.padded(to: 36) + " "
            + String(Wording.number(figure.median).reversed()).padded(to: 10).reversed()
            + " " + unit
        if rounds.count > 1, let least = rounds.min(), let most = rounds.max() {
            line += " (\(Wording.number(least)) to \(Wording.number(most)))"
        }
        if let fsyncs {
            figure.fsyncs = fsyncs
            line += " = \(Wording.number(fsyncs)) fsyncs"
        }
        print(line)
        if let floor, floor.median > 0 {
            let ratio = figure.median / floor.median
            figure.ratioToFloor = ratio
            print("\(name) ratio to floor \(String(format: "%.2f", ratio))")
        }
        figures.append(figure)
    }

    /// Keeps the figures in `bench/`, and in the file that was asked for.
    func keep(also path: String?) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        var data = try encoder.encode(self)
        data.append(UInt8(ascii: "\n"))
        let folder = Places.root + "bench"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        let stamp = date.filter { $0 != ":" && $0 != "-" }
        for path in ["\(folder)/\(stamp)-\(benchmark).json"] + (path.map { [$0] } ?? []) {
            try data.write(to: URL(filePath: path))
            print("kept in \(path)")
        }
    }
}

extension String {
    /// This text with spaces after it, `width` in all.
    func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
