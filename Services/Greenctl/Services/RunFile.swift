import Foundation
import Glibc
package import Storage

/// The services that `greenctl` speaks to.
package enum ServiceName: String, CaseIterable, Sendable, Codable {
    case ingestion
    case scoring
    case rewards
    case creditProfile = "credit-profile"
}

/// `run/<service>.json`: who runs on a data folder and where it answers.
///
/// A service writes it once it listens, and it is all that tools and tests know of a service. It
/// outlives a process that was killed, so what it says holds only while its process lives.
package struct RunFile: Codable, Sendable, Equatable {
    package struct Endpoints: Codable, Sendable, Equatable {
        package var publish: String
        package var replay: String
        package var request: String
        /// Of ingestion alone: where partners connect, and the CURVE key they expect there.
        package var edge: String?
        package var edgeKey: String?
    }

    package var service: String
    package var pid: Int32
    /// 16 hexadecimal digits, others at each start.
    package var boot: String
    package var stream: String
    package var endpoints: Endpoints

    /// What can be known of a service without asking it.
    package enum Finding: Sendable, Equatable {
        /// It has never run here, or it was stopped.
        case absent
        /// Its process ended without taking its run file away.
        case dead(RunFile)
        case running(RunFile)
    }

    /// Looks for `service` in `folder`.
    ///
    /// Throws a `Failure` if there is a run file that cannot be read.
    package static func find(_ service: ServiceName, in folder: DataFolder) throws -> Finding {
        let path = folder.runFile(of: service.rawValue)
        guard let bytes = FileManager.default.contents(atPath: path) else {
            guard FileManager.default.fileExists(atPath: path) else { return .absent }
            throw Failure(.configuration, "\(path) cannot be read: check who owns it")
        }
        let file: RunFile
        do {
            file = try JSONDecoder().decode(RunFile.self, from: bytes)
        } catch {
            throw Failure(
                .configuration,
                "\(path) is not a run file: stop \(service.rawValue), delete it, start it again")
        }
        return isAlive(file.pid) ? .running(file) : .dead(file)
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

    /// Whether the process is there; one that belongs to somebody else is.
    private static func isAlive(_ pid: Int32) -> Bool {
        pid > 0 && (kill(pid, 0) == 0 || errno == EPERM)
    }
}
