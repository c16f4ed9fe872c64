/// The places of one deployment's data folder (`GREENSEASON_DATA`).
package struct DataFolder: Sendable, Equatable {
    package let path: String

    package init(_ path: String) { self.path = path }

    /// `stores/<service>.sqlite`.
    package func store(of service: String) -> String { "\(path)/stores/\(service).sqlite" }

    /// `run/<service>.json`: who runs here, and where it answers.
    package func runFile(of service: String) -> String { "\(path)/run/\(service).json" }

    /// `run/<service>.<plane>.ipc`: where a service listens on this host.
    package func endpoint(of service: String, plane: String) -> String {
        "ipc://\(path)/run/\(service).\(plane).ipc"
    }

    /// `keys/<name>`, readable by its owner alone.
    package func key(_ name: String) -> String { "\(path)/keys/\(name)" }

    /// `log/<service>.log`.
    package func log(of service: String) -> String { "\(path)/log/\(service).log" }

    package var folders: [String] {
        [path] + ["stores", "run", "keys", "log"].map { "\(path)/\($0)" }
    }
}
