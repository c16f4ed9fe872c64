import GRDB
import Messages
import Model
import Storage
import Streams
import SwiftProtobuf
import Wire

/// Proves that nothing was lost, doubled or made up between a partner's receipt and a voucher.
///
/// Every consumer is compared with its publisher at the consumer's own cursor, so services may be
/// live and may lag: what is not applied yet is not missing. The quick audit compares sums; the
/// full one recomputes them, event by event, in reads short enough for a live store.
package struct Audit {
    /// Who reads what from whom.
    package static let consumers: [(consumer: ServiceName, publisher: ServiceName)] = [
        (.scoring, .ingestion), (.rewards, .scoring), (.creditProfile, .scoring),
    ]

    let stores: StoreSet
    let full: Bool

    /// - Parameter full: whether sums are worked out anew, event by event, and not only compared.
    package init(stores: StoreSet, full: Bool) {
        self.stores = stores
        self.full = full
    }

    package func run() throws -> AuditReport {
        var report = AuditReport(full: full)
        let moment = try stores.read { snapshots in
            let moment = try Moment(snapshots)
            try auditLogs(moment, into: &report)
            try auditCursors(moment, snapshots, into: &report)
            try auditLedgers(moment, snapshots, into: &report)
            return moment
        }
        try explain(moment, in: &report)
        return report
    }

    /// Where every log and every consumer stood at one moment.
    struct Moment {
        let facts: [ServiceName: LogFacts]

        init(_ snapshots: StoreSnapshots) throws {
            facts = Dictionary(
                uniqueKeysWithValues: try ServiceName.allCases.map {
                    ($0, try LogFacts(of: $0, in: snapshots[$0]))
                })
        }

        subscript(service: ServiceName) -> LogFacts {
            guard let facts = facts[service] else {
                preconditionFailure("a moment knows every service")
            }
            return facts
        }

        var partitions: Range<Int> { 0..<self[.ingestion].identity.partitions }

        /// Where `consumer` stands in what `publisher` published.
        func cursor(of consumer: ServiceName, in publisher: ServiceName, _ partition: Int)
            -> Streams.Cursor
        {
            self[consumer].cursor(of: self[publisher].identity.stream, partition: partition)
        }

        func deadLetters(
            of consumer: ServiceName, from publisher: ServiceName, _ partition: Int
        ) -> Set<UInt64> {
            self[consumer].deadLetters(of: self[publisher].identity.stream, partition: partition)
        }
    }

    private func auditLogs(_ moment: Moment, into report: inout AuditReport) throws {
        for service in ServiceName.allCases {
            let facts = moment[service]
            let events = facts.heads.reduce(0) { $0 + $1.totals.events }
            let odd = facts.heads.first { $0.totals.events != $0.sequence }
            report.note(
                "\(facts.identity.stream.rawValue) log",
                Wording.plural(events, "event"),
                finding: odd.map {
                    "\(facts.identity.stream.rawValue)/\($0.partition) counts "
                        + "\($0.totals.events) events and ends at \($0.sequence): "
                        + "`greenctl stream verify \(service.rawValue)` finds the block"
                })
        }
    }

    private func auditCursors(
        _ moment: Moment, _ snapshots: StoreSnapshots, into report: inout AuditReport
    ) throws {
        for (consumer, publisher) in Self.consumers {
            let stream = moment[publisher].identity.stream.rawValue
            var read: UInt64 = 0
            var published: UInt64 = 0
            var finding: String?
            for partition in moment.partitions {
                let cursor = moment.cursor(of: consumer, in: publisher, partition)
                read += cursor.sequence
                published += moment[publisher].heads[partition].sequence
                let wrong = try misplacement(
                    of: cursor, partition: partition, on: moment[publisher].identity,
                    in: snapshots[publisher])
                if let wrong, finding == nil {
                    finding =
                        "\(consumer.rawValue) stands at \(stream)/\(partition)/\(cursor.sequence), "
                        + wrong
                }
            }
            let lag = published > read ? published - read : 0
            report.note(
                "\(consumer.rawValue) reads \(stream)",
                "\(Wording.count(read)) of \(Wording.count(published)) events"
                    + (lag == 0 ? "" : ", lag \(Wording.count(lag))"),
                finding: finding)
        }
    }

    /// Why a cursor is not on its publisher's chain; nil if it is.
    private func misplacement(
        of cursor: Streams.Cursor, partition: Int, on identity: LogIdentity, in database: Database
    ) throws -> String? {
        guard cursor.sequence > 0 else { return nil }
        guard cursor.log == identity.log else { return "which is of another log" }
        let edge = try EventLog.edge(
            at: cursor.sequence, partition: partition, of: identity, in: database)
        guard let edge else { return "where no block ends: the publisher has lost events" }
        guard edge.chain == cursor.chain else {
            return "where the publisher's chain is another: it has applied what was not published"
        }
        return nil
    }
}
