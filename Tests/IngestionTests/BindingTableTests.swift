import Ingestion
import Model
import Streams
import Testing

/// The memory of whom subjects stand for: bounded, exact, and the least used goes first.
struct BindingTableTests {
    private func digest(_ number: UInt64, set: UInt64 = 0) -> Digest128 {
        Digest128(high: number, low: number << 32 | set)
    }

    private func resident(_ number: UInt64) throws -> ResidentID {
        try #require(ResidentID(rawValue: Int64(number)))
    }

    @Test func `what it answers was said last, and it seldom forgets below its bound`() throws {
        let seed = UInt64.random(in: .min ... .max)
        var chance = SplitMix64(seed: seed)
        var table = BindingTable()
        var expected: [Digest128: UInt64] = [:]
        var forgotten = 0
        let steps = 50_000
        for step in 0..<steps {
            // Few enough that names come again, and enough that the table doubles several times.
            var names = SplitMix64(seed: chance.next() % 12_000)
            let key = Digest128(high: names.next(), low: names.next())
            if let found = table.find(key) {
                try #require(found.resident.rawValue == expected[key].map(Int64.init), "\(seed)")
                try #require(found.partition == Int(found.resident.rawValue % 7), "\(seed)")
            } else if expected[key] != nil {
                forgotten += 1
                expected[key] = nil
            }
            if step % 4 == 0 {
                table.remove(key)
                expected[key] = nil
            } else if expected[key] == nil {
                let number = chance.next() % 1_000_000 + 1
                table.insert(key, resident: try resident(number), partition: Int(number % 7))
                expected[key] = number
            }
        }
        // Half full at most, one set in fifty has more than its eight.
        #expect(forgotten < steps / 50, "\(seed)")
        table.removeAll()
        #expect(table.count == 0)
        for key in expected.keys { try #require(table.find(key) == nil, "\(seed)") }
    }

    @Test func `it never grows beyond its bound`() throws {
        var table = BindingTable(placesMax: 2_048)
        for number in 1...UInt64(100_000) {
            var names = SplitMix64(seed: number)
            let key = Digest128(high: names.next(), low: names.next())
            table.insert(key, resident: try resident(number), partition: 0)
            #expect(table.find(key)?.resident.rawValue == Int64(number))
            #expect(table.count <= 2_048)
        }
        #expect(table.byteCount == 2_048 * 32)
    }

    @Test func `of a full set, the one not used for longest gives way`() throws {
        var table = BindingTable(placesMax: 8)
        for number in 1...UInt64(8) {
            table.insert(digest(number), resident: try resident(number), partition: 0)
        }
        #expect(table.find(digest(1)) != nil)
        table.insert(digest(9), resident: try resident(9), partition: 0)
        #expect(table.find(digest(2)) == nil)
        #expect(table.find(digest(1))?.resident.rawValue == 1)
        #expect(table.count == 8)
    }

    @Test func `digests that agree in one half are told apart`() throws {
        var table = BindingTable(placesMax: 8)
        table.insert(Digest128(high: 1, low: 5), resident: try resident(1), partition: 0)
        #expect(table.find(Digest128(high: 2, low: 5)) == nil)
        #expect(table.find(Digest128(high: 1, low: 6)) == nil)
        table.remove(Digest128(high: 2, low: 5))
        #expect(table.find(Digest128(high: 1, low: 5))?.resident.rawValue == 1)
    }
}
