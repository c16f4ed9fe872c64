import ArgumentParser
import Messages

/// How long an event takes to its receipt, and to points that a reader of the store sees.
///
/// An open loop: every body has a time at which it should leave, and latency counts from there,
/// whatever held it up. Otherwise a stall would delay the very measurements that should show it
/// (coordinated omission; Gil Tene, "How NOT to Measure Latency").
struct LatencyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "latency",
        abstract: "PUBLISH to receipt, and to points that can be seen, at steady rates.")

    enum Defaults {
        static let rates = [1_000, 10_000, 30_000]
        static let seconds = 10
        static let bodyEvents = 10
        static let warmUpSeconds = 2
        static let fdatasyncs = 2_000
    }

    @OptionGroup var options: MeasureOptions
    @Option(help: ArgumentHelp("Events a second; may be repeated.", valueName: "rate"))
    var rate: [Int] = Defaults.rates
    @Option(help: "How long each rate is kept.") var seconds = Defaults.seconds
    @Option(help: "Events of one PUBLISH body.") var body = Defaults.bodyEvents

    func validate() throws {
        guard rate.allSatisfy({ $0 > 0 }), seconds > 0, (1...100).contains(body) else {
            throw ValidationError("rates and seconds begin at 1, a body has 1 to 100 events")
        }
    }

    func run() throws {
        var report = try Report(
            "latency",
            settings: [
                "residents": Wording.grouped(options.residents),
                "partners": "\(PreparedDay.Limits.partners)", "events a body": "\(body)",
                "seconds a rate": "\(seconds)",
            ])
        for rate in rate { try measure(rate, into: &report) }
        try report.keep(also: options.json)
    }

    private func measure(_ rate: Int, into report: inout Report) throws {
        let warmUp = rate * Defaults.warmUpSeconds
        let day = try PreparedDay(
            events: rate * seconds + warmUp, residents: options.residents, bodyEvents: body,
            resent: 0)
        let deployment = try Deployment()
        try deployment.start()
        try deployment.load(day)
        let publisher = try Publisher(day, to: deployment)
        try publisher.publish(.eventsPerSecond(rate), eventsMax: warmUp)
        try deployment.awaitSettled()

        // Before and after, on the same disk and with the same neighbours.
        var syncs = try Disk.fdatasyncs(count: Defaults.fdatasyncs)
        var settled: [Publisher.Settled] = []
        publisher.settled = { settled.append($0) }
        let watch = try VisibleWatch(deployment)
        watch.start()
        try publisher.publish(.eventsPerSecond(rate))
        try deployment.awaitSettled()
        let sights = try watch.finish()
        syncs.add(try Disk.fdatasyncs(count: Defaults.fdatasyncs))
        // Each behaviour makes one event of points, so both logs count alike.
        let heads = try ["ingestion", "scoring"].map {
            try deployment.status(of: $0).heads.map(\.sequence)
        }
        guard heads[0] == heads[1] else { throw Broken("the logs do not count alike") }

        var receipt = Histogram()
        var visible = Histogram()
        for body in settled {
            guard let sight = sights.first(reaching: body.lastPosition) else {
                throw Broken("an event was never seen")
            }
            for _ in 0..<body.events {
                receipt.record(body.receipted - body.intended)
                visible.record(sight.time - body.intended)
            }
        }
        let achieved = Double(receipt.count) / publisher.outcome.seconds
        report.add("latency.\(rate).achieved", [achieved], "events/s")
        let sync = Double(max(1, syncs.value(atPermille: 500)))
        report.add("latency.\(rate).fdatasync.p50", [sync / 1_000], "us")
        for (name, histogram) in [("receipt", receipt), ("visible", visible)] {
            for (mark, permille) in [("p50", 500), ("p90", 900), ("p99", 990), ("p99.9", 999)] {
                let value = Double(histogram.value(atPermille: permille))
                report.add(
                    "latency.\(rate).\(name).\(mark)", [value / 1e6], "ms",
                    fsyncs: value / sync)
            }
        }
    }
}

extension [VisibleWatch.Sight] {
    /// The first that shows `sequence` applied; they are in order.
    fileprivate func first(reaching sequence: UInt64) -> VisibleWatch.Sight? {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if self[middle].sequence < sequence { low = middle + 1 } else { high = middle }
        }
        return low < count ? self[low] : nil
    }
}
