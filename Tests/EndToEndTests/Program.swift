import Foundation
import Streams

/// A program of this package, or of the system, run as anyone would run it.
enum Program {
    struct Output {
        var status: Int32
        var text: String
        var complaints: String

        /// The output decoded from JSON.
        func decoded<Value: Decodable>(as type: Value.Type) throws -> Value {
            try JSONDecoder().decode(type, from: Data(text.utf8))
        }
    }

    /// The package's folder.
    static let root = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().path(percentEncoded: false)

    /// Where this test run's build put the programs.
    static let products = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
        .path(percentEncoded: false)

    static func path(of name: String) throws -> String {
        for folder in [products, root + ".build/release/"] {
            let path = folder + name
            if FileManager.default.isExecutableFile(atPath: path) { return path }
        }
        throw Missing(name: name)
    }

    struct Missing: Error {
        var name: String
    }

    /// Starts `executable` with nothing on its standard input.
    static func start(
        _ executable: String, _ arguments: [String], environment: [String: String] = [:],
        output: String, complaints: String
    ) throws -> Process {
        for path in [output, complaints] where !FileManager.default.fileExists(atPath: path) {
            guard FileManager.default.createFile(atPath: path, contents: nil) else {
                throw NotInTime(description: "\(path) cannot be written")
            }
        }
        let process = Process()
        process.executableURL = URL(filePath: executable)
        process.arguments = arguments
        process.currentDirectoryURL = URL(filePath: root)
        var inherited = ProcessInfo.processInfo.environment.filter {
            !$0.key.hasPrefix("GREENSEASON_")
        }
        inherited.merge(environment) { $1 }
        process.environment = inherited
        process.standardInput = FileHandle.nullDevice
        let out = try FileHandle(forWritingTo: URL(filePath: output))
        let err = try FileHandle(forWritingTo: URL(filePath: complaints))
        try out.seekToEnd()
        try err.seekToEnd()
        process.standardOutput = out
        process.standardError = err
        try process.run()
        return process
    }

    /// Runs to the end and gives everything that was said.
    static func run(
        _ executable: String, _ arguments: [String], environment: [String: String] = [:],
        in folder: String
    ) throws -> Output {
        let name = "\(folder)/output-\(UUID().uuidString)"
        defer {
            for suffix in ["", ".err"] {
                try? FileManager.default.removeItem(atPath: name + suffix)
            }
        }
        let process = try start(
            executable, arguments, environment: environment, output: name,
            complaints: name + ".err")
        process.waitUntilExit()
        return Output(
            status: process.terminationStatus,
            text: try String(contentsOfFile: name, encoding: .utf8),
            complaints: try String(contentsOfFile: name + ".err", encoding: .utf8))
    }
}

/// What a test waited for and did not see.
struct NotInTime: Error, CustomStringConvertible {
    var description: String
}

/// Looks until `condition` holds; throws `NotInTime` after a generous while.
func wait(for what: String, seconds: Double = 60, until condition: () throws -> Bool) throws {
    let end = ContinuousClock.now + .seconds(seconds)
    while try !condition() {
        guard ContinuousClock.now < end else { throw NotInTime(description: what) }
        Thread.sleep(forTimeInterval: 0.02)
    }
}
