package import Model

/// Whom subjects stand for, in little memory and without a visit to the store: for bindings under
/// the consent to everything, which are nearly all.
///
/// A set-associative cache. A digest chooses a set of eight places; in it the binding used last
/// comes first, and where all eight are taken, a new one takes the place of the one not used for
/// longest. A place has 32 bytes (a dictionary's took 40 and more, half of them empty), compares
/// all 128 bits and holds no reference. The table doubles while it is more than half full, up to
/// `placesMax`; some sets are full before that: what they push out is asked of the store again.
package struct BindingTable: ~Copyable {
    package enum Limits {
        package static let placesPerSet = 8
        package static let placesMin = 1_024
        /// 32 MB in all.
        package static let placesMax = 1 << 20
    }

    private struct Place {
        var high: UInt64
        var low: UInt64
        /// 0: nobody, the place is free.
        var resident: Int64
        var partition: Int64

        static let free = Place(high: 0, low: 0, resident: 0, partition: 0)
    }

    private var places: UnsafeMutablePointer<Place>
    private var placeCount: Int
    private let placesMax: Int
    package private(set) var count = 0

    /// - Parameter placesMax: A power of two, at least 8.
    package init(placesMax: Int = Limits.placesMax) {
        precondition(
            placesMax >= Limits.placesPerSet && placesMax & (placesMax - 1) == 0,
            "places are a power of two, and a set at least")
        self.placesMax = placesMax
        placeCount = min(Limits.placesMin, placesMax)
        places = Self.free(placeCount)
    }

    deinit { places.deallocate() }

    private static func free(_ count: Int) -> UnsafeMutablePointer<Place> {
        let places = UnsafeMutablePointer<Place>.allocate(capacity: count)
        places.initialize(repeating: .free, count: count)
        return places
    }

    package var byteCount: Int { placeCount * MemoryLayout<Place>.stride }

    /// Whom the subject of this digest stands for, and the partition of that resident.
    package mutating func find(_ key: Digest128) -> (resident: ResidentID, partition: Int)? {
        let set = set(of: key)
        for place in 0..<Limits.placesPerSet {
            let found = set[place]
            if found.resident == 0 { return nil }
            guard found.low == key.low, found.high == key.high else { continue }
            if place > 0 {
                (set + 1).update(from: set, count: place)
                set[0] = found
            }
            guard let resident = ResidentID(rawValue: found.resident) else {
                preconditionFailure("a place holds what a resident was made of")
            }
            return (resident, Int(found.partition))
        }
        return nil
    }

    /// Notes what `find` did not find.
    package mutating func insert(_ key: Digest128, resident: ResidentID, partition: Int) {
        if count > placeCount / 2, placeCount < placesMax { grow() }
        put(
            Place(
                high: key.high, low: key.low, resident: resident.rawValue,
                partition: Int64(partition)))
    }

    package mutating func remove(_ key: Digest128) {
        let set = set(of: key)
        for place in 0..<Limits.placesPerSet
        where set[place].low == key.low && set[place].high == key.high && set[place].resident != 0 {
            let behind = Limits.placesPerSet - place - 1
            (set + place).update(from: set + place + 1, count: behind)
            set[Limits.placesPerSet - 1] = .free
            count -= 1
            return
        }
    }

    package mutating func removeAll() {
        places.update(repeating: .free, count: placeCount)
        count = 0
    }

    /// In a set, whatever is taken comes before whatever is free.
    private mutating func put(_ entry: Place) {
        let set = set(of: Digest128(high: entry.high, low: entry.low))
        if set[Limits.placesPerSet - 1].resident == 0 { count += 1 }
        (set + 1).update(from: set, count: Limits.placesPerSet - 1)
        set[0] = entry
    }

    /// The bits are as good as random: the lowest choose the set.
    private func set(of key: Digest128) -> UnsafeMutablePointer<Place> {
        let setMask = UInt64(placeCount / Limits.placesPerSet - 1)
        return places + Int(key.low & setMask) * Limits.placesPerSet
    }

    private mutating func grow() {
        let (narrow, narrowCount) = (places, placeCount)
        placeCount *= 2
        places = Self.free(placeCount)
        count = 0
        // From behind: of one set, what was used last is put last and comes first again.
        for place in (0..<narrowCount).reversed() where narrow[place].resident != 0 {
            put(narrow[place])
        }
        narrow.deallocate()
    }
}
