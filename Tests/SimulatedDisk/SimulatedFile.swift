/// One file as three views of it: what the kernel shows, and what is safe on the platter.
///
/// A sector reaches the platter as the page cache holds it at some moment: with every change made
/// to it so far, or with an older state of it, and never as a mixture. So bytes beside a write
/// are never harmed, which is what `SQLITE_IOCAP_POWERSAFE_OVERWRITE` promises.
final class SimulatedFile {
    static let sectorBytes = 512

    /// What whoever reads the file is shown.
    private(set) var seen: Contents
    /// What was shown when the last sync ended, well or not.
    private var base: Contents
    /// What survives for certain.
    private var safe: Contents
    /// What was done to `base` since; it may survive or not.
    private var changes: [Change] = []
    /// Whether a sync failed: `safe` lacks what is not written again.
    private var isIncomplete = false

    var locks = FileLocks()
    var memory: SharedMemory?

    private enum Change {
        case write(offset: Int, bytes: [UInt8])
        case resize(Int)
    }

    init(_ contents: Contents = Contents()) {
        seen = contents
        base = contents
        safe = contents
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
        guard !bytes.isEmpty else { return }
        seen.write(bytes, at: offset)
        changes.append(.write(offset: offset, bytes: Array(bytes)))
    }

    func resize(to size: Int) {
        seen.resize(to: size)
        changes.append(.resize(size))
    }

    func sync() {
        if isIncomplete {
            safe.resize(to: seen.size)
            for case .write(let offset, let bytes) in changes {
                let first = offset / Contents.pageBytes
                let last = (offset + bytes.count - 1) / Contents.pageBytes
                safe.copy(
                    first * Contents.pageBytes..<(last + 1) * Contents.pageBytes, from: seen)
            }
        } else {
            safe = seen
        }
        base = seen
        changes.removeAll(keepingCapacity: true)
    }

    /// A sync failed, and with it what was to be synced: the kernel counts those pages as clean.
    ///
    /// They are still shown, and a later sync that succeeds does not write them: whoever goes on
    /// must write them again. So Linux does since it was found out in 2018 ("fsyncgate").
    func failSync() {
        base = seen
        changes.removeAll(keepingCapacity: true)
        isIncomplete = true
    }

    // MARK: Power

    /// How much of what was not synced arrives.
    private enum Luck {
        /// Nothing.
        case none
        /// Everything before one moment.
        case until(Int)
        /// Each change by itself, so many times out of eight.
        case eighths(Int)

        init(changes: Int, using generator: inout some RandomNumberGenerator) {
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: self = .none
            case 1: self = .until(.random(in: 0...changes, using: &generator))
            default: self = .eighths(.random(in: 1...7, using: &generator))
            }
        }
    }

    fileprivate enum Fate {
        case kept, torn, lost
    }

    /// The power fails: of what was not synced, the draws decide what is there afterwards.
    func losePower(using generator: inout some RandomNumberGenerator) -> PowerLoss {
        var loss = PowerLoss()
        var cache = base
        var platter = safe
        let luck = Luck(changes: changes.count, using: &generator)
        for (index, change) in changes.enumerated() {
            let fate = Self.fate(of: index, with: luck, using: &generator)
            switch change {
            case .resize(let size):
                cache.resize(to: size)
                // Half a change of a size is none.
                if fate == .kept { platter.resize(to: size) }
                loss.count(fate == .kept ? .kept : .lost)
            case .write(let offset, let bytes):
                bytes.withUnsafeBytes { cache.write($0, at: offset) }
                let end = offset + bytes.count
                // A size may be there before what it makes room for.
                if fate != .kept, end > platter.size, Bool.random(using: &generator) {
                    platter.resize(to: end)
                }
                if fate != .lost {
                    for sector in Self.sectors(of: offset..<end) {
                        if fate == .torn, Bool.random(using: &generator) { continue }
                        platter.copy(sector, from: cache)
                    }
                }
                loss.count(fate)
            }
        }
        seen = platter
        base = platter
        safe = platter
        changes = []
        isIncomplete = false
        return loss
    }

    private static func fate(
        of index: Int, with luck: Luck, using generator: inout some RandomNumberGenerator
    ) -> Fate {
        switch luck {
        case .none: return .lost
        case .until(let end): return index < end ? .kept : index == end ? .torn : .lost
        case .eighths(let kept):
            if Int.random(in: 0..<8, using: &generator) < kept { return .kept }
            return Int.random(in: 0..<4, using: &generator) == 0 ? .torn : .lost
        }
    }

    private static func sectors(of range: Range<Int>) -> some Sequence<Range<Int>> {
        (range.lowerBound / sectorBytes...(range.upperBound - 1) / sectorBytes).lazy.map {
            $0 * sectorBytes..<($0 + 1) * sectorBytes
        }
    }
}

/// What became of the changes that were not synced when the power failed.
package struct PowerLoss: Equatable, Sendable {
    package var kept = 0
    package var torn = 0
    package var lost = 0

    package init() {}

    fileprivate mutating func count(_ fate: SimulatedFile.Fate) {
        switch fate {
        case .kept: kept += 1
        case .torn: torn += 1
        case .lost: lost += 1
        }
    }

    package mutating func add(_ other: PowerLoss) {
        kept += other.kept
        torn += other.torn
        lost += other.lost
    }
}
