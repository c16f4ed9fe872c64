import Foundation
import Glibc
import Greenctl
import Messages
import Model
import ServiceKit
import Storage
import Streams
import ZeroMQ

/// The real services, in processes of their own, on a data folder that lasts as long as this value.
final class Deployment {
    static let services = ["ingestion", "scoring", "rewards", "credit-profile"]

    enum Limits {
        static let startSeconds: Int64 = 60
        static let settleSeconds: Int64 = 1_200
        /// Between two looks at how far the services are.
        static let lookMicroseconds: UInt32 = 5_000
    }

    let folder: DataFolder
    let context: Context
    private var running: [String: Process] = [:]
    private var clients: [String: RequestClient] = [:]

    init() throws {
        folder = DataFolder(Places.scratch("d"))
        context = try Context()
        try FileManager.default.createDirectory(
            atPath: folder.path, withIntermediateDirectories: true)
    }

    deinit {
        for service in running.keys { end(service, signal: SIGKILL) }
        do {
            try FileManager.default.removeItem(atPath: folder.path)
        } catch {
            print("left behind: \(folder.path): \(error)")
        }
    }

    // MARK: Processes

    func start(_ services: [String] = Deployment.services) throws {
        for service in services {
            running[service] = try launch(service, [], log: "\(folder.path)/\(service).log")
        }
        let end = Stopwatch.now + Limits.startSeconds * 1_000_000_000
        for service in services {
            while try RunFile.read(service, in: folder)?.pid != process(service) {
                guard Stopwatch.now < end, running[service]?.isRunning == true else {
                    throw Broken("\(service) is not up: \(try log(of: service))")
                }
                usleep(Limits.lookMicroseconds)
            }
            _ = try status(of: service)
        }
    }

    func end(_ service: String, signal: Int32 = SIGTERM) {
        clients[service] = nil
        guard let process = running.removeValue(forKey: service) else { return }
        kill(process.processIdentifier, signal)
        process.waitUntilExit()
    }

    func process(_ service: String) -> Int32? { running[service]?.processIdentifier }

    private func log(of service: String) throws -> String {
        try String(contentsOfFile: "\(folder.path)/\(service).log", encoding: .utf8)
    }

    private func launch(_ program: String, _ arguments: [String], log: String) throws -> Process {
        guard FileManager.default.createFile(atPath: log, contents: nil) else {
            throw Broken("\(log) cannot be written")
        }
        let process = Process()
        // Whatever ends this program ends what it started: services would go on for ever.
        process.executableURL = URL(filePath: "/usr/bin/setpriv")
        process.arguments = ["--pdeathsig", "KILL", Places.products + program] + arguments
        process.currentDirectoryURL = URL(filePath: Places.root)
        var environment = ProcessInfo.processInfo.environment.filter {
            !$0.key.hasPrefix("GREENSEASON_")
        }
        environment["GREENSEASON_DATA"] = folder.path
        environment["GREENSEASON_INGESTION_CLOCK"] = "manual"
        environment["GREENSEASON_INGESTION_EDGE_PORT"] = "0"
        process.environment = environment
        let file = try FileHandle(forWritingTo: URL(filePath: log))
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = file
        process.standardError = file
        try process.run()
        return process
    }

    /// Runs greenctl to its end, which must be a good one.
    func greenctl(_ arguments: String...) throws {
        let log = "\(folder.path)/greenctl.log"
        let process = try launch("greenctl", arguments, log: log)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Broken(
                "greenctl \(arguments.joined(separator: " ")): "
                    + (try String(contentsOfFile: log, encoding: .utf8)))
        }
    }

    // MARK: Requests

    /// Where a running service takes requests.
    func requests(of service: String) throws -> String {
        guard let endpoint = try RunFile.read(service, in: folder)?.endpoints["request"] else {
            throw Broken("\(service)'s run file names no request endpoint")
        }
        return endpoint
    }

    func client(of service: String) throws -> RequestClient {
        if let client = clients[service] { return client }
        let client = RequestClient(
            context: context, endpoint: try requests(of: service), caller: "benchmarks")
        clients[service] = client
        return client
    }

    func status(of service: String) throws -> ServiceStatus {
        try client(of: service).call(ShowStatus())
    }

    /// Registers the city and puts the clock behind its day.
    func load(_ day: PreparedDay) throws {
        try greenctl("city", "load", day.folder)
        try moveClock(behind: day)
    }

    func moveClock(behind day: PreparedDay) throws {
        _ = try client(of: "ingestion").call(MoveClock(move: .set(day.clock)))
        try awaitSettled()
    }

    /// The edge that partners connect to.
    func edge() throws -> (endpoint: String, key: PublicKey) {
        let endpoints = try RunFile.read("ingestion", in: folder)?.endpoints ?? [:]
        guard let endpoint = endpoints["edge"],
            let key = endpoints["edgeKey"].flatMap(PublicKey.init(z85:))
        else { throw Broken("ingestion's run file names no edge") }
        return (endpoint, key)
    }

    /// Waits until every cursor stands at its publisher's head; nothing may be published meanwhile.
    func awaitSettled() throws {
        let end = Stopwatch.now + Limits.settleSeconds * 1_000_000_000
        for (consumer, publisher) in [
            ("scoring", "ingestion"), ("rewards", "scoring"), ("credit-profile", "scoring"),
        ] where running[consumer] != nil {
            let heads = try status(of: publisher).heads.map(\.sequence)
            while true {
                let status = try status(of: consumer)
                let stopped = status.inputs.first { $0.state.hasPrefix("stopped") }
                if let stopped { throw Broken("\(consumer) \(stopped.state)") }
                if status.inputs.allSatisfy({ $0.cursor == heads[$0.partition] }) { break }
                guard Stopwatch.now < end else { throw Broken("\(consumer) does not settle") }
                usleep(Limits.lookMicroseconds)
            }
        }
    }

    // MARK: Looking

    func usage() throws -> [String: ProcessUsage] {
        try running.mapValues { try ProcessUsage(of: $0.processIdentifier) }
    }

    /// Bytes of the stores, write-ahead logs included.
    var storeBytes: Int {
        get throws {
            let stores = folder.path + "/stores"
            return try FileManager.default.contentsOfDirectory(atPath: stores).reduce(0) {
                let attributes = try FileManager.default.attributesOfItem(
                    atPath: "\(stores)/\($1)")
                return $0 + (attributes[.size] as? Int ?? 0)
            }
        }
    }
}
