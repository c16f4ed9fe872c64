import Synchronization

/// Where each resident's unsettled entries stand, kept by the writer for those who answer.
///
/// A snapshot alone answers everything, but to find one resident in the tail it is read whole. A
/// slice's list here and a snapshot that were settled last at the same turn describe the same
/// tail, but for what was committed in between:
///
/// - What is listed and not in the snapshot is newer than the snapshot.
/// - What is in the snapshot and not listed was committed and nobody has been told of it yet: the
///   list grows before a transaction is announced. The answer is that of a moment earlier.
///
/// If the turns differ, what one side has settled is still a tail on the other: the list is of no
/// use then, and the snapshot is read.
package final class TailIndex: Sendable {
    private struct Slice {
        /// When it was settled last.
        var turn: Int64
        var entries: [(resident: Int64, place: LedgerPlace)] = []
    }

    private let slices = Mutex<[Slice]>([])

    package init() {}

    /// Where the entries of `resident` stand, in the order in which they were decided.
    ///
    /// nil if the resident's slice was not settled last at `turn`.
    func places(of resident: Int64, settledAt turn: Int64) -> [LedgerPlace]? {
        slices.withLock { slices in
            let number = SliceTurns.slice(of: resident)
            guard slices.indices.contains(number), slices[number].turn == turn else { return nil }
            return slices[number].entries.lazy.filter { $0.resident == resident }.map(\.place)
        }
    }

    /// Begins anew: slices settled last at `turns`, with `entries` behind.
    func restart(turns: [Int64], entries: [(resident: Int64, place: LedgerPlace)]) {
        var fresh = turns.map { Slice(turn: $0) }
        for entry in entries { fresh[SliceTurns.slice(of: entry.resident)].entries.append(entry) }
        slices.withLock { [fresh] in $0 = fresh }
    }

    /// A transaction is on disk that appended `entries` and then settled slices at `turns`.
    func committed(_ entries: [EntryRow], settling turns: Range<Int64>) {
        slices.withLock { slices in
            for entry in entries {
                slices[SliceTurns.slice(of: entry.resident)].entries
                    .append((entry.resident, entry.place))
            }
            for turn in turns {
                let number = SliceTurns.slice(at: turn)
                slices[number].turn = turn
                slices[number].entries.removeAll(keepingCapacity: true)
            }
        }
    }
}
