import ArgumentParser
import Foundation
import Messages
import Model
import ServiceKit
import Storage
import Streams
import ZeroMQ

struct PublishCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish",
        abstract: "Publishes recorded events as their partners would, and waits for receipts.",
        discussion: """
            Speaks GSP/1 over CURVE with each partner's own key. A line of the file is an event \
            wrapped with its partner, {"partner":"…","event":{…}}; a bare CloudEvent, for \
            --partner; or {"clock":"…"}, which sets ingestion's manual clock, unless that is later \
            already, once every earlier event has its receipt. Publishing again is always safe: \
            what was accepted is found to be a duplicate. Rejected events do not fail the command.
            """)

    @Argument(help: "A .jsonl file, or a city folder with its day.jsonl.") var path: String
    @Option(help: ArgumentHelp("Whose the events are that name no partner.", valueName: "id"))
    var partner: String?
    @Option(help: ArgumentHelp("Where partners' keys lie, as <id>.key.", valueName: "folder"))
    var keys: String?
    @Option(help: ArgumentHelp("The edge of another host, tcp://…", valueName: "endpoint"))
    var edge: String?
    @Option(help: ArgumentHelp("That edge's public key.", valueName: "z85"))
    var edgeKey: String?
    @Option(help: ArgumentHelp("Write every receipt here, a JSON line each.", valueName: "file"))
    var receipts: String?
    @Option(help: ArgumentHelp("Publish no more than this a second.", valueName: "events"))
    var rate: Int?
    @Option(help: ArgumentHelp("Fail after this long without any answer.", valueName: "span"))
    var patience = TimeSpan.minute
    @OptionGroup var common: CommonOptions

    func validate() throws {
        if let rate, rate < 1 { throw ValidationError("--rate takes 1 or more events a second") }
        guard (edge == nil) == (edgeKey == nil) else {
            throw ValidationError("--edge and --edge-key belong together")
        }
        if let edgeKey, PublicKey(z85: edgeKey) == nil {
            throw ValidationError("--edge-key takes a CURVE key: 40 characters of Z85")
        }
    }

    func perform(at desk: Desk) throws {
        let partnerKeys = keys.map(PartnerKeys.init(folder:)) ?? PartnerKeys(of: desk.folder)
        let file = try recordedDay()
        let start = MonotonicClock.milliseconds()
        var bar = try progressBar(for: file, at: desk, now: start)
        let log = try receipts.map { try ReceiptLog(path: $0) }

        var callbacks = DayPublisher.Callbacks(
            keys: partnerKeys.keys(of:),
            setClock: { try Self.setClock(to: $0, at: desk) })
        callbacks.progressed = { bar?.show($0, at: MonotonicClock.milliseconds()) }
        callbacks.received = { try log?.write($0, $1) }
        callbacks.fellSilent = { partner in
            bar?.clear()
            desk.remark(
                "\(partner): no answer in 5 s: key unknown or service down; connecting anew until "
                    + "it answers"
            )
        }
        let publisher = DayPublisher(
            edge: try edge(in: desk.folder), in: try Context(),
            patienceMilliseconds: patience.milliseconds, eventsPerSecondMax: rate,
            callbacks: callbacks)
        var reader = try CityStepReader(path: file)
        defer { bar?.clear() }
        do {
            try publisher.publish(as: partner) { try reader.nextStep() }
        } catch let failure as CityStepReader.Failure {
            throw Failure(.refused, "\(failure)")
        }
        try log?.finish()
        bar?.clear()
        bar = nil
        let summary = PublishSummary(
            publisher.tallies, milliseconds: MonotonicClock.milliseconds() - start)
        try desk.show(summary, as: \.lines)
    }

    /// Sets ingestion's clock, or leaves it where an earlier replay of the day has brought it.
    private static func setClock(to instant: Instant, at desk: Desk) throws {
        do {
            _ = try desk.services.order(
                .ingestion, MoveClock(move: .set(instant)), key: .random())
        } catch let failure as Failure where failure.code == "clock_backwards" {
            return
        }
    }

    private func recordedDay() throws -> String {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw Failure(
                .refused, "\(path) is not there: `greenctl generate-day` makes a day to publish")
        }
        return isFolder.boolValue ? path + "/day.jsonl" : path
    }

    private func edge(in folder: DataFolder) throws -> DayPublisher.Edge {
        if let edge, let key = edgeKey.flatMap(PublicKey.init(z85:)) {
            return DayPublisher.Edge(endpoint: edge, key: key)
        }
        let file = try RunFile.load(.ingestion, in: folder)
        guard let key = PublicKey(z85: try file.endpoint("edgeKey", in: folder)) else {
            throw Failure(
                .configuration,
                "\(folder.runFile(of: file.service)) holds no key of the edge: restart ingestion, "
                    + "or give --edge and --edge-key")
        }
        return DayPublisher.Edge(endpoint: try file.endpoint("edge", in: folder), key: key)
    }

    private func progressBar(for file: String, at desk: Desk, now: Int64) throws -> ProgressBar? {
        guard desk.isWatched, !desk.wantsJSON else { return nil }
        let bytes = try Data(contentsOf: URL(fileURLWithPath: file), options: .alwaysMapped)
        let total = bytes.withUnsafeBytes { $0.count { $0 == UInt8(ascii: "\n") } }
        return ProgressBar(total: total, on: desk.errors, at: now)
    }
}

