import ArgumentParser
import Messages
import ServiceKit

struct StatusCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Shows which services are up, and how far each has come.",
        discussion: "Exits with 1 if a service is down, does not answer or has stopped a stream.")

    @Option(help: "One service alone.") var service: ServiceName?
    @OptionGroup var common: CommonOptions

    func perform(at desk: Desk) throws {
        let report = StatusReport.take(of: service.map { [$0] } ?? ServiceName.allCases, at: desk)
        try desk.show(report, as: \.lines)
        if let trouble = report.trouble { throw Failure(.refused, trouble) }
    }
}

/// How all services stand.
struct StatusReport: Encodable {
    struct Entry: Encodable {
        var service: ServiceName
        /// `up`, `down`, or `silent`: its process lives and does not answer.
        var state: String
        var pid: Int32?
        var status: ServiceStatus?
        /// What is wrong, if it is not up.
        var reason: String?
    }

    var services: [Entry]

    static func take(
        of services: [ServiceName] = ServiceName.allCases, at desk: Desk
    ) -> StatusReport {
        StatusReport(services: services.map { entry(of: $0, at: desk) })
    }

    private static func entry(of service: ServiceName, at desk: Desk) -> Entry {
        let file: RunFile
        do {
            file = try RunFile.load(service, in: desk.folder)
        } catch {
            return Entry(service: service, state: "down", reason: "\(error)")
        }
        do {
            let status = try desk.services.ask(service, ShowStatus())
            return Entry(service: service, state: "up", pid: file.pid, status: status)
        } catch {
            return Entry(service: service, state: "silent", pid: file.pid, reason: "\(error)")
        }
    }

    /// The first thing that is not as it should be.
    var trouble: String? {
        for entry in services {
            if let reason = entry.reason { return reason }
            for input in entry.status?.inputs ?? [] where input.state.hasPrefix("stopped") {
                return "\(entry.service.rawValue) has stopped reading \(input.stream): "
                    + "\(input.state); look at its log"
            }
        }
        return nil
    }

    var lines: [String] {
        var up = Table("SERVICE", "STATE", ">PID", "PUBLISHES", ">HEAD", ">DEAD LETTERS")
        var inputs = Table("SERVICE", "READS", ">CURSOR", ">HEAD", ">LAG", "STATE")
        for entry in services {
            let heads = entry.status?.heads.map { Wording.count($0.sequence) } ?? []
            up.add(
                entry.service.rawValue, entry.state, entry.pid.map { String($0) } ?? "-",
                entry.status?.stream ?? "-", heads.isEmpty ? "-" : heads.joined(separator: " "),
                entry.status.map { Wording.count($0.deadLetters) } ?? "-")
            for input in entry.status?.inputs ?? [] {
                let lag = input.head.map { $0 > input.cursor ? $0 - input.cursor : 0 }
                inputs.add(
                    entry.service.rawValue, "\(input.stream)/\(input.partition)",
                    Wording.count(input.cursor), input.head.map { Wording.count($0) } ?? "?",
                    lag.map { Wording.count($0) } ?? "?", input.state)
            }
        }
        return up.lines + (inputs.isEmpty ? [] : [""] + inputs.lines)
    }
}
