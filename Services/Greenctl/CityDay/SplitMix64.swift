/// A seeded source of random numbers: the same seed makes the same city, on any machine, for ever.
///
/// SplitMix64 (Steele, Lea and Flood, 2014). It does not join the standard library's random
/// protocol on purpose: how `random(in:)` draws may change between releases of Swift, and a
/// recorded seed has to outlive them.
struct SplitMix64 {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return Self.mix(state)
    }

    /// A number from zero up to, but not including, `bound`.
    mutating func below(_ bound: Int) -> Int {
        precondition(bound > 0, "nothing lies below zero")
        return Int(truncatingIfNeeded: next().multipliedFullWidth(by: UInt64(bound)).high)
    }

    /// A number of `range`, the middle likelier than the ends, as distances and meals are.
    mutating func around(_ range: ClosedRange<Int>) -> Int {
        let width = range.upperBound - range.lowerBound
        return range.lowerBound + (below(width + 1) + below(width + 1)) / 2
    }

    /// Whether something of this likelihood, in ten-thousandths, happens now.
    mutating func happens(_ perTenThousand: Int) -> Bool { below(10_000) < perTenThousand }

    /// Scatters `value` over all 64-bit numbers; different values never meet.
    static func mix(_ value: UInt64) -> UInt64 {
        var mixed = value
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