/// Every receipt as a JSON line: `{"partner":"…","receipt":{…}}`.
private final class ReceiptLog {
    private var file: OutputFile

    init(path: String) throws { file = try OutputFile(path: path) }

    func write(_ partner: String, _ receipts: PublishSession.Receipts) throws {
        let opening = Array("{\"partner\":\"\(partner)\",\"receipt\":".utf8)
        receipts.forEach { receipt in
            file.buffer += opening
            file.buffer += receipt
            file.buffer += Array("}\n".utf8)
        }
        try file.flushIfFull()
    }

    func finish() throws { try file.flush() }
}

/// What a whole day came to.
private struct PublishSummary: Encodable {
    var events = 0
    var statuses: [String: Int] = [:]
    var rejections: [String: Int] = [:]
    var errors: [String: Int] = [:]
    var resent = 0
    var milliseconds: Int64
    var eventsPerSecond: Int64
    var partners: [String: [String: Int]] = [:]

    init(_ tallies: [String: PublishTally], milliseconds: Int64) {
        var sum = PublishTally()
        for (partner, tally) in tallies {
            sum.add(tally)
            partners[partner] = tally.statuses
        }
        events = sum.answered
        statuses = sum.statuses
        rejections = sum.rejections
        errors = sum.errors
        resent = sum.resent
        self.milliseconds = milliseconds
        eventsPerSecond = Int64(sum.answered) * 1_000 / max(1, milliseconds)
    }

    var lines: [String] {
        var table = Table("STATUS", ">EVENTS", "WHY")
        let order = ["accepted", "duplicate", "parked", "rejected"]
        let known = order.filter { statuses[$0] != nil }
        for status in known + statuses.keys.filter({ !order.contains($0) }).sorted() {
            table.add(status, Wording.count(statuses[status] ?? 0), "")
            guard status == "rejected" else { continue }
            for (code, count) in rejections.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) })
            {
                table.add("", Wording.count(count), code)
            }
        }
        for (code, count) in errors.sorted(by: { $0.key < $1.key }) {
            table.add("error", Wording.count(count), code)
        }
        var last =
            "\(Wording.plural(events, "event")) of \(Wording.plural(partners.count, "partner")) "
            + "in \(Wording.seconds(milliseconds)), "
            + "\(Wording.count(eventsPerSecond))/s"
        if resent > 0 { last += "; \(Wording.count(resent)) sent more than once" }
        return table.lines + [last]
    }
}
