/// What an audit found: one verdict for each law.
package struct AuditReport: Encodable {
    struct Verdict: Encodable {
        var law: String
        var holds: Bool
        /// The sums that were compared.
        var figures: String
        /// What breaks the law: the first message that does, where it can be told.
        var finding: String?
    }

    private(set) var full: Bool
    package private(set) var holds = true
    private(set) var laws: [Verdict] = []

    init(full: Bool) { self.full = full }

    /// Notes a law's verdict: it holds if there is no finding.
    mutating func note(_ law: String, _ figures: String, finding: String?) {
        laws.append(
            Verdict(law: law, holds: finding == nil, figures: figures, finding: finding))
        if finding != nil { holds = false }
    }

    /// The first thing that was found to be wrong.
    package var finding: String? { laws.first { !$0.holds }?.finding }

    var lines: [String] {
        var table = Table(" ", "LAW", "FIGURES")
        for law in laws { table.add(law.holds ? "✓" : "✗", law.law, law.figures) }
        let findings = laws.compactMap(\.finding).map { "✗ \($0)" }
        return table.lines + findings
            + [holds ? "everything balances" : "the books do not balance"]
    }
}
