/// Where an entry stands in the carbon ledger: the place of the behaviour event that caused it.
///
/// Partition in the top 15 bits below the sign, sequence in the lower 48: one integer key, in whose
/// order a partition's entries are appended.
package struct LedgerPlace: RawRepresentable, Hashable, Comparable, Sendable {
    package let rawValue: Int64

    private static let sequenceBits = 48
    package static let sequenceMax: UInt64 = (1 << 48) - 1
    package static let partitionsMax = 1 << 15

    package init(rawValue: Int64) { self.rawValue = rawValue }

    package init(partition: Int, sequence: UInt64) {
        precondition((0..<Self.partitionsMax).contains(partition), "no such partition can be")
        precondition(sequence <= Self.sequenceMax, "a partition's sequence outgrew 48 bits")
        rawValue = Int64(partition) << Self.sequenceBits | Int64(sequence)
    }

    package var partition: Int { Int(rawValue >> Self.sequenceBits) }
    package var sequence: UInt64 { UInt64(rawValue) & Self.sequenceMax }

    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}
