import Dispatch
import Greenctl
import ServiceKit
import Storage

extension FuzzTarget {
    /// Run files, which tell tools who runs and where.
    static let runFile = FuzzTarget(
        "run-file", bytesMax: 1_024,
        seeds: {
            [
                Array(
                    """
                    {"boot":"0123456789abcdef","endpoints":{"publish":"ipc:///a/b","request":\
                    "ipc:///a/c"},"pid":1,"service":"scoring","stream":"points"}
                    """.utf8)
            ]
        },
        run: { bytes in
            let scratch = ScratchFolder.shared
            scratch.write(bytes, to: "run/scoring.json")
            do {
                _ = try RunFile.find(.scoring, in: DataFolder(scratch.path))
            } catch let failure as Failure {
                require(failure.exit == .configuration, "a run file is configuration")
            }
        })

    /// Settings from a file, an environment and options: sound values, or a reason.
    ///
    /// The first chunk is the file; of the others, one with a `=` belongs to the environment.
    ///
    /// swift-configuration keeps some 7 KB of each reader: nothing to a service, which makes one.
    static let settings = FuzzTarget(
        "settings", bytesMax: 1_024, runsMax: 150_000,
        seeds: {
            [
                FuzzBytes.chunk(
                    """
                    {"partitions":4,"logLevel":"debug","edge":{"endpoint":"tcp://*:1"},\
                    "clock":"manual"}
                    """) + FuzzBytes.chunk("--partitions") + FuzzBytes.chunk("2"),
                FuzzBytes.chunk("{}") + FuzzBytes.chunk("GREENSEASON_PARTITIONS=64")
                    + FuzzBytes.chunk("GREENSEASON_INGESTION_EDGE_ENDPOINT=tcp://a:7")
                    + FuzzBytes.chunk("--log-level=warning"),
            ]
        },
        run: { bytes in
            var input = FuzzBytes(bytes)
            let file = ScratchFolder.shared.write(input.chunk(), to: "settings.json")
            var arguments = ["ingestion", "--config-file-path", file]
            var environment: [String: String] = [:]
            while !input.isEmpty {
                let text = String(decoding: input.chunk(), as: UTF8.self)
                let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
                if parts.count == 2, !text.hasPrefix("-") {
                    environment[parts[0]] = parts[1]
                } else {
                    arguments.append(text)
                }
            }
            guard let settings = read(arguments, environment) else { return }
            require((1...64).contains(settings.number("partitions")), "partitions out of range")
            require(["system", "manual"].contains(settings.text("clock")), "no such clock")
        })

    private static let table =
        Setting.common + [
            Setting("edge.endpoint", .text("tcp://127.0.0.1:7401"), "where partners connect"),
            Setting("clock", .choice(["system", "manual"]), "how the clock runs"),
        ]

    /// Waits for the reader, which is asynchronous because files may be.
    private static func read(
        _ arguments: [String], _ environment: [String: String]
    ) -> Settings? {
        let answer = Answer()
        let done = DispatchSemaphore(value: 0)
        Task {
            answer.settings = try? await Settings(
                of: "ingestion", table: table, arguments: arguments, environment: environment)
            done.signal()
        }
        done.wait()
        return answer.settings
    }

    /// Unchecked, because the semaphore orders its one write before its one reading.
    private final class Answer: @unchecked Sendable {
        var settings: Settings?
    }
}
