import CreditProfile
import GRDB
import Messages
import Model
import Rewards
import Scoring
import Storage
import Streams

/// Going through entries one by one: always in a full audit, else only to explain what was found.
extension Audit {
    /// Names the messages behind broken sums, and in a full audit recomputes everything.
    func explain(_ moment: Moment, in report: inout AuditReport) throws {
        guard full || !report.holds else { return }
        if full { try auditChains(into: &report) }
        let trace = Trace(stores: stores, moment: moment)
        try noteFirst("every accepted event has one outcome", moment, in: &report) {
            try trace.firstUnscored(in: $0)
        }
        try noteFirst("every outcome was published as it stands", moment, in: &report) {
            try trace.firstMisstated(in: $0)
        }
        let issuanceHolds = report.laws.allSatisfy { $0.holds || !$0.law.contains("issued") }
        if full && report.holds || !issuanceHolds {
            try noteFirst("every award stands in the lot of its day", moment, in: &report) {
                // Lots move on with rewards' cursor; only those of a service at rest compare.
                try isAtRest(moment) ? trace.firstMisissued(in: $0) : nil
            }
        }
        guard full else { return }
        report.note(
            "entries = residents' totals = periods", "recomputed from every entry",
            finding: try scoringDifference())
        report.note(
            "transfers = flows = accounts = lots = orders", "recomputed from every transfer",
            finding: try rewardsDifference())
        report.note(
            "days = what was applied", "recomputed from every day of every resident",
            finding: try stores.store(of: .creditProfile).read {
                try CreditProfileRecords($0).firstDifference(partitions: moment.partitions.count)
            })
    }

    private func noteFirst(
        _ law: String, _ moment: Moment, in report: inout AuditReport,
        _ finding: (Int) throws -> String?
    ) throws {
        var first: String?
        do {
            for partition in moment.partitions where first == nil {
                first = try finding(partition)
            }
        } catch let failure as Failure {
            first = failure.message
        }
        report.note(law, "one by one", finding: first)
    }

    /// Whether rewards still stands where it stood, so that its lots are those of the moment.
    private func isAtRest(_ moment: Moment) throws -> Bool {
        try stores.read { snapshots in
            let now = try LogFacts(of: .rewards, in: snapshots[.rewards])
            return moment.partitions.allSatisfy {
                now.cursor(of: .points, partition: $0)
                    == moment.cursor(of: .rewards, in: .scoring, $0)
            }
        }
    }

    private func auditChains(into report: inout AuditReport) throws {
        for service in ServiceName.allCases {
            for log in try LogCheck(store: stores.store(of: service)).run() ?? [] {
                report.note(
                    "\(log.stream)/\(log.partition) chain",
                    "\(Wording.plural(log.blocks, "block")), \(log.chain.prefix(16))…",
                    finding: log.damage.map { "\(log.stream)/\(log.partition): \($0)" })
            }
        }
    }

    private func scoringDifference() throws -> String? {
        let balance = try stores.store(of: .scoring).read { try ScoringRecords($0).balance() }
        guard !balance.holds else { return nil }
        func text(_ amounts: ScoringRecords.Balance.Amounts) -> String {
            "\(amounts.events) events, \(amounts.milligrams.rawValue) mg, "
                + "\(amounts.points.rawValue) points"
        }
        return "the entries come to \(text(balance.entries)) (\(balance.refused) refused), the "
            + "residents' totals to \(text(balance.residents)), the periods to "
            + text(balance.periods)
    }

    private func rewardsDifference() throws -> String? {
        let store = stores.store(of: .rewards)
        if let difference = try store.read({ try RewardsRecords($0).differenceInSums() }) {
            return difference
        }
        if let difference = try store.read({ try RewardsRecords($0).differenceInOrders() }) {
            return difference
        }
        var last: ResidentID?
        repeat {
            let slice = try store.read {
                try RewardsRecords($0).differenceInResidents(after: last)
            }
            if let difference = slice.difference { return difference }
            last = slice.last
        } while last != nil
        return nil
    }
}
