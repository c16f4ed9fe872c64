import ArgumentParser

/// Twice as much as the chain can take: it must slow its partners down, and nothing else.
struct OverloadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "overload", abstract: "Twice the sustainable load is offered for a while.")

    enum Defaults {
        static let events = 4_000_000
        static let seconds = 15.0
        static let warmUpEvents = 100_000
        static let sustainedEvents = 300_000
        static let factor = 2
    }

    @OptionGroup var options: MeasureOptions
    @Option(help: "How long too much is offered.") var seconds = Defaults.seconds

    func run() throws {
        let events = options.events ?? Defaults.events
        var report = try Report(
            "overload",
            settings: [
                "residents": Wording.grouped(options.residents),
                "seconds": Wording.number(seconds), "offered": "\(Defaults.factor) x sustained",
            ])
        let day = try PreparedDay(
            events: events, residents: options.residents,
            bodyEvents: ChainCommand.Defaults.bodyEvents)
        let deployment = try Deployment()
        try deployment.start()
        try deployment.load(day)
        let publisher = try Publisher(day, to: deployment)
        try publisher.publish(.asCredited, eventsMax: Defaults.warmUpEvents)
        try deployment.awaitSettled()
        try publisher.publish(.asCredited, eventsMax: Defaults.sustainedEvents)
        try deployment.awaitSettled()
        let sustained = rate(of: publisher.outcome, until: Stopwatch.now)
        report.add("overload.sustained", [sustained], "events/s")

        var receipts = Histogram()
        publisher.settled = { receipts.record($0.receipted - $0.intended) }
        let offered = Int(sustained) * Defaults.factor
        let memory = MemoryWatch(deployment)
        memory.start()
        try publisher.publish(.eventsPerSecond(offered), secondsMax: seconds)
        let lastReceipt = publisher.outcome.ended
        let sights = memory.finish()
        try deployment.awaitSettled()
        let settled = Stopwatch.now
        try deployment.greenctl("audit")

        let outcome = publisher.outcome
        guard lastReceipt - outcome.began >= Int64(seconds * 0.99e9) else {
            throw Broken("the load ran out before the time was over: take more --events")
        }
        report.add("overload.offered", [Double(offered)], "events/s")
        report.add("overload.taken", [rate(of: outcome, until: lastReceipt)], "events/s")
        report.add("overload.busy", [Double(outcome.busy)], "requests")
        // From when a body should have left: most of it is waiting for credit.
        report.add(
            "overload.receipt.p50", [Double(receipts.value(atPermille: 500)) / 1e6], "ms")
        report.add(
            "overload.receipt.p99", [Double(receipts.value(atPermille: 990)) / 1e6], "ms")
        let stopped = outcome.began + Int64(seconds * 1e9)
        report.add("overload.drained.receipts", [Double(lastReceipt - stopped) / 1e6], "ms")
        report.add("overload.drained.settled", [Double(settled - stopped) / 1e6], "ms")
        for service in Deployment.services {
            let (early, late) = sights[service] ?? (0, 0)
            report.add("overload.peak.\(service)", [max(early, late)], "MB")
            report.add("overload.growth.\(service)", [late - early], "MB, second half on first")
        }
        try report.keep(also: options.json)
    }

    private func rate(of outcome: Publisher.Outcome, until end: Int64) -> Double {
        Double(outcome.accepted + outcome.duplicates) / (Double(end - outcome.began) / 1e9)
    }
}
