/// Where a text lies among the bytes of a batch.
///
/// Reports point into the message they came in instead of owning strings: a batch of a thousand
/// events then costs two allocations, not eight thousand. Texts that had escapes lie behind the
/// message, unescaped.
package struct TextRange: Hashable, Sendable {
    package var start: UInt32
    package var count: UInt32

    package init(start: Int, count: Int) {
        self.start = UInt32(start)
        self.count = UInt32(count)
    }

    package var bounds: Range<Int> { Int(start)..<Int(start) + Int(count) }
}
