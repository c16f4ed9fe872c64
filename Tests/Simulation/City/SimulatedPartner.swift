import Foundation
import Greenctl
import Model
import StreamsTestKit

/// A partner that keeps to the protocol badly: it reorders, repeats, gives up and comes back, and
/// still ends with a receipt for everything.
final class SimulatedPartner {
    let company: Cast.Company
    private unowned let world: World
    private var chance: Chance
    private var entries: [Entry] = []
    private var inFlight: [UInt64: InFlight] = [:]
    private var connection: UInt64
    private var nextRequest: UInt64 = 1
    private var pausedUntil: Int64 = 0
    /// Whether the edge gave any credit when it last spoke of it.
    private var hasCredit = true

    private struct Entry {
        var report: Report
        var standing: Standing
    }

    private enum Standing: Equatable {
        case waiting
        case sent
        case done(at: Int64)
    }

    private struct InFlight {
        var entries: [Int]
        var sentAt: Int64
    }

    init(_ company: Cast.Company, number: Int, in world: World) {
        self.company = company
        self.world = world
        chance = Chance(seed: world.scenario.seed &+ UInt64(number) << 48, for: "partner")
        connection = UInt64(number) << 32 | 1
    }

    var isSettled: Bool {
        entries.allSatisfy { if case .done = $0.standing { true } else { false } }
    }

    var unsettled: String {
        let open = entries.filter { if case .done = $0.standing { false } else { true } }
        return "\(open.count) reports of \(company.id)"
    }

    func take(_ report: Report) { entries.append(Entry(report: report, standing: .waiting)) }

    /// Breaks the connection: whatever is in it never arrives.
    func reconnect() {
        connection += 1
        for request in inFlight.keys.sorted() { giveUp(request) }
    }

    /// Receipts given since `moment` came from a disk that was thrown away: all is sent again.
    func forget(since moment: Int64) {
        reconnect()
        for index in entries.indices {
            guard case .done(let at) = entries[index].standing, at >= moment else { continue }
            entries[index].standing = .waiting
        }
    }

    // MARK: What it sends

    func turn() {
        let overdue = inFlight.filter { world.now - $0.value.sentAt > 5_000 }.keys.sorted()
        if !overdue.isEmpty {
            connection += 1
            for request in overdue { giveUp(request) }
        }
        guard world.now >= pausedUntil else { return }
        guard hasCredit else {
            pausedUntil = world.now + 1_000
            send("PING", "{}")
            return
        }
        guard inFlight.count < 4, chance.once(in: 3) else { return }
        let waiting = entries.indices.filter { entries[$0].standing == .waiting }
        var batch = Array(waiting.shuffled(using: &chance).prefix(chance.draw(1...8)))
        guard !batch.isEmpty else { return }
        // What has its receipt is sent once more: that is always safe.
        if chance.once(in: 6), let old = entries.indices.randomElement(using: &chance),
            case .done = entries[old].standing
        {
            world.coverage.reach(.resent)
            batch.append(old)
        }
        publish(batch)
    }

    private func publish(_ batch: [Int]) {
        let bodies = batch.map { String(decoding: entries[$0].report.body, as: UTF8.self) }
        let body =
            batch.count == 1 && chance.once(in: 2)
            ? bodies[0] : "[" + bodies.joined(separator: ",") + "]"
        for index in batch { entries[index].standing = .sent }
        let request = send("PUBLISH", body)
        inFlight[request] = InFlight(entries: batch, sentAt: world.now)
    }

    private func giveUp(_ request: UInt64) {
        guard let given = inFlight.removeValue(forKey: request) else { return }
        world.coverage.reach(.resent, given.entries.count)
        for index in given.entries where entries[index].standing == .sent {
            entries[index].standing = .waiting
        }
    }

    @discardableResult
    private func send(_ verb: String, _ body: String) -> UInt64 {
        let request = nextRequest
        nextRequest += 1
        send(["GSP1", verb, "\(request)", body].map { Array($0.utf8) })
        return request
    }

    private func send(_ frames: [[UInt8]]) {
        world.edge.messages.put(
            EdgeLine.Message(partner: company.id, connection: connection, frames: frames),
            arrival: world.arrival())
    }

    /// Sends far beyond any credit: the edge may shut this partner out for a minute.
    func overdraw() {
        let body = "[" + Array(repeating: "{}", count: 1_000).joined(separator: ",") + "]"
        for _ in 0..<chance.draw(5...16) { send("PUBLISH", body) }
    }

    /// Sends what is no message, or no body.
    func talkNonsense() {
        send([Array("GSP1".utf8)])
        send(["GSP9", "PING", "x", "{}"].map { Array($0.utf8) })
        send("PONG", "{}")
        send("PUBLISH", "[{]")
        send("PUBLISH", chance.once(in: 2) ? "" : "[1,]")
        send("PING", "no JSON")
    }

    // MARK: What it hears

    func hear(_ frames: [[UInt8]], over connection: UInt64) throws {
        // An answer over a connection that was given up is never read.
        guard connection == self.connection, frames.count == 4 else { return }
        let request = UInt64(String(decoding: frames[2], as: UTF8.self))
        let body = try JSONSerialization.jsonObject(with: Data(frames[3])) as? [String: Any]
        if let credit = body?["credit"] as? [String: Int] {
            hasCredit = credit["events"] ?? 0 > 0
        }
        switch String(decoding: frames[1], as: UTF8.self) {
        case "RECEIPTS":
            guard let request, let batch = inFlight.removeValue(forKey: request) else { return }
            let receipts = body?["receipts"] as? [[String: Any]] ?? []
            guard receipts.count == batch.entries.count else {
                throw Violation(
                    "receipts", "\(receipts.count) for \(batch.entries.count) events")
            }
            for (index, receipt) in zip(batch.entries, receipts) { try take(receipt, for: index) }
        case "ERROR":
            switch body?["code"] as? String {
            case "busy": world.coverage.reach(.busy)
            case "unavailable": world.coverage.reach(.unavailable)
            default: world.coverage.reach(.badFrame)
            }
            guard let request, inFlight[request] != nil else { return }
            guard body?["retryable"] as? Bool == true else {
                throw Violation("receipts", "an honest batch was refused: \(body ?? [:])")
            }
            pausedUntil = world.now + Int64(body?["retryAfterMs"] as? Int ?? 1_000)
            hasCredit = body?["code"] as? String != "busy"
            giveUp(request)
        default:
            break
        }
    }

    private func take(_ receipt: [String: Any], for index: Int) throws {
        let report = entries[index].report
        guard let status = receipt["status"] as? String else {
            throw Violation("receipts", "one has no status")
        }
        switch status {
        case "accepted", "duplicate":
            world.coverage.reach(status == "accepted" ? .accepted : .duplicate)
            guard let text = receipt["position"] as? String, let place = Self.place(text) else {
                throw Violation("receipts", "\(status) without a position")
            }
            try world.note(report, at: place)
        case "rejected":
            world.coverage.reach(.rejected)
            if receipt["code"] as? String == "conflict" { world.coverage.reach(.conflicting) }
            if world.receipts.counts(report) {
                throw Violation("I8", "\(report.id) was accepted, and rejected when sent again")
            }
        default:
            throw Violation("receipts", "\(status) is no status of this version")
        }
        entries[index].standing = .done(at: world.now)
    }

    private static func place(_ text: String) -> ReceiptBook.Place? {
        let parts = text.split(separator: "/")
        guard parts.count == 2, let partition = Int(parts[0]), let sequence = UInt64(parts[1])
        else { return nil }
        return ReceiptBook.Place(partition: partition, sequence: sequence)
    }
}
