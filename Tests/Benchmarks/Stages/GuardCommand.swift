import ArgumentParser
import Foundation

/// Compares the instructions that each stage takes on a fixed input with committed figures.
///
/// callgrind counts them (Nethercote and Seward, "Valgrind", PLDI 2007), and only inside
/// `greenseason_measured`, so neither other work on the machine nor the disk matters, and what
/// little differs from run to run is far below the tolerance.
struct GuardCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "guard",
        abstract: "Instructions of each stage against Tests/Benchmarks/guard.json.")

    enum Defaults {
        static let events = 5_000
        static let residents = 500
    }

    /// What is committed.
    struct Figures: Codable {
        var events: Int
        var residents: Int
        /// A stage may take so many hundredths more before it is told, and so many less.
        var tolerancePercent: Double
        var instructionsPerEvent: [String: Int]
    }

    @Flag(help: "Write the figures of this run into guard.json.") var accept = false
    @Option(help: .hidden) var carryOut: Stage?

    private static let path = Places.root + "Tests/Benchmarks/guard.json"

    func run() throws {
        if let carryOut { return try Self.carryOut(carryOut) }
        var committed = try JSONDecoder().decode(
            Figures.self, from: Data(contentsOf: URL(filePath: Self.path)))
        let program = try Self.stripped()
        defer { try? FileManager.default.removeItem(atPath: program) }
        var changed: [String] = []
        for stage in Stage.allCases where stage.isGuarded {
            let name = stage.rawValue
            let now = try Self.instructions(of: stage, in: program) / Defaults.events
            let before = committed.instructionsPerEvent[name]
            let percent = before.map { (Double(now) / Double($0) - 1) * 100 }
            let difference = percent.map { String(format: "%+.1f %%", $0) } ?? "new"
            print(
                "\(name.padded(to: 14)) \(Wording.grouped(now)) instructions an event, "
                    + difference)
            fflush(nil)
            if abs(percent ?? .infinity) > committed.tolerancePercent { changed.append(name) }
            if accept { committed.instructionsPerEvent[name] = now }
        }
        if accept {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            var data = try encoder.encode(committed)
            data.append(UInt8(ascii: "\n"))
            try data.write(to: URL(filePath: Self.path))
            print("accepted: \(Self.path)")
        } else if !changed.isEmpty {
            throw Broken(
                "more than \(committed.tolerancePercent) % away from guard.json: "
                    + "\(changed.joined(separator: ", ")). If that is meant, `make bench-guard "
                    + "ACCEPT=1` and commit the file with what changed it")
        }
    }

    /// What runs inside callgrind.
    private static func carryOut(_ stage: Stage) throws {
        let day = try PreparedDay(
            events: Defaults.events, residents: Defaults.residents,
            bodyEvents: ChainCommand.Defaults.bodyEvents)
        _ = try StageRun(day).measure(stage)
    }

    /// The benchmarks without what valgrind 3.19 cannot read: Swift's debugging information.
    private static func stripped() throws -> String {
        let program = Places.scratch("guard")
        try run("/usr/bin/strip", ["--strip-debug", "-o", program, CommandLine.arguments[0]])
        return program
    }

    private static func instructions(of stage: Stage, in program: String) throws -> Int {
        let output = Places.scratch("callgrind")
        defer { try? FileManager.default.removeItem(atPath: output) }
        try run(
            "/usr/bin/valgrind",
            [
                "--tool=callgrind", "--callgrind-out-file=\(output)", "--quiet",
                "--toggle-collect=greenseason_measured", program, "guard", "--carry-out",
                stage.rawValue,
            ])
        let text = try String(contentsOfFile: output, encoding: .utf8)
        let line = text.split(separator: "\n").last { $0.hasPrefix("totals:") }
        guard let total = line?.split(separator: " ").last.flatMap({ Int($0) }), total > 0 else {
            throw Broken("callgrind counted nothing of \(stage.rawValue)")
        }
        return total
    }

    private static func run(_ program: String, _ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        var environment = ProcessInfo.processInfo.environment
        // Otherwise each run would seed its hash tables anew.
        environment["SWIFT_DETERMINISTIC_HASHING"] = "1"
        process.environment = environment
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Broken("\(program) \(arguments.joined(separator: " ")) failed")
        }
    }
}
