/// A text of an event, as the UTF-8 that lies in its block: borrowed, like `EventBytes`.
package struct TextSlice {
    let bytes: UnsafeRawBufferPointer

    /// No text; what a field holds that is not written.
    package static var empty: Self { TextSlice(UnsafeRawBufferPointer(start: nil, count: 0)) }

    private init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// Refuses bytes that are not UTF-8.
    init?(validating bytes: UnsafeRawBufferPointer) {
        // Codes are ASCII, and ASCII is UTF-8; only other texts are worth a closer look.
        var bits: UInt8 = 0
        for byte in bytes { bits |= byte }
        guard bits < 0x80 || String(validating: bytes, as: UTF8.self) != nil else { return nil }
        self.bytes = bytes
    }

    /// In bytes of UTF-8.
    package var count: Int { bytes.count }

    /// A copy that may be kept.
    package var string: String { String(decoding: bytes, as: UTF8.self) }
}
