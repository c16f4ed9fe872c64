import Messages
import Streams
import Testing

struct BlockBodyTests {
    private func events(in body: [UInt8]) throws -> [[UInt8]] {
        var events: [[UInt8]] = []
        try BlockBody.forEachEvent(in: body) { event in
            events.append(event.withUnsafeBytes { Array($0) })
        }
        return events
    }

    private func body(of events: [[UInt8]]) -> [UInt8] {
        var body: [UInt8] = []
        for event in events { BlockBody.append(event, to: &body) }
        return body
    }

    @Test(arguments: [0, 1, 2, 127, 128, 129, 16_383, 16_384, 65_536, 1_048_576, 2_097_152])
    func `an event of any length comes back as it went in`(count: Int) throws {
        let event = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
        #expect(try events(in: body(of: [event, [7], event])) == [event, [7], event])
    }

    @Test func `no bytes are no events`() throws {
        #expect(try events(in: []) == [])
        #expect(try BlockBody.count(in: []) == 0)
    }

    @Test func `events are counted`() throws {
        #expect(try BlockBody.count(in: body(of: [[], [1], [2, 3]])) == 3)
    }

    @Test func `the body is protobuf's repeated bytes`() {
        #expect(body(of: [bytes("ab"), []]) == [0x0A, 2, 0x61, 0x62, 0x0A, 0])
    }

    @Test func `a body cut short anywhere but between events is malformed`() throws {
        let whole = [bytes("one"), [], Array(repeating: 9, count: 200), bytes("four")]
        let body = body(of: whole)
        var edges: [Int: Int] = [:]
        for count in 0...whole.count {
            edges[self.body(of: Array(whole.prefix(count))).count] = count
        }
        for length in 0...body.count {
            let cut = Array(body.prefix(length))
            if let count = edges[length] {
                #expect(try events(in: cut) == Array(whole.prefix(count)))
            } else {
                #expect(throws: MalformedBlock.self, "\(length) bytes") { try events(in: cut) }
            }
        }
    }

    @Test(
        arguments: [
            [0x0B, 0], [0x08, 1], [0x12, 0], [0x0A], [0x0A, 0x80], [0x0A, 1],
            // Lengths of more than 32 bits, of endless bytes, and beyond the end.
            [0x0A, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
            [0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
            [0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F],
        ] as [[UInt8]])
    func `what is no run of events is malformed`(body: [UInt8]) {
        #expect(throws: MalformedBlock.self) { try events(in: body) }
    }

    @Test(arguments: 0..<20)
    func `random bytes are read or refused, and never trap`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for _ in 0..<2_000 {
            var body = body(
                of: (0..<Int.random(in: 0...4, using: &random)).map { _ in
                    Array(repeating: 0x0A, count: .random(in: 0...200, using: &random))
                })
            for _ in 0..<Int.random(in: 0...4, using: &random) where !body.isEmpty {
                body[.random(in: body.indices, using: &random)] = .random(
                    in: 0...255, using: &random)
            }
            _ = try? events(in: body)
        }
    }
}
