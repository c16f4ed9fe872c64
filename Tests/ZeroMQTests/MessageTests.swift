import Testing
import ZeroMQ

@Suite struct MessageTests {
    /// 33 bytes live inside the value, 34 in memory of libzmq's.
    @Test(arguments: [0, 1, 33, 34, 65_536])
    func `a message gives back what was copied into it`(count: Int) throws {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
        let message = try Message(copying: bytes)
        #expect(message.count == count)
        #expect(message.bytes == bytes)
        #expect(message.hasMore == false)
        #expect(message.userID == nil)

        let moved = message
        #expect(moved.bytes == bytes)
    }

    @Test func `a message can be made of text, of memory, and by filling it`() throws {
        #expect(try Message(copying: "né").bytes == [0x6e, 0xc3, 0xa9])
        #expect(Message().bytes == [])

        let copied = try [1, 2, 3].withUnsafeBytes { try Message(copying: $0).count }
        #expect(copied == 3 * MemoryLayout<Int>.size)

        var filled = try Message(count: 4)
        filled.withMutableBytes { $0.copyBytes(from: [9, 8, 7, 6]) }
        #expect(filled.bytes == [9, 8, 7, 6])
    }

    @Test func `a message too large for the machine is an error`() {
        #expect { _ = try Message(count: Int.max / 2).count } throws: { error in
            (error as? ZeroMQError)?.operation == .allocateMessage
        }
    }
}
