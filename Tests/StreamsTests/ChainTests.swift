import Messages
import Streams
import Testing

/// The vectors were computed with Python's hashlib.
///
///     log = bytes(range(16))
///     c0 = sha256(log + b'behaviour' + struct.pack('>Q', 0))
///     c1 = sha256(c0 + struct.pack('>QQ', 1, 2) + b'\x0a\x03abc\x0a\x00')
///     c2 = sha256(c1 + struct.pack('>QQ', 3, 1) + b'\x0a\x01z')
struct ChainTests {
    private let log: LogID

    init() throws { log = try #require(LogID(0..<16)) }

    @Test func `the chain of nothing is a digest of the log's name`() throws {
        #expect(
            Chain(log: log, stream: .behaviour, partition: 0).description
                == "3a63a1ea362e1bd16428e488addea3f28fcc0875827715b87b1929dc7691786b")
        #expect(
            Chain(log: log, stream: .points, partition: 2).description
                == "f9b4e7b86edc732854a0127698c4a8e5909349b02a744aeb9d296d8448031150")
    }

    @Test func `each block extends it`() throws {
        var body: [UInt8] = []
        BlockBody.append(bytes("abc"), to: &body)
        BlockBody.append([], to: &body)
        let first = Chain(log: log, stream: .behaviour, partition: 0)
            .extended(first: 1, count: 2, body: body)
        #expect(
            first.description == "d59161df5f52e4c6e623ca268a5d2f00d1a5353410757ef77c46a0490aa7a218")
        #expect(
            first.extended(first: 3, count: 1, body: [0x0A, 1, 0x7A]).description
                == "97916c690ef12cebeb50829ee68bbb9f56b38682b38512bf1ecf3c5f91f33a28")
    }

    @Test func `whatever differs gives another chain`() throws {
        let start = Chain(log: log, stream: .behaviour, partition: 0)
        let chains: Set<Chain> = [
            start,
            Chain(log: log, stream: .behaviour, partition: 1),
            Chain(log: log, stream: .profile, partition: 0),
            start.extended(first: 1, count: 1, body: [1]),
            start.extended(first: 2, count: 1, body: [1]),
            start.extended(first: 1, count: 2, body: [1]),
            start.extended(first: 1, count: 1, body: [2]),
            start.extended(first: 1, count: 1, body: []),
        ]
        #expect(chains.count == 8)
    }

    @Test func `only thirty-two bytes are a chain, and only sixteen a log`() {
        for count in 0...64 {
            #expect((Chain(Array(repeating: 1, count: count)) != nil) == (count == 32))
            #expect((LogID(Array(repeating: 1, count: count)) != nil) == (count == 16))
        }
    }

    @Test func `bytes are written with two small digits each`() {
        #expect(([0x00, 0x0F, 0xA0, 0xFF] as [UInt8]).hexadecimal == "000fa0ff")
    }
}
