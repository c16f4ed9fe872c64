import Foundation
import Glibc

/// What a running process has taken so far (proc(5)).
struct ProcessUsage {
    /// User and system time of all its threads.
    var processorMicroseconds: Double
    var residentMegabytes: Double
    var peakMegabytes: Double

    init(of process: Int32) throws {
        let stat = try String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
        // The name, in brackets, may hold spaces: count from behind it.
        guard let end = stat.lastIndex(of: ")") else { throw Broken("/proc/\(process)/stat") }
        let fields = stat[end...].split(separator: " ")
        let ticks = (Double(fields[12]) ?? 0) + (Double(fields[13]) ?? 0)
        processorMicroseconds = ticks * 1_000_000 / Double(sysconf(Int32(_SC_CLK_TCK)))
        let status = try String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
        func megabytes(_ name: String) -> Double {
            let line = status.split(separator: "\n").first { $0.hasPrefix(name) }
            let kibibytes = line?.split(whereSeparator: \.isWhitespace).dropFirst().first
            return (kibibytes.flatMap { Double($0) } ?? 0) / 1_024
        }
        residentMegabytes = megabytes("VmRSS:")
        peakMegabytes = megabytes("VmHWM:")
    }
}
