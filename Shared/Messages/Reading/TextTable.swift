/// Numbers of texts that come again and again, found by their bytes: no String is made to ask.
///
/// A table of open addressing, never more than half full. Its hash is no defence against texts
/// chosen to collide: it is for codes, which come from the city's own catalogues.
package struct TextTable {
    private var slots: [Slot]
    private var bytes: [UInt8] = []
    private var count = 0

    private struct Slot {
        var hash: UInt64 = 0
        var start = 0
        /// Negative: nothing is here.
        var length = -1
        var number = 0
    }

    private enum Limits {
        static let slotsAtFirst = 64
    }

    package init() { slots = Array(repeating: Slot(), count: Limits.slotsAtFirst) }

    package init(_ numbers: [String: Int]) {
        self.init()
        for (text, number) in numbers { add(text, number: number) }
    }

    /// The number that was given with this text, byte for byte.
    package func number(of text: TextSlice) -> Int? {
        let hash = Self.hash(of: text.bytes)
        var index = Int(truncatingIfNeeded: hash) & (slots.count - 1)
        while slots[index].length >= 0 {
            let slot = slots[index]
            if slot.hash == hash, holds(text, at: slot) { return slot.number }
            index = (index + 1) & (slots.count - 1)
        }
        return nil
    }

    private func holds(_ text: TextSlice, at slot: Slot) -> Bool {
        text.bytes.elementsEqual(bytes[slot.start..<slot.start + slot.length])
    }

    /// Adds a text that is not in the table.
    package mutating func add(_ text: String, number: Int) {
        if count * 2 >= slots.count { grow() }
        let start = bytes.count
        bytes.append(contentsOf: text.utf8)
        let hash = bytes[start...].withUnsafeBytes { Self.hash(of: $0) }
        place(Slot(hash: hash, start: start, length: bytes.count - start, number: number))
        count += 1
    }

    private mutating func place(_ slot: Slot) {
        var index = Int(truncatingIfNeeded: slot.hash) & (slots.count - 1)
        while slots[index].length >= 0 { index = (index + 1) & (slots.count - 1) }
        slots[index] = slot
    }

    private mutating func grow() {
        let former = slots
        slots = Array(repeating: Slot(), count: former.count * 2)
        for slot in former where slot.length >= 0 { place(slot) }
    }

    /// FNV-1a of 64 bits, folded so that its better upper half takes part in the slot.
    ///
    /// https://datatracker.ietf.org/doc/html/draft-eastlake-fnv
    private static func hash(of bytes: UnsafeRawBufferPointer) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return hash ^ hash >> 32
    }
}
