import ArgumentParser
import Foundation
import Messages
package import Storage

/// Everything outside a command that it may touch: tests bring their own.
package struct Surroundings {
    package var environment: [String: String]
    package var output: any TextOutput
    package var errors: any TextOutput
    /// Whether a person watches `errors`.
    package var isWatched: Bool
    package var calls: (DataFolder) -> any ServiceCalls
    /// Simulates cities by the registries in a folder.
    package var simulator: (_ deploy: String) throws -> any CitySimulator

    package init(
        environment: [String: String], output: any TextOutput, errors: any TextOutput,
        isWatched: Bool, calls: @escaping (DataFolder) -> any ServiceCalls,
        simulator: @escaping (_ deploy: String) throws -> any CitySimulator
    ) {
        self.environment = environment
        self.output = output
        self.errors = errors
        self.isWatched = isWatched
        self.calls = calls
        self.simulator = simulator
    }
}

/// What one command has at hand while it is carried out.
struct Desk {
    let folder: DataFolder
    let services: any ServiceCalls
    let output: any TextOutput
    let errors: any TextOutput
    let isWatched: Bool
    let wantsJSON: Bool
    let simulator: (_ deploy: String) throws -> any CitySimulator

    init(_ common: CommonOptions, in surroundings: Surroundings) throws {
        let named = common.data ?? surroundings.environment["GREENSEASON_DATA"] ?? "./data"
        guard !named.isEmpty else {
            throw Failure(.configuration, "the data folder's name is empty: set GREENSEASON_DATA")
        }
        // A relative name would mean another folder to each process that reads it.
        folder = DataFolder(URL(fileURLWithPath: named).standardizedFileURL.path)
        services = surroundings.calls(folder)
        output = surroundings.output
        errors = surroundings.errors
        isWatched = surroundings.isWatched
        wantsJSON = common.json
        simulator = surroundings.simulator
    }

    /// Prints `value`: as one line of JSON, or as the lines that people read.
    func show<Value: Encodable>(_ value: Value, as lines: (Value) -> [String]) throws {
        if wantsJSON {
            write([String(decoding: try JSON.encode(value), as: UTF8.self)])
        } else {
            write(lines(value))
        }
    }

    func write(_ lines: [String]) {
        guard !lines.isEmpty else { return }
        output.write(lines.joined(separator: "\n") + "\n")
    }

    /// Tells people something that is no part of the result.
    func remark(_ text: String) { errors.write(text + "\n") }

    /// The bytes of a file the operator named.
    func contents(of path: String) throws -> Data {
        do {
            return try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            throw Failure(.refused, "\(path) cannot be read: check its name and who may read it")
        }
    }
}

/// What every command understands.
struct CommonOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The deployment's data folder (default: $GREENSEASON_DATA, else ./data).",
            valueName: "folder"))
    var data: String?

    @Flag(help: "Print JSON, as the services reply.")
    var json = false
}

/// A command that does something, told apart from those that only hold others.
protocol OperatorCommand: ParsableCommand {
    var common: CommonOptions { get }

    /// Does it, or throws a `Failure`.
    func perform(at desk: Desk) throws
}
