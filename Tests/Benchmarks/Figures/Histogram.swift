/// Counts integers, mostly nanoseconds, in buckets that keep three significant digits.
///
/// The layout is that of Gil Tene's HdrHistogram (http://hdrhistogram.org): buckets as wide as a
/// power of two, each divided into equal parts, so that a value is never told wrong by more than a
/// thousandth, whatever its size. Recording is two shifts and an increment. An open-loop load
/// records from the intended time of each message, which corrects for coordinated omission.
struct Histogram {
    private enum Layout {
        /// 2,048 parts of a bucket: the least power of two that keeps three digits, doubled.
        static let partBits = 11
        static let parts = 1 << partBits
        static let halfBits = partBits - 1
        /// Values from here on, more than an hour in nanoseconds, count as this one.
        static let valueMax: Int64 = 1 << 42
    }

    private var counts: [UInt64] = []
    private(set) var count: UInt64 = 0
    private(set) var maximum: Int64 = 0

    /// Takes in one value; a negative one counts as zero.
    mutating func record(_ value: Int64) {
        let value = min(max(0, value), Layout.valueMax)
        let index = Self.index(of: value)
        if index >= counts.count {
            counts.append(contentsOf: repeatElement(0, count: index + 1 - counts.count))
        }
        counts[index] += 1
        count += 1
        maximum = max(maximum, value)
    }

    /// Takes in everything that `other` counted.
    mutating func add(_ other: Histogram) {
        if other.counts.count > counts.count {
            counts.append(contentsOf: repeatElement(0, count: other.counts.count - counts.count))
        }
        for (index, more) in other.counts.enumerated() { counts[index] += more }
        count += other.count
        maximum = max(maximum, other.maximum)
    }

    /// The value that so many thousandths of all values do not exceed; zero if there is none.
    func value(atPermille permille: Int) -> Int64 {
        precondition((0...1_000).contains(permille), "a share of what there is")
        let wanted = max(1, (count * UInt64(permille) + 999) / 1_000)
        var passed: UInt64 = 0
        for (index, count) in counts.enumerated() {
            passed += count
            if passed >= wanted { return min(maximum, Self.highest(at: index)) }
        }
        return maximum
    }

    /// Values below `parts` have a place each; above, each power of two has half as many.
    private static func index(of value: Int64) -> Int {
        let bits = Int64.bitWidth - value.leadingZeroBitCount
        let bucket = max(0, bits - Layout.partBits)
        return bucket << Layout.halfBits + Int(value >> Int64(bucket))
    }

    /// The highest value that is counted at `index`.
    private static func highest(at index: Int) -> Int64 {
        guard index >= Layout.parts else { return Int64(index) }
        let bucket = index >> Layout.halfBits - 1
        let part = Int64(index - bucket << Layout.halfBits)
        return (part + 1) << Int64(bucket) - 1
    }
}
