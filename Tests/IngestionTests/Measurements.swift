import Foundation
import GRDB
import Ingestion
import Messages
import Model
import Storage
import Streams
import Testing

/// Figures rather than verdicts, in processor time: run with `GREENSEASON_MEASURE=1`.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["GREENSEASON_MEASURE"] != nil))
struct Measurements {
    /// What `body` takes of this thread's processor: other work on the machine does not count.
    private func nanoseconds(_ body: () throws -> Void) rethrows -> Double {
        func processorTime() -> Double {
            var time = timespec()
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
            return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
        }
        let start = processorTime()
        try body()
        return processorTime() - start
    }

    private func residentKibibytes() throws -> Int {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS") }
        return line.flatMap { Int($0.filter(\.isNumber)) } ?? 0
    }

    @Test func `reading events`() throws {
        var decoder = BatchDecoder(catalogue: try testCatalogue(), secrets: testSecrets())
        let bodies = try (0..<20).map { batch in
            Array(array(try (0..<1_000).map { try ride.named("order-\(batch)-\($0)") }).utf8)
        }
        for round in 1...3 {
            let time = try nanoseconds {
                for body in bodies { _ = try decoder.decode(body, of: "qingju", arrived: noon) }
            }
            print(
                "measured: reading, round \(round): \(Int(time / 20_000)) ns an event of "
                    + "\(bodies[0].count / 1_000) bytes")
        }
    }

    @Test func `finding duplicates`() throws {
        let folder = try TemporaryFolder()
        let store = try Store(
            path: "\(folder.path)/d.sqlite", migrations: IngestionStore.migrations)
        let before = try residentKibibytes()
        let index = try store.writer.read { try DuplicateIndex(database: $0) }
        var generator = SplitMix64(seed: 1)
        let content = Digest128(high: 1, low: 2)
        var sequence: UInt64 = 1
        for goal in [1_000_000, 10_000_000, 30_000_000] {
            var inserting = 0.0
            var writing = 0.0
            let start = index.count
            while index.count < goal {
                let ids = (0..<2_000).map { _ in
                    Digest128(high: generator.next(), low: generator.next())
                }
                inserting += nanoseconds {
                    for id in ids {
                        index.note(id, content: content, partition: 0, sequence: sequence)
                        sequence += 1
                    }
                }
                writing += try nanoseconds {
                    try store.writer.write { try index.flush(in: $0) }
                }
                inserting += nanoseconds { index.committed() }
            }
            let probes = (0..<200_000).map { _ in
                Digest128(high: generator.next(), low: generator.next())
            }
            let looking = try nanoseconds {
                try store.writer.write { database in
                    for probe in probes { _ = try index.find(probe, in: database) }
                }
            }
            let count = Double(index.count - start)
            let figures = [
                "note and remember \(Int(inserting / count)) ns",
                "write \(Int(writing / count)) ns",
                "look for a new id \(Int(looking / Double(probes.count))) ns",
                "tables \(index.byteCount >> 20) MiB in \(index.generationCount) generations",
                "process grew \((try residentKibibytes() - before) >> 10) MiB",
            ]
            print("measured: \(index.count) ids: \(figures.joined(separator: ", "))")
        }
        var again = SplitMix64(seed: 1)
        let known = (0..<20_000).map { _ in Digest128(high: again.next(), low: again.next()) }
        var shuffler = SplitMix64(seed: 2)
        for (name, ids) in [("in order", known), ("shuffled", known.shuffled(using: &shuffler))] {
            let looking = try nanoseconds {
                try store.writer.write { database in
                    for id in ids { _ = try index.find(id, in: database) }
                }
            }
            print("measured: duplicates found \(name): \(Int(looking / 20_000)) ns")
        }
        let rebuilding = try nanoseconds {
            _ = try store.writer.read { try DuplicateIndex(database: $0).count }
        }
        print("measured: rebuilt in \(Int(rebuilding / 1_000_000)) ms")
    }

    @Test func `taking events in`() throws {
        let folder = try TemporaryFolder()
        let store = try Store(
            path: "\(folder.path)/i.sqlite", migrations: IngestionStore.migrations)
        let ingestion = try TestIngestion(on: store)
        try ingestion.carryOut(
            AddPartner(
                id: "qingju", sources: ["urn:partner:qingju"], behaviours: ["cycling"],
                publicKey: keyText("1")))
        for page in 0..<50 {
            try ingestion.carryOut(
                ImportBindings(
                    rows: (0..<1_000).map {
                        .init(
                            partner: "qingju", subject: "s\(page * 1_000 + $0)",
                            resident: "r\(page * 1_000 + $0)")
                    }))
        }
        var generator = SplitMix64(seed: 3)
        for round in 1...5 {
            var batches: [PartnerBatch] = []
            for _ in 0..<50 {
                let events = try (0..<1_000).map { _ in
                    try ride.named(String(generator.next(), radix: 16))
                        .with("\"s1\"", "\"s\(generator.next() % 50_000)\"")
                }
                batches.append(try ingestion.batch(array(events)))
            }
            let time = try nanoseconds {
                for pair in stride(from: 0, to: 50, by: 2) {
                    try ingestion.commit([
                        .errand(.batch(batches[pair]), 1), .errand(.batch(batches[pair + 1]), 2),
                    ])
                }
            }
            print(
                "measured: writer, round \(round): \(Int(time / 50_000)) ns an event, "
                    + "2,000 a commit")
        }
        let counts = try ingestion.records { try $0.totals() }
        #expect(counts.accepted == 250_000)
    }
}
