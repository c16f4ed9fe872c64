/// One line that is written over and over while something long goes on.
struct ProgressBar {
    private static let cells = 24
    /// Writing more often would cost more than it tells.
    private static let pauseMilliseconds: Int64 = 100

    private let output: any TextOutput
    private let total: Int
    private let start: Int64
    private var writtenAt: Int64?

    init(total: Int, on output: any TextOutput, at now: Int64) {
        self.output = output
        self.total = total
        start = now
    }

    /// Shows that `done` of the total are through, unless it did so a moment ago.
    mutating func show(_ done: Int, at now: Int64) {
        if let writtenAt, now - writtenAt < Self.pauseMilliseconds, done < total { return }
        writtenAt = now
        output.write("\r" + line(done, at: now) + "\u{1B}[K")
    }

    /// Takes the line away again.
    mutating func clear() {
        guard writtenAt != nil else { return }
        output.write("\r\u{1B}[K")
        writtenAt = nil
    }

    func line(_ done: Int, at now: Int64) -> String {
        let filled = total == 0 ? Self.cells : min(Self.cells, done * Self.cells / total)
        let bar =
            String(repeating: "█", count: filled)
            + String(repeating: "░", count: Self.cells - filled)
        let percent = total == 0 ? 100 : min(100, done * 100 / total)
        let rate = Int64(done) * 1_000 / max(1, now - start)
        return "\(bar) \(percent) %  \(Wording.count(done)) of \(Wording.plural(total, "event"))"
            + "  \(Wording.count(rate))/s"
    }
}
