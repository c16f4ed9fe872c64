/// Takes an input apart: what comes first steers, what is left is content.
///
/// There is always an answer: at the end every byte is 0 and every chunk empty.
struct FuzzBytes {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    var isEmpty: Bool { rest.isEmpty }

    mutating func byte() -> UInt8 { rest.popFirst() ?? 0 }

    /// A chunk: two bytes of length, little-endian, and as much of it as there is.
    mutating func chunk() -> [UInt8] {
        let count = Int(byte()) | Int(byte()) << 8
        let chunk = rest.prefix(count)
        rest = rest.dropFirst(count)
        return Array(chunk)
    }

    mutating func remainder() -> [UInt8] {
        defer { rest = [] }
        return Array(rest)
    }

    /// What `chunk` reads back.
    static func chunk(_ bytes: some Collection<UInt8>) -> [UInt8] {
        precondition(bytes.count < 1 << 16, "a chunk's length has two bytes")
        return [UInt8(bytes.count & 0xFF), UInt8(bytes.count >> 8)] + Array(bytes)
    }

    static func chunk(_ text: String) -> [UInt8] { chunk(Array(text.utf8)) }
}
