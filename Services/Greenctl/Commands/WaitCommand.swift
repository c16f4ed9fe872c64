import ArgumentParser
import Foundation
import Messages

struct WaitCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "wait", abstract: "Waits until services are up, or have applied all.",
        discussion: """
            With --up it returns when every service answers; with --settled, when every \
            consumer's cursor also stands at its publisher's head, seen twice in a row. A stream \
            that has stopped is not waited for. Exits with 1 when the time is over.
            """)

    @Flag(help: "Wait for every service to answer.") var up = false
    @Flag(help: "Wait for every cursor to reach its head.") var settled = false
    @Option(help: ArgumentHelp("Give up after this long.", valueName: "span"))
    var timeout = TimeSpan.minute
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard up != settled else { throw ValidationError("wait for --up or for --settled") }
    }

    func perform(at desk: Desk) throws {
        let patience = ContinuousClock.now + .milliseconds(timeout.milliseconds)
        var former: [ServiceName: UInt64]?
        while true {
            let standing = Standing.of(StatusReport.take(at: desk))
            switch standing {
            case .settled(let heads):
                if up || heads == former {
                    return try show(heads, at: desk)
                }
                former = heads
            case .stopped(let reason):
                throw Failure(.refused, reason)
            case .moving where up:
                return try show([:], at: desk)
            case .moving(let reason), .starting(let reason):
                former = nil
                guard ContinuousClock.now < patience else {
                    throw Failure(.refused, "not in time: \(reason)")
                }
            }
            Thread.sleep(forTimeInterval: 0.1)
        }
    }

    private func show(_ heads: [ServiceName: UInt64], at desk: Desk) throws {
        let heads = Dictionary(uniqueKeysWithValues: heads.map { ($0.key.rawValue, $0.value) })
        try desk.show(heads) { _ in
            [up ? "up: every service answers" : "settled: every cursor stands at its head"]
        }
    }
}

/// How far the services are from having nothing left to do.
enum Standing: Equatable {
    /// Nothing is under way; the sums of the heads tell one such moment from another.
    case settled([ServiceName: UInt64])
    case moving(String)
    /// A service does not answer yet.
    case starting(String)
    /// Waiting will not help.
    case stopped(String)

    static func of(_ report: StatusReport) -> Standing {
        var statuses: [ServiceName: ServiceStatus] = [:]
        for entry in report.services {
            guard let status = entry.status else {
                return .starting(entry.reason ?? "\(entry.service.rawValue) is not up")
            }
            statuses[entry.service] = status
        }
        var published: [String: UInt64] = [:]
        for status in statuses.values {
            for head in status.heads {
                published["\(status.stream)/\(head.partition)"] = head.sequence
            }
        }
        for (service, status) in statuses.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            for input in status.inputs {
                let place = "\(input.stream)/\(input.partition)"
                if input.state.hasPrefix("stopped") {
                    return .stopped(
                        "\(service.rawValue) has stopped reading \(place): \(input.state)")
                }
                let head = published[place] ?? 0
                guard input.cursor == head else {
                    return .moving(
                        "\(service.rawValue) has applied \(Wording.count(input.cursor)) of "
                            + "\(Wording.count(head)) events of \(place)")
                }
            }
        }
        return .settled(
            statuses.mapValues { $0.heads.reduce(0) { $0 + $1.sequence } })
    }
}

extension TimeSpan: CustomStringConvertible {
    static let minute = TimeSpan(seconds: 60)

    init(seconds: Int64) { milliseconds = seconds * 1_000 }

    var description: String { "\(milliseconds / 1_000)s" }
}
