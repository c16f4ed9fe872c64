/// What was used lately, bounded.
///
/// Two generations instead of a list of uses: what is found in the older one moves to the newer,
/// and when the newer is full it becomes the older, whose rest is dropped.
package struct RecentlyUsed<Key: Hashable, Value> {
    private var recent: [Key: Value] = [:]
    private var older: [Key: Value] = [:]
    private let generationMax: Int

    /// - Parameter generationMax: At most twice as many are kept.
    package init(generationMax: Int) {
        precondition(generationMax > 0, "a cache holds something")
        self.generationMax = generationMax
    }

    package var count: Int { recent.count + older.count }

    package mutating func find(_ key: Key) -> Value? {
        if let value = recent[key] { return value }
        guard let value = older.removeValue(forKey: key) else { return nil }
        insert(value, for: key)
        return value
    }

    package mutating func insert(_ value: Value, for key: Key) {
        if recent.count >= generationMax {
            older = recent
            recent = [:]
        }
        recent[key] = value
        older[key] = nil
    }

    package mutating func remove(_ key: Key) {
        recent[key] = nil
        older[key] = nil
    }

    package mutating func removeAll() {
        recent = [:]
        older = [:]
    }
}
