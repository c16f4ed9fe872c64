import Foundation
import Messages
import ServiceKit
import Storage

/// Real services in real processes on a data folder of their own.
///
/// One thread at a time uses it: the test's.
final class Deployment {
    static let services = ["ingestion", "scoring", "rewards", "credit-profile"]

    let path: String
    private(set) var running: [String: Process] = [:]
    private var settings: [String: String]

    /// A fresh folder under a short name: a socket's path has room for 107 bytes.
    init(settings: [String: String] = [:]) throws {
        path = "/tmp/gs-\(String(UInt32.random(in: 0 ... .max), radix: 36))"
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true)
        self.settings = settings
        self.settings["GREENSEASON_DATA"] = path
        self.settings["GREENSEASON_INGESTION_CLOCK"] = "manual"
        self.settings["GREENSEASON_INGESTION_EDGE_PORT"] = "0"
    }

    /// A fresh folder with the keys of another deployment: the same residents have the same
    /// numbers, so that dumps can be compared byte by byte.
    convenience init(withKeysOf other: Deployment) throws {
        try self.init()
        try FileManager.default.copyItem(atPath: other.path + "/keys", toPath: path + "/keys")
    }

    deinit {
        for process in running.values where process.isRunning {
            Foundation.kill(process.processIdentifier, SIGCONT)
            Foundation.kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
        try? FileManager.default.removeItem(atPath: path)
    }

    var folder: DataFolder { DataFolder(path) }

    // MARK: Services

    func start(_ services: [String] = Deployment.services) throws {
        for service in services {
            running[service] = try Program.start(
                try Program.path(of: service), [], environment: settings,
                output: "\(path)/\(service).out", complaints: "\(path)/\(service).log")
        }
        for service in services { try awaitStart(of: service) }
    }

    private func awaitStart(of service: String) throws {
        guard let process = running[service] else { return }
        try wait(for: "\(service) to be up") {
            guard process.isRunning else {
                throw NotInTime(description: "\(service) ended: \(try complaints(of: service))")
            }
            let file = try? RunFile.read(service, in: folder)
            return file?.pid == process.processIdentifier
        }
        if service == "ingestion", let edge = try edge().endpoint.split(separator: ":").last {
            // Partners keep connecting to the address they know, so a restart must keep it.
            settings["GREENSEASON_INGESTION_EDGE_PORT"] = String(edge)
        }
    }

    func complaints(of service: String) throws -> String {
        try String(contentsOfFile: "\(path)/\(service).log", encoding: .utf8)
    }

    func edge() throws -> (endpoint: String, key: String) {
        let file = try RunFile.read("ingestion", in: folder)
        guard let endpoint = file?.endpoints["edge"], let key = file?.endpoints["edgeKey"] else {
            throw NotInTime(description: "ingestion's run file names no edge")
        }
        return (endpoint, key)
    }

    func kill(_ service: String, signal: Int32 = SIGKILL) {
        guard let process = running.removeValue(forKey: service) else { return }
        Foundation.kill(process.processIdentifier, signal)
        process.waitUntilExit()
    }

    func signal(_ service: String, _ signal: Int32) {
        guard let process = running[service] else { return }
        Foundation.kill(process.processIdentifier, signal)
    }

    /// Resident memory of a running service, in bytes (`VmRSS`).
    func residentBytes(of service: String) throws -> Int {
        guard let process = running[service] else { return 0 }
        let status = try String(
            contentsOfFile: "/proc/\(process.processIdentifier)/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        let kibibytes = line?.split(separator: " ").compactMap { Int($0) }.first ?? 0
        return kibibytes * 1_024
    }

    // MARK: The operator

    /// Runs greenctl on this deployment.
    func greenctl(_ arguments: String...) throws -> Program.Output {
        try greenctl(arguments)
    }

    func greenctl(_ arguments: [String]) throws -> Program.Output {
        try Program.run(
            try Program.path(of: "greenctl"), arguments, environment: ["GREENSEASON_DATA": path],
            in: path)
    }

    /// Runs greenctl and demands that it succeeds.
    @discardableResult
    func order(_ arguments: String...) throws -> Program.Output {
        let output = try greenctl(arguments)
        guard output.status == 0 else {
            throw NotInTime(
                description: "greenctl \(arguments.joined(separator: " ")) ended with "
                    + "\(output.status): \(output.complaints)\(output.text)")
        }
        return output
    }

    /// Starts greenctl and leaves it running.
    func begin(_ arguments: String..., output: String) throws -> Process {
        try Program.start(
            try Program.path(of: "greenctl"), arguments, environment: ["GREENSEASON_DATA": path],
            output: output, complaints: output + ".err")
    }

    /// Publishes a city folder from the beginning to where every cursor is at its head.
    func replay(_ city: String) throws {
        try order("city", "load", city)
        try order("publish", city, "--json")
        try settle()
    }

    func settle() throws { try order("wait", "--settled", "--timeout", "120s") }

    func dump() throws -> String { try order("dump", "--canonical").text }

    func status(of service: String) throws -> ServiceStatus? {
        struct Report: Decodable {
            struct Entry: Decodable {
                var service: String
                var status: ServiceStatus?
            }
            var services: [Entry]
        }
        let report = try greenctl("status", "--json").decoded(as: Report.self)
        return report.services.first { $0.service == service }?.status
    }
}

/// A city folder: partners, residents, bindings and a day's events.
struct City {
    let path: String

    /// One of the recorded streams.
    static func recorded(_ name: String) -> City {
        City(path: Program.root + "Tests/Streams/\(name)")
    }

    /// A day made from a seed, in `folder`.
    static func generated(
        seed: UInt64, residents: Int, events: Int, in folder: String
    ) throws -> City {
        let path = "\(folder)/city-\(seed)"
        let output = try Program.run(
            try Program.path(of: "greenctl"),
            [
                "generate-day", path, "--seed", "\(seed)", "--residents", "\(residents)",
                "--events", "\(events)",
            ], in: folder)
        guard output.status == 0 else {
            throw NotInTime(description: "generate-day: \(output.complaints)")
        }
        return City(path: path)
    }

    /// This city with other steps, as a folder in `folder`.
    func with(steps: [String], named name: String, in folder: String) throws -> City {
        let path = "\(folder)/\(name)"
        try FileManager.default.copyItem(atPath: self.path, toPath: path)
        try (steps.joined(separator: "\n") + "\n").write(
            toFile: path + "/day.jsonl", atomically: true, encoding: .utf8)
        return City(path: path)
    }

    /// The lines of its day.
    func steps() throws -> [String] {
        try String(contentsOfFile: path + "/day.jsonl", encoding: .utf8)
            .split(separator: "\n").map(String.init)
    }

    /// Throws unless the deployment came to what the oracle works out.
    func expectOracle(of deployment: Deployment) throws {
        let folder = deployment.path
        let oracle = try Program.run(
            "/usr/bin/env", ["python3", Program.root + "Tests/Oracle/oracle.py", path], in: folder)
        guard oracle.status == 0 else {
            throw NotInTime(description: "the oracle failed: \(oracle.complaints)")
        }
        let residents = try deployment.order("resident", "list", "--json").text
        var files: [String] = []
        for (name, text) in [
            ("oracle", oracle.text), ("dump", try deployment.dump()), ("residents", residents),
        ] {
            let file = "\(folder)/\(name).json"
            try text.write(toFile: file, atomically: true, encoding: .utf8)
            files.append(file)
        }
        let comparison = try Program.run(
            "/usr/bin/env", ["python3", Program.root + "Tests/Oracle/compare.py"] + files,
            in: folder)
        guard comparison.status == 0 else {
            throw NotInTime(description: "not what the oracle says:\n\(comparison.text)")
        }
    }
}
