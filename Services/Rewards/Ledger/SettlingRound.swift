/// Which accounts are settled when: a hand that goes round them, moved on by the transfers.
///
/// An award changes an account and a lot that lie anywhere in the store: written at once, a few
/// bytes dirty two pages of 4 KiB. So awards are only entered in the journal, whose end is always
/// the same page, and accounts and lots are settled later, neighbours together, that share pages.
///
/// Accounts are dealt into slices, runs of neighbouring numbers in turn. With every
/// `transfersPerStep` transfers the hand moves on by one slice, and all in it that is unsettled is
/// written. So nothing unsettled is older than a round: that bounds the memory it takes and the
/// tail that a start reads again. And however busy or quiet a slice is, no transaction settles
/// much more than its share.
struct SettlingRound {
    struct Member {
        var number: Int64
        /// Where the account stands in the writer's memory.
        var place: Int
    }

    private let pace: SettlingPace
    /// By slice: accounts that became unsettled since the hand was there.
    private var members: [[Member]]
    /// By slice: the last transfer when the hand was there.
    private var passed: [Int64]
    /// Where the hand stands, in steps since the first transfer.
    private var hand: Int64

    /// - Parameters:
    ///   - settled: every transfer up to this one is in accounts and lots.
    ///   - last: the newest transfer.
    init(_ pace: SettlingPace, settled: Int64, last: Int64) {
        self.pace = pace
        members = Array(repeating: [], count: pace.slices)
        passed = Array(repeating: settled, count: pace.slices)
        hand = last / pace.transfersPerStep
        // Lives too short for a round have left more than one, or another pace did: then the next
        // step is a whole round.
        if last - settled > pace.transfersPerRound { hand -= Int64(pace.slices) }
    }

    /// Every transfer up to this one is in accounts and lots: the slice that has waited longest
    /// knows.
    var settled: Int64 { passed[slice(ofStep: hand + 1)] }

    private func slice(ofStep step: Int64) -> Int {
        let slices = Int64(pace.slices)
        return Int(((step % slices) + slices) % slices)
    }

    mutating func add(_ member: Member) {
        members[Int(member.number / pace.neighbours % Int64(pace.slices))].append(member)
    }

    /// Moves the hand on to the newest transfer and takes out whom it meets, by number.
    mutating func advance(to last: Int64) -> [Member] {
        let end = last / pace.transfersPerStep
        let first = max(hand + 1, end - Int64(pace.slices) + 1)
        guard first <= end else { return [] }
        hand = end
        return take(from: (first...end).map(slice(ofStep:)), last: last)
    }

    /// Takes out everybody, by number: the whole round at once.
    mutating func finish(at last: Int64) -> [Member] {
        hand = last / pace.transfersPerStep
        return take(from: Array(members.indices), last: last)
    }

    private mutating func take(from slices: [Int], last: Int64) -> [Member] {
        var taken: [Member] = []
        for slice in slices {
            taken += members[slice]
            members[slice].removeAll(keepingCapacity: true)
            passed[slice] = last
        }
        taken.sort { $0.number < $1.number }
        return taken
    }

    /// Takes out everybody without settling anything: the accounts move in memory.
    mutating func clear() {
        for slice in members.indices { members[slice].removeAll(keepingCapacity: true) }
    }
}

/// How accounts are dealt into slices, and how fast the hand goes round.
package struct SettlingPace: Sendable {
    /// Accounts of neighbouring numbers that are settled together: their rows fill a few pages.
    let neighbours: Int64
    let slices: Int
    let transfersPerStep: Int64

    package init(neighbours: Int64, slices: Int, transfersPerStep: Int64) {
        precondition(neighbours > 0 && slices > 0 && transfersPerStep > 0, "the hand moves")
        self.neighbours = neighbours
        self.slices = slices
        self.transfersPerStep = transfersPerStep
    }

    /// Transfers for which an account can stay unsettled, beside those of one transaction.
    var transfersPerRound: Int64 { Int64(slices) * transfersPerStep }

    /// A round of 65,536 transfers, which a start reads again in a tenth of a second.
    ///
    /// A longer one would let more of a large city's awards meet in a page; small steps spread the
    /// writing evenly over transactions of a few events.
    package static let standard = SettlingPace(
        neighbours: 256, slices: 256, transfersPerStep: 256)
}
