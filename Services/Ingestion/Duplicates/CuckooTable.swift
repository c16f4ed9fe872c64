/// One generation of fingerprints: a cuckoo table of fixed size that is filled once.
///
/// A slot has 5 bytes: an 18-bit fingerprint of the id and the number of the stored row that holds
/// it, 22 bits, counted from the generation's first row. A bucket is 4 slots. An id may lie in two
/// buckets, the second found from the first and the fingerprint alone, so an entry can be moved
/// without knowing its id (Fan et al., "Cuckoo Filter", 2014). Buckets of 4 fill to 95 % and more.
///
/// A slot of zeros is empty, so no fingerprint is 0. Numbers are little-endian.
final class CuckooTable {
    enum Limits {
        static let slotsPerBucket = 4
        static let slotBytes = 5
        static let fingerprintBits = 18
        static let rowBits = 22
        /// Rows that one generation can tell apart.
        static let rowsMax: Int64 = 1 << rowBits
        /// After so many moves in vain the generation counts as full.
        static let movesMax = 256
    }

    let firstRow: Int64
    let slotCount: Int
    private(set) var count = 0
    private let bucketMask: UInt64
    /// 3 bytes longer than its slots, so that the last one can be read in 8 bytes.
    private let slots: UnsafeMutableRawPointer
    /// Which entry gives way: any sequence does, and this one repeats itself from run to run.
    private var chance: UInt32 = 0x9E37_79B9
    private var moved: [Int] = []

    /// - Parameter slotCount: A power of two, at least 8.
    init(slotCount: Int, firstRow: Int64) {
        precondition(
            slotCount >= 8 && slotCount & (slotCount - 1) == 0, "slots are a power of two")
        self.slotCount = slotCount
        self.firstRow = firstRow
        bucketMask = UInt64(slotCount / Limits.slotsPerBucket - 1)
        let byteCount = slotCount * Limits.slotBytes + 3
        slots = .allocate(byteCount: byteCount, alignment: 64)
        slots.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
    }

    deinit { slots.deallocate() }

    var byteCount: Int { slotCount * Limits.slotBytes + 3 }

    /// Calls `visit` with every row that may hold `id`, until it answers true: answers if it did.
    func contains(_ id: Digest128, visit: (Int64) throws -> Bool) rethrows -> Bool {
        let fingerprint = fingerprint(of: id)
        let first = id.low & bucketMask
        if try search(first, for: fingerprint, visit) { return true }
        let second = alternate(of: first, fingerprint)
        return try second != first && search(second, for: fingerprint, visit)
    }

    private func search(
        _ bucket: UInt64, for fingerprint: UInt64, _ visit: (Int64) throws -> Bool
    ) rethrows -> Bool {
        for slot in 0..<Limits.slotsPerBucket {
            let entry = read(Int(bucket) * Limits.slotsPerBucket + slot)
            if entry >> UInt64(Limits.rowBits) == fingerprint,
                try visit(firstRow + Int64(entry & UInt64(Limits.rowsMax - 1)))
            {
                return true
            }
        }
        return false
    }

    /// Adds `id`, found in `row`; answers false, and changes nothing, if the generation is full.
    func insert(_ id: Digest128, row: Int64) -> Bool {
        precondition(row >= firstRow, "rows are numbered upwards")
        guard row - firstRow < Limits.rowsMax else { return false }
        let fingerprint = fingerprint(of: id)
        let entry = fingerprint << UInt64(Limits.rowBits) | UInt64(row - firstRow)
        let first = id.low & bucketMask
        if put(entry, into: first) { return true }
        let second = alternate(of: first, fingerprint)
        if put(entry, into: second) { return true }
        return makeRoom(for: entry, in: second)
    }

    /// Moves entries to their other buckets until one finds room, or puts them all back.
    private func makeRoom(for entry: UInt64, in bucket: UInt64) -> Bool {
        var homeless = entry
        var bucket = bucket
        moved.removeAll(keepingCapacity: true)
        for _ in 0..<Limits.movesMax {
            chance ^= chance << 13
            chance ^= chance >> 17
            chance ^= chance << 5
            let place =
                Int(bucket) * Limits.slotsPerBucket + Int(chance >> 16) % Limits.slotsPerBucket
            let displaced = read(place)
            write(homeless, at: place)
            moved.append(place)
            homeless = displaced
            bucket = alternate(of: bucket, homeless >> UInt64(Limits.rowBits))
            if put(homeless, into: bucket) { return true }
        }
        for place in moved.reversed() {
            let settled = read(place)
            write(homeless, at: place)
            homeless = settled
        }
        return false
    }

    private func put(_ entry: UInt64, into bucket: UInt64) -> Bool {
        for slot in 0..<Limits.slotsPerBucket {
            let place = Int(bucket) * Limits.slotsPerBucket + slot
            if read(place) == 0 {
                write(entry, at: place)
                count += 1
                return true
            }
        }
        return false
    }

    /// The top bits: the bottom ones choose the bucket.
    private func fingerprint(of id: Digest128) -> UInt64 {
        max(1, id.high >> UInt64(64 - Limits.fingerprintBits))
    }

    private func alternate(of bucket: UInt64, _ fingerprint: UInt64) -> UInt64 {
        bucket ^ ((fingerprint &* 0x9E37_79B9_7F4A_7C15) >> 24 & bucketMask)
    }

    private func read(_ place: Int) -> UInt64 {
        UInt64(
            littleEndian: slots.loadUnaligned(
                fromByteOffset: place * Limits.slotBytes, as: UInt64.self)) & 0xFF_FFFF_FFFF
    }

    private func write(_ entry: UInt64, at place: Int) {
        let offset = place * Limits.slotBytes
        slots.storeBytes(
            of: UInt32(truncatingIfNeeded: entry).littleEndian, toByteOffset: offset,
            as: UInt32.self)
        slots.storeBytes(of: UInt8(entry >> 32), toByteOffset: offset + 4, as: UInt8.self)
    }
}
