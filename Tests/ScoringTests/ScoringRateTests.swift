import Foundation
import GRDB
import Messages
import Model
import Scoring
import Storage
import Streams
import SwiftProtobuf
import Testing
import Wire

/// How fast scoring applies, on a file store; run with `GREENSEASON_MEASURE=1`.
@Suite(
    .serialized,
    .enabled(
        if: ProcessInfo.processInfo.environment["GREENSEASON_MEASURE"] != nil,
        "a measurement, not a check"))
struct ScoringRateTests {
    static let residents: Int64 = 50_000
    static let blockEvents = 500

    @Test(arguments: [2_000, 5_000, 20_000])
    func `events of a city day are applied, decode and commit included`(
        transactionEvents: Int
    ) throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("scoring-rate-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let store = try Store(
            path: folder.appendingPathComponent("scoring.sqlite").path,
            migrations: House.migrations)
        let house = try House(registry: try Registries.deployed(), store: store)
        let blocks = try Self.blocks(events: 300_000, for: house)
        let domain = TimedDomain(
            try ScoringDomain(database: store.writer, registry: house.registry, city: "beijing"))
        let writer = try Writer(
            identity: house.writer.identity, database: store.writer, domain: domain,
            now: { Instant(milliseconds: 0) })

        let clock = ContinuousClock()
        let decoding = try clock.measure {
            for block in blocks {
                try BlockBody.forEachEvent(in: block.block.body) {
                    _ = try BehaviourEvent(serializedBytes: $0)
                }
            }
        }
        var rest = blocks[...]
        var applied = 0
        let processorBefore = processorTime()
        let applying = try clock.measure {
            while !rest.isEmpty {
                let group = rest.prefix(transactionEvents / Self.blockEvents)
                rest = rest.dropFirst(group.count)
                applied += try writer.commit(group.map { .block($0) }).eventsApplied
            }
        }
        let processor = processorTime() - processorBefore
        func micros(_ duration: Duration) -> String {
            String(format: "%.2f", duration / .microseconds(applied))
        }
        print(
            "transactions of \(transactionEvents): \(micros(applying)) µs an event",
            "(processor \(micros(processor))): decode \(micros(decoding)),",
            "apply \(micros(domain.applying)), flush \(micros(domain.flushing)),",
            "the rest in log and commit")
        #expect(try house.records { try $0.balance().holds })
        try store.close()
    }

    /// Rides, walks and meals of many residents over three days.
    static func blocks(events: Int, for house: House) throws -> [ReceivedBlock] {
        var numbers = SeededNumbers(seed: 1)
        let kinds = [
            ("cycling", "km", 4_000_000), ("metro", "km", 12_000_000), ("walking", "step", 9_000),
            ("no_disposable_tableware", "order", 1), ("bus", "trip", 1),
        ]
        let start = accepted("cycling", "1", "km").eventTimeMs
        return try (0..<events / blockEvents).map { block in
            try house.block(
                (0..<blockEvents).map { offset in
                    let kind = kinds[Int.random(in: 0..<kinds.count, using: &numbers)]
                    var event = BehaviourEvent()
                    event.schema = 1
                    event.resident = .random(in: 1...residents, using: &numbers)
                    // Spread over the 63 bits, as identities are.
                    event.resident = event.resident &* 0x1E37_79B9_7F4A_7C15 & Int64.max
                    event.eventTimeMs =
                        start + Int64(block * blockEvents + offset) * 259_200_000 / Int64(events)
                    event.idHigh = .random(in: .min ... .max, using: &numbers)
                    event.idLow = .random(in: .min ... .max, using: &numbers)
                    event.accepted.behaviour = kind.0
                    event.accepted.unit = kind.1
                    let most = kind.2 < 10_000 ? kind.2 * 1_000_000 : kind.2
                    event.accepted.quantityMillionths =
                        kind.2 == 1 ? 1_000_000 : .random(in: 1...Int64(most), using: &numbers)
                    event.accepted.endedMs = event.eventTimeMs + 600_000
                    event.accepted.evidence = 1
                    return event
                })
        }
    }
}

/// What this process has used of the processor, in all its threads.
private func processorTime() -> Duration {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
}

/// The domain, with a watch on what it does.
private final class TimedDomain: Domain {
    typealias Input = BehaviourEvent
    typealias Errand = Never
    typealias ErrandResult = Never

    private let domain: ScoringDomain
    private let clock = ContinuousClock()
    private(set) var applying = Duration.zero
    private(set) var flushing = Duration.zero

    init(_ domain: ScoringDomain) { self.domain = domain }

    func apply(
        _ event: BehaviourEvent, at position: EventPosition, in transaction: Transaction
    ) throws {
        applying += try clock.measure { try domain.apply(event, at: position, in: transaction) }
    }

    func handle(_ command: CommandMessage, in transaction: Transaction) throws -> ReplyMessage {
        try domain.handle(command, in: transaction)
    }

    func flush(in transaction: Transaction) throws {
        flushing += try clock.measure { try domain.flush(in: transaction) }
    }

    func committed() { domain.committed() }

    func rolledBack(to database: Database) { domain.rolledBack(to: database) }
}
