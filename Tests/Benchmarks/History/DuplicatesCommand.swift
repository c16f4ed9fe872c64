import ArgumentParser
import Foundation
import GRDB
import Ingestion
import Storage
import Streams

/// What finding duplicates for ever costs, as ids come to be many.
struct DuplicatesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "duplicates", abstract: "The index of ids at 1, 10 and 30 million.")

    enum Defaults {
        static let ids = [1_000_000, 10_000_000, 30_000_000]
        static let transactionIDs = 2_000
        static let probes = 200_000
        static let known = 20_000
    }

    @OptionGroup var options: MeasureOptions
    @Option(help: ArgumentHelp("How many ids; may be repeated.", valueName: "count"))
    var ids: [Int] = Defaults.ids

    func run() throws {
        var report = try Report(
            "duplicates", settings: ["ids": ids.map(Wording.grouped).joined(separator: " ")])
        let path = Places.scratch("ids")
        let store = try Store(path: path, migrations: IngestionStore.migrations)
        defer {
            for suffix in ["", "-wal", "-shm", ".lock"] {
                try? FileManager.default.removeItem(atPath: path + suffix)
            }
        }
        let index = try store.writer.read { try DuplicateIndex(database: $0) }
        var generator = SplitMix64(seed: 1)
        var sequence: UInt64 = 0
        for count in ids.sorted() {
            let place = "duplicates.\(Wording.grouped(count))"
            let added = count - index.count
            guard added > 0 else { continue }
            let adding = try nanoseconds {
                while index.count < count {
                    try add(Defaults.transactionIDs, to: index, in: store, &generator, &sequence)
                }
            }
            report.add(place + ".add", [adding / Double(added)], "ns an id")
            let probes = (0..<Defaults.probes).map { _ in generator.nextDigest() }
            report.add(place + ".new", [try looking(for: probes, index, store)], "ns a look")
            var again = SplitMix64(seed: 1)
            let known = (0..<Defaults.known).map { _ in again.nextDigest() }
            report.add(place + ".known", [try looking(for: known, index, store)], "ns a look")
            report.add(place + ".memory", [Double(index.byteCount) / 1_048_576], "MB")
        }
        let rebuilding = try nanoseconds {
            _ = try store.writer.read { try DuplicateIndex(database: $0).count }
        }
        report.add("duplicates.rebuild", [rebuilding / 1e6], "ms")
        try store.close()
        try report.keep(also: options.json)
    }

    private func add(
        _ count: Int, to index: DuplicateIndex, in store: Store,
        _ generator: inout SplitMix64, _ sequence: inout UInt64
    ) throws {
        for _ in 0..<count {
            sequence += 1
            index.note(
                generator.nextDigest(), content: Digest128(high: 1, low: 2), partition: 0,
                sequence: sequence)
        }
        try store.writer.write { try index.flush(in: $0) }
        index.committed()
    }

    private func looking(
        for digests: [Digest128], _ index: DuplicateIndex, _ store: Store
    ) throws -> Double {
        try nanoseconds {
            try store.writer.write { database in
                for digest in digests { _ = try index.find(digest, in: database) }
            }
        } / Double(digests.count)
    }

    private func nanoseconds(_ body: () throws -> Void) rethrows -> Double {
        let before = Stopwatch.threadTime
        try body()
        return Double(Stopwatch.threadTime - before)
    }
}

extension SplitMix64 {
    fileprivate mutating func nextDigest() -> Digest128 {
        Digest128(high: next(), low: next())
    }
}
