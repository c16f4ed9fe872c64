import Foundation
import GRDB
import Ingestion
import Storage
import Streams
import Testing

/// Duplicates are found for ever: through full generations, restarts and rollbacks.
@Suite struct DuplicateIndexTests {
    private static let small = DuplicateIndex.Sizes(
        firstSlots: 16, lastSlots: 256, idsPerRowMax: 7)

    private func store() throws -> Store {
        try Store.inMemory(migrations: IngestionStore.migrations)
    }

    private func digest(_ generator: inout SplitMix64) -> Digest128 {
        Digest128(high: generator.next(), low: generator.next())
    }

    @Test(arguments: [UInt64(1), 2, 3])
    func `an index of small generations agrees with a plain set`(seed: UInt64) throws {
        var generator = SplitMix64(seed: seed)
        let store = try store()
        var index = try store.writer.read { try DuplicateIndex(database: $0, sizes: Self.small) }
        var known: [Digest128: DuplicateIndex.Earlier] = [:]
        var order: [Digest128] = []
        var sequences: [UInt64] = [1, 1, 1]
        var restarts = 0
        for _ in 0..<400 {
            var added: [(Digest128, DuplicateIndex.Earlier)] = []
            let before = sequences
            let fails = Int.random(in: 0..<5, using: &generator) == 0
            do {
                try store.writer.write { database in
                    for _ in 0..<Int.random(in: 0...40, using: &generator) {
                        let identity = digest(&generator)
                        #expect(try index.find(identity, in: database) == nil)
                        let partition = Int.random(in: 0..<3, using: &generator)
                        // Something else was written in between: the run is cut.
                        if Int.random(in: 0..<10, using: &generator) == 0 {
                            sequences[partition] += 1
                        }
                        let earlier = DuplicateIndex.Earlier(
                            partition: partition, sequence: sequences[partition],
                            content: digest(&generator))
                        sequences[partition] += 1
                        index.note(
                            identity, content: earlier.content, partition: partition,
                            sequence: earlier.sequence)
                        added.append((identity, earlier))
                        #expect(try index.find(identity, in: database) == earlier)
                    }
                    if let old = order.randomElement(using: &generator) {
                        #expect(try index.find(old, in: database) == known[old])
                    }
                    try index.flush(in: database)
                    if fails { throw NotThere(text: "the disk") }
                }
                index.committed()
                for (identity, earlier) in added {
                    known[identity] = earlier
                    order.append(identity)
                }
            } catch is NotThere {
                index.rolledBack()
                sequences = before
                for (identity, _) in added {
                    #expect(try store.writer.read { try index.find(identity, in: $0) } == nil)
                }
            }
            if Int.random(in: 0..<40, using: &generator) == 0 {
                index = try store.writer.read {
                    try DuplicateIndex(database: $0, sizes: Self.small)
                }
                restarts += 1
            }
        }
        #expect(restarts > 2)
        #expect(known.count > 4_000)
        #expect(index.count == known.count)
        #expect(index.generationCount > 15, "generations of 16, 64 and then 256 slots were filled")
        try store.writer.read { database in
            for (identity, earlier) in known {
                let found = try index.find(identity, in: database)
                #expect(found == earlier)
            }
            for _ in 0..<2_000 {
                let found = try index.find(digest(&generator), in: database)
                #expect(found == nil)
            }
        }
    }

    @Test func `generations are filled well before the next one begins`() throws {
        var generator = SplitMix64(seed: 11)
        let store = try store()
        let sizes = DuplicateIndex.Sizes(
            firstSlots: 4_096, lastSlots: 4_096, idsPerRowMax: 2_048)
        let index = try store.writer.read { try DuplicateIndex(database: $0, sizes: sizes) }
        var sequence: UInt64 = 1
        while index.generationCount < 3 {
            try store.writer.write { database in
                for _ in 0..<64 {
                    index.note(
                        digest(&generator), content: digest(&generator), partition: 0,
                        sequence: sequence)
                    sequence += 1
                }
                try index.flush(in: database)
            }
            index.committed()
        }
        #expect(index.count > 2 * 4_096 * 94 / 100)
    }

    @Test func `ids that share fingerprint and buckets are told apart by their rows`() throws {
        let store = try store()
        let index = try store.writer.read { try DuplicateIndex(database: $0, sizes: Self.small) }
        // The same top and bottom bits: for the table these are one and the same.
        let ids = (0..<8).map { Digest128(high: 0xABCD << 48 | UInt64($0), low: UInt64($0) << 32) }
        let content = Digest128(high: 1, low: 1)
        for (offset, identity) in ids.dropLast().enumerated() {
            try store.writer.write { database in
                #expect(try index.find(identity, in: database) == nil)
                index.note(
                    identity, content: content, partition: 0, sequence: UInt64(offset + 1))
                try index.flush(in: database)
            }
            index.committed()
        }
        try store.writer.read { database in
            for (offset, identity) in ids.dropLast().enumerated() {
                let found = try index.find(identity, in: database)
                #expect(found?.sequence == UInt64(offset + 1))
            }
            let found = try index.find(ids[7], in: database)
            #expect(found == nil)
        }
    }

    @Test func `one transaction's run in a partition is one row`() throws {
        let store = try store()
        let index = try store.writer.read { try DuplicateIndex(database: $0) }
        var generator = SplitMix64(seed: 5)
        try store.writer.write { database in
            for sequence in 1...5_000 {
                index.note(
                    digest(&generator), content: digest(&generator), partition: sequence % 2,
                    sequence: UInt64(sequence + 1) / 2)
            }
            try index.flush(in: database)
        }
        let rows = try store.writer.read {
            try Row.fetchAll(
                $0,
                sql: "SELECT partition, first, length(ids) / 16 FROM accepted_ids ORDER BY row")
        }
        #expect(
            rows.map { [$0[0], $0[1], $0[2]] as [Int] }.sorted { $0.lexicographicallyPrecedes($1) }
                == [
                    [0, 1, 2_048], [0, 2_049, 452], [1, 1, 2_048], [1, 2_049, 452],
                ])
    }

    @Test func `a row that is not what was written is named`() throws {
        let store = try store()
        try store.writer.write {
            try $0.execute(
                sql: """
                    PRAGMA ignore_check_constraints = 1;
                    INSERT INTO accepted_ids VALUES (1, 0, 1, x'00', x'00')
                    """)
        }
        #expect(throws: IdentityRowDamaged.self) {
            try store.writer.read { try DuplicateIndex(database: $0) }
        }
    }
}
