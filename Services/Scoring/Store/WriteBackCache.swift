/// Rows in memory: loaded when first met, changed in place, written when their slice is settled.
///
/// A row that is met again costs one look into a table and no query. What was not committed is
/// dropped by `removeAll`; between transactions at most `rowsMax` rows are kept, beside those that
/// are not settled.
struct WriteBackCache<Key: RowKey, Value> {
    /// A row's place, good until the transaction ends.
    typealias Slot = Int

    private struct Row {
        let key: Key
        var value: Value
        var isTouched: Bool
    }

    private let rowsMax: Int
    private var places = SlotTable()
    private var rows: ContiguousArray<Row> = []
    /// The unsettled rows of each slice, with their keys: to ask the rows for them when sorting
    /// would miss the cache.
    private var touched: [[(key: Key, slot: Slot)]]

    init(rowsMax: Int) {
        self.rowsMax = rowsMax
        touched = Array(repeating: [], count: SliceTurns.count)
    }

    mutating func slot(of key: Key, load: () throws -> Value) rethrows -> Slot {
        let hash = key.hash
        if let slot = places.find(hash, where: { rows[$0].key == key }) { return slot }
        let value = try load()
        rows.append(Row(key: key, value: value, isTouched: false))
        places.add(rows.count - 1, hash: hash)
        return rows.count - 1
    }

    subscript(slot: Slot) -> Value { rows[slot].value }

    mutating func update(_ slot: Slot, to value: Value) {
        rows[slot].value = value
        if !rows[slot].isTouched {
            rows[slot].isTouched = true
            let key = rows[slot].key
            touched[key.slice].append((key, slot))
        }
    }

    /// Hands every changed row of `slice` to `write`, in key order: neighbours share pages.
    mutating func settle(
        _ slice: Int, _ write: ([(key: Key, value: Value)]) throws -> Void
    ) rethrows {
        touched[slice].sort { $0.key < $1.key }
        try write(touched[slice].map { (key: $0.key, value: rows[$0.slot].value) })
        for place in touched[slice] { rows[place.slot].isTouched = false }
        touched[slice].removeAll(keepingCapacity: true)
    }

    /// Forgets everything that is settled if there are too many rows.
    ///
    /// Dropping all is what a cache keyed by day wants: most of its rows are of days gone by.
    /// Answers whether it did.
    @discardableResult
    mutating func trim() -> Bool {
        guard rows.count > rowsMax else { return false }
        places.removeAll()
        for slice in touched.indices { touched[slice].removeAll(keepingCapacity: true) }
        // In place: a second copy of so many rows would be felt.
        var kept = 0
        for slot in rows.indices where rows[slot].isTouched {
            if kept != slot { rows[kept] = rows[slot] }
            let key = rows[kept].key
            places.add(kept, hash: key.hash)
            touched[key.slice].append((key, kept))
            kept += 1
        }
        rows.removeLast(rows.count - kept)
        return true
    }

    mutating func removeAll() {
        places.removeAll()
        rows.removeAll(keepingCapacity: true)
        for slice in touched.indices { touched[slice].removeAll(keepingCapacity: true) }
    }
}

/// The key of a row, with a hash of its own and the slice with which it is settled.
protocol RowKey: Comparable {
    /// 32 bits of which each depends on the whole key.
    ///
    /// No defence against keys chosen to collide: nobody can choose a resident's number, which is a
    /// keyed digest. It costs a tenth of SipHash.
    var hash: UInt32 { get }
    /// Its resident's.
    var slice: Int { get }
}

extension Int64: RowKey {
    var slice: Int { SliceTurns.slice(of: self) }
    var hash: UInt32 { UInt32(UInt64(bitPattern: self).mixed >> 32) }
}

extension PeriodKey: RowKey {
    var slice: Int { SliceTurns.slice(of: resident) }
    var hash: UInt32 {
        let mixed = (UInt64(bitPattern: scope).mixed ^ UInt64(bitPattern: resident)).mixed
        return UInt32(mixed >> 32)
    }
}

extension UInt64 {
    /// One round of SplitMix64's finaliser, whose upper half is the better one.
    fileprivate var mixed: UInt64 { (self ^ self >> 32) &* 0x9E37_79B9_7F4A_7C15 }
}

/// Finds rows by the hashes of their keys: open addressing, never more than half full.
private struct SlotTable {
    /// The hash above, the slot's number and 1 below; 0: nothing is here.
    private var cells = ContiguousArray<UInt64>(repeating: 0, count: Limits.cellsAtFirst)
    private var count = 0

    private enum Limits {
        static let cellsAtFirst = 1_024
        /// A slot's number has 32 bits beside the hash.
        static let slotsMax = Int(UInt32.max)
    }

    /// A hash that differs settles nearly every question without a look at the row.
    func find(_ hash: UInt32, where isSought: (Int) -> Bool) -> Int? {
        var index = Int(hash) & (cells.count - 1)
        while cells[index] != 0 {
            let slot = Int(UInt32(truncatingIfNeeded: cells[index])) - 1
            if UInt32(cells[index] >> 32) == hash, isSought(slot) { return slot }
            index = (index + 1) & (cells.count - 1)
        }
        return nil
    }

    mutating func add(_ slot: Int, hash: UInt32) {
        precondition(slot < Limits.slotsMax, "a cache holds less than that")
        if count * 2 >= cells.count { grow() }
        place(UInt64(hash) << 32 | UInt64(slot + 1))
        count += 1
    }

    private mutating func place(_ cell: UInt64) {
        var index = Int(cell >> 32) & (cells.count - 1)
        while cells[index] != 0 { index = (index + 1) & (cells.count - 1) }
        cells[index] = cell
    }

    private mutating func grow() {
        let former = cells
        cells = ContiguousArray(repeating: 0, count: former.count * 2)
        for cell in former where cell != 0 { place(cell) }
    }

    mutating func removeAll() {
        for index in cells.indices { cells[index] = 0 }
        count = 0
    }
}
