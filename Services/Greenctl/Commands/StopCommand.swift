import ArgumentParser
import Foundation
import Glibc
import Messages
import ServiceKit
import Storage
import Streams

struct StopCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop", abstract: "Stops the services of a data folder in order.",
        discussion: """
            Upstream first, so that nothing new comes in. A process is told to stop only if it is \
            the one that wrote the run file: its program has the service's name, and where it \
            answers, it answers with the run file's boot.
            """)

    @OptionGroup var common: CommonOptions

    private enum Limits {
        static let stopSeconds = 30.0
        static let pauseSeconds = 0.05
    }

    func perform(at desk: Desk) throws {
        var outcomes: [String: String] = [:]
        for service in ServiceName.allCases {
            outcomes[service.rawValue] = try stop(service, at: desk)
        }
        try desk.show(outcomes) { outcomes in
            var table = Table("SERVICE", "STATE")
            for service in ServiceName.allCases {
                table.add(service.rawValue, outcomes[service.rawValue] ?? "-")
            }
            return table.lines
        }
    }

    private func stop(_ service: ServiceName, at desk: Desk) throws -> String {
        guard case .running(let file) = try RunFile.find(service, in: desk.folder),
            file.isNamedAsService
        else { return "was not running" }
        try check(file, of: service, at: desk)
        guard kill(file.pid, SIGTERM) == 0 else {
            throw Failure(
                .refused, "\(service.rawValue) (pid \(file.pid)) belongs to somebody else")
        }
        let patience = ContinuousClock.now + .seconds(Limits.stopSeconds)
        while file.isAlive, file.isNamedAsService {
            guard ContinuousClock.now < patience else {
                throw Failure(
                    .refused,
                    "\(service.rawValue) (pid \(file.pid)) has not stopped in \(Limits.stopSeconds)"
                        + " s: look at its log; `kill -9 \(file.pid)` loses nothing committed")
            }
            Thread.sleep(forTimeInterval: Limits.pauseSeconds)
        }
        return "stopped"
    }

    /// Refuses to touch a process that says that it is another one than the run file's.
    private func check(_ file: RunFile, of service: ServiceName, at desk: Desk) throws {
        let boot: String
        do {
            boot = try desk.services.ask(service, ShowStatus()).boot
        } catch {
            // One that no longer answers is to be stopped all the more.
            desk.remark("\(service.rawValue): \(error)")
            return
        }
        guard boot == file.boot else {
            throw Failure(
                .refused,
                "\(service.rawValue) answers as another process than \(file.pid), which "
                    + "\(desk.folder.runFile(of: service.rawValue)) names: find out who runs there")
        }
    }
}
