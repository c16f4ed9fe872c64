import Foundation
import Glibc

/// What the figures were taken on: without it they are only numbers.
struct Machine: Codable {
    var processor: String
    var processors: Int
    var system: String
    var memoryMegabytes: Int
    /// Of the one minute before, when other work is on the machine.
    var loadBefore: Double
    /// An append of 4 KiB made durable, the median of many, where the stores are.
    var fdatasyncMicroseconds: Double

    init() throws {
        let lines = try String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)
            .split(separator: "\n")
        let model = lines.first { $0.hasPrefix("model name") }?.split(separator: ":").last
        processor = model.map { $0.trimmingCharacters(in: .whitespaces) } ?? "unknown"
        processors = ProcessInfo.processInfo.activeProcessorCount
        let kernel = try String(contentsOfFile: "/proc/sys/kernel/osrelease", encoding: .utf8)
        system = "Linux " + kernel.trimmingCharacters(in: .whitespacesAndNewlines)
        memoryMegabytes = Int(ProcessInfo.processInfo.physicalMemory >> 20)
        let load = try String(contentsOfFile: "/proc/loadavg", encoding: .utf8)
        loadBefore = load.split(separator: " ").first.flatMap { Double($0) } ?? 0
        fdatasyncMicroseconds =
            Double(try Disk.fdatasyncs(count: 500).value(atPermille: 500)) / 1_000
    }

    var description: String {
        "\(processors) x \(processor), \(system), load \(Wording.number(loadBefore)), fdatasync "
            + "of 4 KiB \(Wording.number(fdatasyncMicroseconds)) us"
    }
}

/// The disk under the data folders.
enum Disk {
    static let blockBytes = 4_096

    /// Appends blocks to a file and makes each durable: nanoseconds of each.
    static func fdatasyncs(count: Int) throws -> Histogram {
        let path = Places.scratch("disk")
        defer { unlink(path) }
        let file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw Broken("\(path): \(String(cString: strerror(errno)))") }
        defer { close(file) }
        let block = [UInt8](repeating: 7, count: blockBytes)
        var histogram = Histogram()
        for _ in 0..<count {
            let start = Stopwatch.now
            guard write(file, block, block.count) == block.count, fdatasync(file) == 0 else {
                throw Broken("\(path): \(String(cString: strerror(errno)))")
            }
            histogram.record(Stopwatch.now - start)
        }
        return histogram
    }
}

/// Where things lie.
enum Places {
    /// The package's folder, with its slash.
    static let root = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .path(percentEncoded: false)

    /// Where the build put the programs, with its slash.
    static let products = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
        .path(percentEncoded: false)

    /// A fresh name, short because a socket's path has room for 107 bytes.
    static func scratch(_ what: String) -> String {
        let number = UInt32.random(in: 0 ... .max)
        return FileManager.default.temporaryDirectory.path(percentEncoded: false)
            + "gsb-\(what)-\(String(number, radix: 36))"
    }
}
