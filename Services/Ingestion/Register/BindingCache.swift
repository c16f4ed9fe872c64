import Model

/// Whom a partner's subject stands for, and what may be reported of them.
struct Binding {
    var resident: ResidentID
    var partition: Int
    var consents: Consents
}

/// The bindings used lately, by the digest of (partner, subject).
///
/// Two generations instead of a list of uses: what is found in the older one moves to the newer,
/// and when the newer is full it becomes the older, whose rest is dropped. At most 524,288 bindings
/// in some 60 MB; a city has more, and those wait in the store.
struct BindingCache {
    static let bindingsPerGenerationMax = 262_144

    private var recent: [Digest128: Binding] = [:]
    private var older: [Digest128: Binding] = [:]
    private let generationMax: Int

    init(generationMax: Int = bindingsPerGenerationMax) {
        precondition(generationMax > 0, "a cache holds something")
        self.generationMax = generationMax
    }

    var count: Int { recent.count + older.count }

    mutating func find(_ key: Digest128) -> Binding? {
        if let binding = recent[key] { return binding }
        guard let binding = older.removeValue(forKey: key) else { return nil }
        insert(binding, for: key)
        return binding
    }

    mutating func insert(_ binding: Binding, for key: Digest128) {
        if recent.count >= generationMax {
            older = recent
            recent = [:]
        }
        recent[key] = binding
    }

    mutating func remove(_ key: Digest128) {
        recent[key] = nil
        older[key] = nil
    }

    mutating func removeAll() {
        recent = [:]
        older = [:]
    }
}
