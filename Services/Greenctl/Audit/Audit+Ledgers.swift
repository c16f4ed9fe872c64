import CreditProfile
import GRDB
import Ingestion
import Messages
import Model
import Rewards
import Scoring
import Storage
import Streams
import SwiftProtobuf
import Wire

/// The laws between what services published and what others made of it.
extension Audit {
    func auditLedgers(
        _ moment: Moment, _ snapshots: StoreSnapshots, into report: inout AuditReport
    ) throws {
        try auditReceipts(snapshots, into: &report)
        try auditScoring(moment, snapshots, into: &report)
        try auditIssuance(moment, snapshots, into: &report)
        try auditPoints(snapshots, into: &report)
        try auditProfiles(moment, snapshots, into: &report)
    }

    private func auditReceipts(
        _ snapshots: StoreSnapshots, into report: inout AuditReport
    ) throws {
        let records = IngestionRecords(snapshots[.ingestion])
        let partners = try records.counts().sorted { $0.key < $1.key }
        var sum = ReceiptCounts()
        var finding: String?
        for (partner, counts) in partners {
            sum.received += counts.received
            sum.accepted += counts.accepted
            sum.duplicate += counts.duplicate
            sum.rejected += counts.rejected
            let answered = counts.accepted + counts.duplicate + counts.rejected
            if counts.received != answered, finding == nil {
                finding =
                    "\(partner) handed in \(counts.received) events and has "
                    + "\(answered) receipts"
            }
        }
        report.note(
            "received = accepted + duplicate + rejected",
            "\(Wording.count(sum.received)) = \(Wording.count(sum.accepted)) + "
                + "\(Wording.count(sum.duplicate)) + \(Wording.count(sum.rejected)), "
                + Wording.plural(partners.count, "partner"),
            finding: finding)

        let identified = try records.acceptedCount()
        report.note(
            "accepted receipts = event ids kept for ever",
            "\(Wording.count(sum.accepted)) = \(Wording.count(identified))",
            finding: sum.accepted == identified
                ? nil
                : "\(sum.accepted) receipts say accepted, and \(identified) event ids are kept: "
                    + "a resend could be taken for new")
    }

    private func auditScoring(
        _ moment: Moment, _ snapshots: StoreSnapshots, into report: inout AuditReport
    ) throws {
        let ingestion = IngestionRecords(snapshots[.ingestion])
        let scoring = ScoringRecords(snapshots[.scoring])
        var unread: Int64 = 0
        var scored: Int64 = 0
        var refused: Int64 = 0
        var dead: Int64 = 0
        var ledger = (milligrams: Milligrams.zero, points: Points.zero)
        var published = (milligrams: Milligrams.zero, points: Points.zero)
        for partition in moment.partitions {
            let cursor = moment.cursor(of: .scoring, in: .ingestion, partition)
            unread += try acceptedEvents(
                after: cursor.sequence, partition: partition, in: snapshots[.ingestion])
            let sums = try scoring.sums(partition: partition)
            scored += sums.scored
            refused += sums.refused
            dead += Int64(moment.deadLetters(of: .scoring, from: .ingestion, partition).count)
            ledger.milligrams += sums.milligrams
            ledger.points += sums.points
            let totals = moment[.scoring].heads[partition].totals
            published.milligrams += Milligrams(totals.milligrams)
            published.points += Points(totals.points)
        }
        let accepted = try ingestion.acceptedCount() - unread
        report.note(
            "accepted = scored + refused + dead-lettered",
            "\(Wording.count(accepted)) = \(Wording.count(scored)) + \(Wording.count(refused)) + "
                + Wording.count(dead)
                + (unread == 0 ? "" : ", \(Wording.count(unread)) not read yet"),
            finding: accepted == scored + refused + dead
                ? nil
                : "\(accepted) accepted events have come to scoring, and "
                    + "\(scored + refused + dead) "
                    + "have an outcome")
        report.note(
            "carbon ledger = points log",
            "\(Wording.grams(ledger.milligrams)) = \(Wording.grams(published.milligrams)), "
                + "\(Wording.points(ledger.points)) = \(Wording.points(published.points)) points",
            finding: ledger == published
                ? nil
                : "the carbon ledger holds \(ledger.milligrams.rawValue) mg and "
                    + "\(ledger.points.rawValue) points, published were "
                    + "\(published.milligrams.rawValue) mg and \(published.points.rawValue) points")
    }

    /// Accepted events that scoring has yet to read.
    private func acceptedEvents(
        after sequence: UInt64, partition: Int, in database: Database
    ) throws -> Int64 {
        var count: Int64 = 0
        var next = sequence
        while true {
            let blocks = try EventLog.blocks(
                after: next, partition: partition, bytesMax: Trace.pageBytesMax, in: database)
            guard let last = blocks.last else { return count }
            for block in blocks {
                count += Int64(try Trace.acceptedEvents(in: block).count)
            }
            next = last.last
        }
    }

