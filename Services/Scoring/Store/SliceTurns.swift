/// Residents in slices of neighbours, whose totals are settled in turn.
///
/// Residents' numbers are digests: each event changes totals on pages of their own, and a page
/// costs more than the rest of an event. So a transaction appends to the ledger and leaves the
/// totals in memory, and only a slice whose turn has come is written, whole and in key order: its
/// rows share their pages. Turns follow one another at even distances of entries, so that no
/// transaction stalls, and a round of all slices bounds what a restart has to add up again.
struct SliceTurns {
    /// The number of the turn that comes next: turn n is that of slice n modulo `count`.
    private var next: Int64
    private let roundEntries: Int
    /// Entries appended since the latest turn, times `count`.
    private var credit: Int

    /// On disk: another number takes a migration.
    static let count = 64
    /// How far to the right the top six of a resident's 63 bits are shifted to be a slice's number.
    static let residentShift = 57

    /// - Parameters:
    ///   - latest: the turn taken last.
    ///   - roundEntries: in the course of how many entries every slice has its turn; 0: every
    ///     slice has it whenever anything is appended.
    init(after latest: Int64, roundEntries: Int) {
        precondition(roundEntries >= 0, "a round has entries")
        next = latest + 1
        self.roundEntries = roundEntries
        // A process that dies before its first turn, time and again, would let the tail grow.
        credit = roundEntries
    }

    static func slice(of resident: Int64) -> Int { Int(resident >> residentShift) }
    static func slice(at turn: Int64) -> Int { Int(turn % Int64(count)) }

    /// The turns that are due when `entries` more have been appended.
    mutating func take(after entries: Int) -> Range<Int64> {
        credit += entries * Self.count
        let first = next
        while credit >= roundEntries, next - first < Self.count {
            credit -= roundEntries
            next += 1
        }
        // A whole round leaves nothing that could be due.
        if next - first == Self.count { credit = 0 }
        return first..<next
    }
}
