import Streams

/// Everything a scenario leaves to chance, drawn from its seed.
///
/// Each part of a scenario draws from a chance of its own, so that what one part asks for does not
/// shift what another gets: with a fault taken out of a schedule, the rest happens as before.
struct Chance: RandomNumberGenerator {
    private var generator: SplitMix64

    /// - Parameter purpose: what tells this chance from the others of the same seed.
    init(seed: UInt64, for purpose: StaticString) {
        var mixed = SplitMix64(seed: seed)
        var start = mixed.next()
        purpose.withUTF8Buffer { bytes in
            for byte in bytes { start = (start ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        }
        generator = SplitMix64(seed: start)
    }

    mutating func next() -> UInt64 { generator.next() }

    mutating func draw(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }

    mutating func draw(_ range: ClosedRange<Int64>) -> Int64 {
        Int64.random(in: range, using: &self)
    }

    /// One of `choices`, of which there must be some.
    mutating func pick<Choice>(_ choices: [Choice]) -> Choice {
        choices[Int.random(in: choices.indices, using: &self)]
    }

    /// As many bytes as wanted.
    mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &self) }
    }
}
