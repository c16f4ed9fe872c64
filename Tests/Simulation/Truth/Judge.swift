import GRDB
import Greenctl
import Messages
import Model
import SimulatedDisk
import Storage
import Streams
import SwiftProtobuf
import Wire

/// Holds what the services came to against what the reference comes to, and lets the audit prove
/// the rest.
struct Judge {
    private let world: World

    init(_ world: World) { self.world = world }

    /// At the end: everything balances to the last event, and is what the reference says.
    func judge() throws {
        let stores = try openStores()
        try audit(stores, full: true)
        let found = try stores.read { try CanonicalDump($0).text() }
        try stores.close()
        let expected = try expectedDump()
        guard found != expected else { return }
        throw Violation("oracle", Self.difference(found, expected))
    }

    /// At any moment: I3, what consumers have applied is what their publishers had published there.
    func auditQuickly() throws {
        let stores = try openStores()
        try audit(stores, full: false)
        try stores.close()
    }

    private func openStores() throws -> StoreSet {
        try StoreSet {
            try StoreReader(path: world.machine($0).disk.path("\($0.rawValue).sqlite"))
        }
    }

    private func audit(_ stores: StoreSet, full: Bool) throws {
        let report = try Audit(stores: stores, full: full).run()
        guard report.holds else {
            throw Violation("audit", report.finding ?? "the books do not balance")
        }
    }

    // MARK: What must be

    /// What happened at one place of a partition, and what was decided after it.
    private struct Happening {
        var report: Report?
        var dayEnded: LocalDay?
        var decisions: [Reference.Decision] = []
    }

    private func expectedDump() throws -> String {
        var rows = (
            events: [String](), periods: [String](), lots: [String](), balances: [String](),
            vouchers: [String](), profiles: [String]()
        )
        for partition in 0..<world.scenario.partitions {
            var reference = Reference(rules: world.rules.reference)
            let happenings = try happenings(in: partition)
            for place in happenings.keys.sorted() {
                guard let happening = happenings[place] else { continue }
                if let report = happening.report {
                    guard let resident = report.resident.flatMap({ world.city.residents[$0] })
                    else { throw Violation("receipts", "\(report.id) of a stranger counts") }
                    reference.accept(report, by: resident.rawValue)
                }
                if let day = happening.dayEnded { reference.end(day) }
                for decision in happening.decisions { try reference.carryOut(decision) }
            }
            rows.events += reference.eventRows
            rows.periods += reference.periodRows
            rows.lots += reference.lotRows
            rows.balances += reference.balanceRows
            rows.vouchers += reference.voucherRows
            rows.profiles += reference.profileRows
        }
        func array(_ rows: [String]) -> String {
            "[" + rows.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.joined(separator: ",")
                + "]"
        }
        return "{\"creditProfile\":{\"profiles\":\(array(rows.profiles))},"
            + "\"ingestion\":{\"events\":\(array(rows.events))},"
            + "\"rewards\":{\"balances\":\(array(rows.balances)),\"lots\":\(array(rows.lots)),"
            + "\"vouchers\":\(array(rows.vouchers))},"
            + "\"scoring\":{\"periods\":\(array(rows.periods))}}"
    }

    private func happenings(in partition: Int) throws -> [UInt64: Happening] {
        var happenings: [UInt64: Happening] = [:]
        for entry in world.receipts.entries where entry.place.partition == partition {
            happenings[entry.place.sequence, default: Happening()].report = entry.report
        }
        var lastDay: Int32?
        try forEachEvent(of: .behaviour, partition) { sequence, bytes in
            let event = try BehaviourEvent(serializedBytes: bytes)
            if case .dayEnded(let ended) = event.payload {
                world.coverage.reach(.dayEnded)
                if let last = lastDay, ended.day != last + 1 {
                    throw Violation(
                        "days",
                        "after \(LocalDay(last)) not the next day ended, but "
                            + "\(LocalDay(ended.day))")
                }
                lastDay = ended.day
                happenings[sequence, default: Happening()].dayEnded = LocalDay(ended.day)
            } else if happenings[sequence]?.report == nil {
                throw Violation(
                    "I7", "behaviour/\(partition)/\(sequence) counts, and nobody holds its receipt")
            }
        }
        try forEachEvent(of: .redemption, partition) { _, bytes in
            let event = try RedemptionEvent(serializedBytes: bytes)
            guard let decision = decision(event) else { return }
            happenings[event.inputCursor, default: Happening()].decisions.append(decision)
        }
        try forEachEvent(of: .profile, partition) { _, bytes in
            let event = try ProfileEvent(serializedBytes: bytes)
            switch event.payload {
            case .consentChanged(let change):
                happenings[event.inputCursor, default: Happening()].decisions.append(
                    .consent(
                        resident: event.resident, granted: change.granted,
                        history: change.history))
            case .profilePublished:
                world.coverage.reach(.profilePublished)
            case .profileWithdrawn, nil:
                break
            }
        }
        return happenings
    }

    private func decision(_ event: RedemptionEvent) -> Reference.Decision? {
        func parts(_ lots: [LotPart]) -> [Reference.Part] {
            lots.map { Reference.Part(day: LocalDay($0.earnedDay), points: $0.points) }
        }
        switch event.payload {
        case .orderFilled(let order):
            world.coverage.reach(.orderFilled)
            return .filled(
                resident: event.resident, item: order.item, price: order.points,
                parts: parts(order.lots), order: Array(event.id))
        case .orderCancelled(let order):
            world.coverage.reach(.orderCancelled)
            return .cancelled(
                resident: event.resident, item: order.item, restored: parts(order.restored),
                order: Array(event.id))
        case .pointsExpired:
            world.coverage.reach(.pointsExpired)
            return nil
        case .debtChanged, .catalogueLoaded, nil:
            return nil
        }
    }

    private func forEachEvent(
        of stream: StreamName, _ partition: Int, _ visit: (UInt64, EventBytes) throws -> Void
    ) throws {
        for (first, body) in world.witness.bodies(of: stream, partition: partition) {
            var sequence = first
            try BlockBody.forEachEvent(in: body) { bytes in
                try visit(sequence, bytes)
                sequence += 1
            }
        }
    }

    // MARK: The first difference

    private static func difference(_ found: String, _ expected: String) -> String {
        let (found, expected) = (Array(found.utf8), Array(expected.utf8))
        let common = zip(found, expected).prefix { $0 == $1 }.count
        func excerpt(_ text: [UInt8]) -> String {
            let from = max(0, common - 80)
            return String(decoding: text[from..<min(text.count, common + 80)], as: UTF8.self)
        }
        return "the services came to …\(excerpt(found))…, and the reference to "
            + "…\(excerpt(expected))…"
    }
}
