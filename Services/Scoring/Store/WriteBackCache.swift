/// Rows in memory: loaded when first met, changed in place, written once a transaction, by key.
///
/// A row that is met again costs one look into a dictionary and no query. What was not committed is
/// dropped by `removeAll`; between transactions at most `rowsMax` rows are kept.
struct WriteBackCache<Key: Hashable & Comparable, Value> {
    /// A row's place, good until the transaction ends.
    typealias Slot = Int

    private struct Row {
        let key: Key
        var value: Value
        var isTouched: Bool
    }

    private let rowsMax: Int
    private var slots: [Key: Slot] = [:]
    private var rows: [Row] = []
    private var touched: [Slot] = []

    init(rowsMax: Int) { self.rowsMax = rowsMax }

    mutating func slot(of key: Key, load: () throws -> Value) rethrows -> Slot {
        if let slot = slots[key] { return slot }
        let value = try load()
        rows.append(Row(key: key, value: value, isTouched: false))
        slots[key] = rows.count - 1
        return rows.count - 1
    }

    subscript(slot: Slot) -> Value { rows[slot].value }

    mutating func update(_ slot: Slot, to value: Value) {
        rows[slot].value = value
        if !rows[slot].isTouched {
            rows[slot].isTouched = true
            touched.append(slot)
        }
    }

    /// Hands every changed row to `write`, in key order: neighbours share pages.
    mutating func writeBack(_ write: (Key, Value) throws -> Void) rethrows {
        // Sorted beside their keys: through their slots, every comparison would miss the cache.
        for (key, slot) in touched.map({ (rows[$0].key, $0) }).sorted(by: { $0.0 < $1.0 }) {
            try write(key, rows[slot].value)
            rows[slot].isTouched = false
        }
        touched.removeAll(keepingCapacity: true)
    }

    /// Forgets everything if it has grown too large; everything must have been written back.
    ///
    /// Dropping all is what a cache keyed by day wants: most of its rows are of days gone by.
    /// Answers whether it did.
    @discardableResult
    mutating func trim() -> Bool {
        precondition(touched.isEmpty, "rows are trimmed after they were written")
        guard rows.count > rowsMax else { return false }
        removeAll()
        return true
    }

    mutating func removeAll() {
        slots.removeAll(keepingCapacity: true)
        rows.removeAll(keepingCapacity: true)
        touched.removeAll(keepingCapacity: true)
    }
}
