import ArgumentParser
import Foundation
import Storage

/// A cold service that reads a whole log: from its start until it stands at the head.
struct CatchUpCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "catch-up", abstract: "Cold services apply a log from its beginning.")

    enum Defaults {
        static let events = 1_000_000
        static let rounds = 3
    }

    @OptionGroup var options: MeasureOptions

    func run() throws {
        let events = options.events ?? Defaults.events
        let rounds = options.rounds ?? Defaults.rounds
        var report = try Report(
            "catch-up",
            settings: [
                "events": Wording.grouped(events),
                "residents": Wording.grouped(options.residents), "rounds": "\(rounds)",
            ])
        let day = try PreparedDay(
            events: events, residents: options.residents,
            bodyEvents: ChainCommand.Defaults.bodyEvents)
        let deployment = try Deployment()
        try deployment.start()
        try deployment.load(day)
        try Publisher(day, to: deployment).publish(.asCredited)
        try deployment.awaitSettled()
        try deployment.greenctl("audit")

        for service in ["rewards", "credit-profile", "scoring"] {
            // A rebuilt scoring has a new log, which its readers must not meet: it is the last.
            if service == "scoring" {
                deployment.end("rewards")
                deployment.end("credit-profile")
            }
            var rates: [Double] = []
            var processor: [Double] = []
            var peaks: [Double] = []
            for _ in 1...rounds {
                deployment.end(service)
                try deployment.removeStore(of: service)
                let began = Stopwatch.now
                try deployment.start([service])
                try deployment.awaitSettled()
                let seconds = Double(Stopwatch.now - began) / 1e9
                let usage = try deployment.usage()[service]
                rates.append(Double(day.accepted) / seconds)
                processor.append((usage?.processorMicroseconds ?? 0) / Double(day.accepted))
                peaks.append(usage?.peakMegabytes ?? 0)
            }
            report.add("catch-up.\(service)", rates, "events/s")
            report.add("catch-up.\(service).cpu", processor, "us an event")
            report.add("catch-up.\(service).peak", peaks, "MB")
        }
        try report.keep(also: options.json)
    }
}

extension Deployment {
    /// Deletes the store of a service that has ended, as if its disk had been lost.
    func removeStore(of service: String) throws {
        precondition(process(service) == nil, "a running service keeps its store")
        for suffix in ["", "-wal", "-shm"] {
            let path = folder.store(of: service) + suffix
            if FileManager.default.fileExists(atPath: path) {
                try FileManager.default.removeItem(atPath: path)
            }
        }
    }
}
