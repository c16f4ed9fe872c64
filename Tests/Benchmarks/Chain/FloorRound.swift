import Foundation

/// One pass of the floor: the same bytes through libzmq and SQLite in plain C.
struct FloorRound {
    private struct Output: Decodable {
        struct Stage: Decodable {
            var name: String
            var cpuNanoseconds: Double
            var peakKibibytes: Double
        }

        var events: Double
        var accepted: Int
        var seconds: Double
        var receiptsSeconds: Double
        var storeBytes: Double
        var stages: [Stage]
    }

    var eventsPerSecond: Double
    var receiptsSeconds: Double
    /// Microseconds of processor an event, by stage.
    var processor: [String: Double]
    var peakMegabytes: [String: Double]
    var diskBytesPerEvent: Double

    var stagesProcessor: Double { processor.values.reduce(0, +) }

    /// The services that the stages of the floor stand for.
    private static let services = [
        "ingest": "ingestion", "score": "scoring", "reward": "rewards", "credit": "credit-profile",
    ]

    /// Runs `floor` on the bodies of `day`, which lie in the file `bodies`; it checks its own end.
    init(_ day: PreparedDay, bodies: String) throws {
        let folder = Places.scratch("f")
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        let process = Process()
        process.executableURL = URL(filePath: Places.products + "floor")
        process.arguments = [folder, bodies, day.folder + "/bindings.csv"]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let bytes = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Broken("the floor gave way") }
        try FileManager.default.removeItem(atPath: folder)

        let output = try JSONDecoder().decode(Output.self, from: bytes)
        guard output.accepted == day.accepted else {
            throw Broken("the floor accepted \(output.accepted), not \(day.accepted)")
        }
        eventsPerSecond = output.events / output.seconds
        receiptsSeconds = output.receiptsSeconds
        diskBytesPerEvent = output.storeBytes / output.events
        processor = [:]
        peakMegabytes = [:]
        for stage in output.stages {
            let name = Self.services[stage.name] ?? stage.name
            processor[name] = stage.cpuNanoseconds / 1_000 / output.events
            peakMegabytes[name] = stage.peakKibibytes / 1_024
        }
    }
}
