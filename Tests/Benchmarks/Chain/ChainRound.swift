import Glibc

/// One pass over a fresh deployment: from the first PUBLISH until every cursor stands at its head.
struct ChainRound {
    var eventsPerSecond: Double
    var receiptsSeconds: Double
    var seconds: Double
    /// Microseconds of processor an event, by process; the load's own as `publisher`.
    var processor: [String: Double]
    var peakMegabytes: [String: Double]
    /// By how much the stores grew.
    var diskBytesPerEvent: Double
    var busy: Int

    var servicesProcessor: Double {
        Deployment.services.reduce(0) { $0 + (processor[$1] ?? 0) }
    }

    /// Starts the services, publishes `day`, and has the audit prove the end.
    init(_ day: PreparedDay, eventsMax: Int = .max) throws {
        let deployment = try Deployment()
        try deployment.start()
        try deployment.load(day)
        try self.init(day, on: deployment, eventsMax: eventsMax)
        try deployment.greenctl("audit")
    }

    /// Publishes `day` on a deployment whose clock stands behind it.
    init(_ day: PreparedDay, on deployment: Deployment, eventsMax: Int = .max) throws {
        let publisher = try Publisher(day, to: deployment)
        let bytes = try deployment.storeBytes
        let before = try deployment.usage()
        let own = Stopwatch.threadTime

        try publisher.publish(.asCredited, eventsMax: eventsMax)
        let ownAfter = Stopwatch.threadTime
        try deployment.awaitSettled()
        let settled = Stopwatch.now

        let after = try deployment.usage()
        let outcome = publisher.outcome
        let events = Double(outcome.accepted + outcome.duplicates)
        guard eventsMax < day.events || outcome.accepted == day.accepted else {
            throw Broken("\(outcome.accepted) accepted, and \(day.accepted) were to be")
        }
        seconds = Double(settled - outcome.began) / 1e9
        eventsPerSecond = events / seconds
        receiptsSeconds = outcome.seconds
        busy = outcome.busy
        diskBytesPerEvent = Double(try deployment.storeBytes - bytes) / events
        processor = ["publisher": Double(ownAfter - own) / 1_000 / events]
        peakMegabytes = after.mapValues(\.peakMegabytes)
        for (service, usage) in after {
            processor[service] =
                (usage.processorMicroseconds - (before[service]?.processorMicroseconds ?? 0))
                / events
        }
    }
}