    private func auditIssuance(
        _ moment: Moment, _ snapshots: StoreSnapshots, into report: inout AuditReport
    ) throws {
        let rewards = RewardsRecords(snapshots[.rewards])
        var published = Points.zero
        var issued = Points.zero
        for partition in moment.partitions {
            published += try appliedTotals(
                of: .rewards, partition: partition, moment, snapshots
            ).points
            issued += try rewards.issuance(of: partition)
        }
        report.note(
            "points published = points issued",
            "\(Wording.points(published)) = \(Wording.points(issued))",
            finding: published == issued
                ? nil
                : "rewards has read \(published.rawValue) points and issued \(issued.rawValue)")
    }

    /// What a reader of `points` has applied by its cursor: the publisher's totals there, without
    /// what became dead letters.
    private func appliedTotals(
        of consumer: ServiceName, partition: Int, _ moment: Moment, _ snapshots: StoreSnapshots
    ) throws -> (milligrams: Milligrams, points: Points) {
        let cursor = moment.cursor(of: consumer, in: .scoring, partition)
        let edge = try EventLog.edge(
            at: cursor.sequence, partition: partition, of: moment[.scoring].identity,
            in: snapshots[.scoring])
        var applied = (
            milligrams: Milligrams(edge?.totals.milligrams ?? 0),
            points: Points(edge?.totals.points ?? 0)
        )
        for sequence in moment.deadLetters(of: consumer, from: .scoring, partition) {
            let blocks = try EventLog.blocks(
                holding: sequence, partition: partition, bytesMax: 1, in: snapshots[.scoring])
            for event in try blocks.flatMap({ try Trace.awards(in: $0) })
            where event.sequence == sequence {
                applied.milligrams = applied.milligrams - event.milligrams
                applied.points -= event.points
            }
        }
        return applied
    }

    private func auditPoints(_ snapshots: StoreSnapshots, into report: inout AuditReport) throws {
        let records = RewardsRecords(snapshots[.rewards])
        let sums = RewardsRecords.Conservation(try records.foldedFlows())
        let accounts = try records.accountSums()
        var finding: String?
        if !sums.holds {
            finding = "the points awarded are not where they should be: \(sums)"
        } else if accounts != sums {
            finding = "the ledger comes to \(sums), the residents' accounts to \(accounts)"
        }
        report.note(
            "awarded = held + spent + expired + reversed + balance − debt",
            "\(Wording.points(sums.awarded)) = \(Wording.points(sums.held)) + "
                + "\(Wording.points(sums.spent)) + \(Wording.points(sums.expired)) + "
                + "\(Wording.points(sums.reversed)) + \(Wording.points(sums.balance)) − "
                + Wording.points(sums.debt),
            finding: finding)

        var vouchers = Points.zero
        var donations = Points.zero
        for order in try records.orders() where order.state == .filled {
            if order.kind == .voucher {
                vouchers += order.points
            } else {
                donations += order.points
            }
        }
        report.note(
            "spent = vouchers + donations",
            "\(Wording.points(sums.spent)) = \(Wording.points(vouchers)) + "
                + Wording.points(donations),
            finding: sums.spent == vouchers + donations
                ? nil
                : "\(sums.spent.rawValue) points are spent, the orders that stand cost "
                    + "\((vouchers + donations).rawValue)")
    }

    private func auditProfiles(
        _ moment: Moment, _ snapshots: StoreSnapshots, into report: inout AuditReport
    ) throws {
        let records = CreditProfileRecords(snapshots[.creditProfile])
        var published = (milligrams: Milligrams.zero, points: Points.zero)
        var applied = (milligrams: Milligrams.zero, points: Points.zero)
        for partition in moment.partitions {
            let totals = try appliedTotals(
                of: .creditProfile, partition: partition, moment, snapshots)
            published.milligrams += totals.milligrams
            published.points += totals.points
            let sums = try records.sums(of: partition)
            applied.milligrams += sums.milligrams
            applied.points += sums.points
        }
        report.note(
            "points log = credit profiles' basis",
            "\(Wording.grams(published.milligrams)) = \(Wording.grams(applied.milligrams)), "
                + "\(Wording.points(published.points)) = \(Wording.points(applied.points)) points",
            finding: published == applied
                ? nil
                : "credit-profile has read \(published.milligrams.rawValue) mg and "
                    + "\(published.points.rawValue) points, and applied "
                    + "\(applied.milligrams.rawValue) mg and \(applied.points.rawValue) points")
    }
}
