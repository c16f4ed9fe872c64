/// The bytes of a file, in pages that copies share until one of them is written to.
///
/// The pages stand in groups, so that the first write after a copy does not touch every page of a
/// long file. What lies behind the end, in the last page, is zero.
struct Contents: Equatable, Sendable {
    static let pageBytes = 4_096

    private(set) var size = 0
    private var groups: [[[UInt8]]] = []
    private var pageCount = 0

    private static let groupPages = 64

    /// Fills `buffer` from `offset` on and answers how many bytes there were.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) -> Int {
        let end = min(offset + buffer.count, size)
        guard offset < end else { return 0 }
        Self.forEachPiece(offset..<end) { page, within, place in
            groups[page / Self.groupPages][page % Self.groupPages].withUnsafeBytes {
                UnsafeMutableRawBufferPointer(rebasing: buffer[place..<place + within.count])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[within]))
            }
        }
        return end - offset
    }

    /// Puts `bytes` at `offset`; a hole before them is zero.
    mutating func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
        guard !bytes.isEmpty else { return }
        if offset + bytes.count > size { resize(to: offset + bytes.count) }
        Self.forEachPiece(offset..<offset + bytes.count) { page, within, place in
            groups[page / Self.groupPages][page % Self.groupPages].withUnsafeMutableBytes {
                UnsafeMutableRawBufferPointer(rebasing: $0[within])
                    .copyMemory(
                        from: UnsafeRawBufferPointer(
                            rebasing: bytes[place..<place + within.count]))
            }
        }
    }

    mutating func resize(to size: Int) {
        let count = (size + Self.pageBytes - 1) / Self.pageBytes
        while pageCount > count {
            pageCount -= 1
            groups[pageCount / Self.groupPages].removeLast()
            if pageCount % Self.groupPages == 0 { groups.removeLast() }
        }
        while pageCount < count {
            if pageCount % Self.groupPages == 0 { groups.append([]) }
            groups[pageCount / Self.groupPages].append(Self.empty)
            pageCount += 1
        }
        let end = size % Self.pageBytes
        if size < self.size, end > 0 {
            let last = count - 1
            for index in end..<Self.pageBytes {
                groups[last / Self.groupPages][last % Self.groupPages][index] = 0
            }
        }
        self.size = size
    }

    /// Takes over what `other` has in `range`, as far as `other` goes.
    mutating func copy(_ range: Range<Int>, from other: Contents) {
        let range = range.clamped(to: 0..<other.size)
        guard !range.isEmpty else { return }
        let bytes = [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
            count = other.read(into: UnsafeMutableRawBufferPointer(buffer), at: range.lowerBound)
        }
        bytes.withUnsafeBytes { write($0, at: range.lowerBound) }
    }

    private static let empty = [UInt8](repeating: 0, count: pageBytes)

    /// Calls `visit` with each page, what of it lies in `range`, and where in `range` that begins.
    private static func forEachPiece(
        _ range: Range<Int>, _ visit: (_ page: Int, _ within: Range<Int>, _ place: Int) -> Void
    ) {
        var next = range.lowerBound
        while next < range.upperBound {
            let page = next / pageBytes
            let start = next % pageBytes
            let count = min(pageBytes - start, range.upperBound - next)
            visit(page, start..<start + count, next - range.lowerBound)
            next += count
        }
    }
}
