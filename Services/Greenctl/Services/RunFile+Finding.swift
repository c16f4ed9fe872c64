import Foundation
import Glibc
package import ServiceKit
package import Storage

/// The services that `greenctl` speaks to.
package enum ServiceName: String, CaseIterable, Sendable, Codable {
    case ingestion
    case scoring
    case rewards
    case creditProfile = "credit-profile"
}

/// A run file outlives a process that was killed: what it says holds while its process lives.
extension RunFile {
    /// What can be known of a service without asking it.
    package enum Finding: Sendable, Equatable {
        /// It has never run here, or it was stopped in order.
        case absent
        /// Its process ended without taking its run file away.
        case dead(RunFile)
        case running(RunFile)
    }

    /// Looks for `service` in `folder`.
    ///
    /// Throws a `Failure` if there is a run file that cannot be read.
    package static func find(_ service: ServiceName, in folder: DataFolder) throws -> Finding {
        do {
            guard let file = try read(service.rawValue, in: folder) else { return .absent }
            return file.isAlive ? .running(file) : .dead(file)
        } catch {
            throw Failure(
                .configuration,
                "\(folder.runFile(of: service.rawValue)) is not a run file: delete it and start "
                    + "\(service.rawValue) again")
        }
    }

    /// The run file of a service that must be up.
    package static func load(_ service: ServiceName, in folder: DataFolder) throws -> RunFile {
        switch try find(service, in: folder) {
        case .running(let file):
            return file
        case .dead(let file):
            throw Failure(
                .unreachable,
                "\(service.rawValue) (pid \(file.pid)) is no longer running on \(folder.path): "
                    + "start it again with `make up`")
        case .absent:
            throw Failure(
                .unreachable,
                "\(service.rawValue) is not running on \(folder.path): start it with `make up`, "
                    + "or name its folder with --data or GREENSEASON_DATA")
        }
    }

    /// Where a plane of the service listens, such as `request`.
    func endpoint(_ plane: String, in folder: DataFolder) throws -> String {
        guard let endpoint = endpoints[plane] else {
            throw Failure(
                .configuration,
                "\(folder.runFile(of: service)) names no \(plane): restart \(service)")
        }
        return endpoint
    }

    /// Whether the process is there; one that belongs to somebody else is.
    var isAlive: Bool { pid > 0 && (kill(pid, 0) == 0 || errno == EPERM) }

    /// Whether the process is a program of the service's name: numbers of processes are used again.
    var isNamedAsService: Bool {
        let name = FileManager.default.contents(atPath: "/proc/\(pid)/comm") ?? Data()
        return String(decoding: name, as: UTF8.self) == service + "\n"
    }
}
