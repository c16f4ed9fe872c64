import Foundation
package import GRDB
package import Messages
import Model
package import Streams
import Wire

/// What Rewards does with points: keeps them in lots, lets them expire, and exchanges them.
///
/// Decisions follow from the events of a resident's partition and the commands between them, in
/// their order, and never from how they were gathered into transactions: whatever is published is
/// published where it happens.
package final class RewardsDomain: Domain {
    package typealias Input = PointsInput
    package typealias Errand = Never
    package typealias ErrandResult = Never

    let ledger: PointsLedger
    let voucherKey: VoucherKey
    private let partitionCount: Int
    private var calendars: [CityCalendar]
    /// Partitions whose calendar moved in this transaction.
    private var moved: Set<Int> = []

    package enum Limits {
        /// Points that one event may award or take back: far beyond any method, and far below what
        /// sums of 64 bits can hold.
        package static let pointsPerEventMax: Int64 = 1_000_000_000_000
        /// Accounts kept between transactions, of about 200 bytes each: twice what a round leaves
        /// unsettled.
        package static let accountsKeptMax = 131_072
    }

    /// Reads where the store stands.
    ///
    /// - Parameters:
    ///   - pace: how long accounts may stay unsettled; no decision depends on it.
    ///   - accountsKeptMax: accounts kept in memory between transactions, beside the unsettled.
    package init(
        database: Database, voucherKey: VoucherKey, partitions: Int,
        pace: SettlingPace = .standard, accountsKeptMax: Int = Limits.accountsKeptMax
    ) throws {
        self.voucherKey = voucherKey
        precondition(
            (1...LotPlace.Limits.partitionsMax).contains(partitions), "a lot's place bounds them")
        partitionCount = partitions
        ledger = try PointsLedger(
            partitions: partitions, pace: pace, accountsKeptMax: accountsKeptMax, in: database)
        calendars = try Self.calendars(partitions, in: database)
    }

    /// What `RewardsAnswers` needs to find unsettled awards fast.
    package var latest: LatestTransfers { ledger.latest }

    private static func calendars(_ count: Int, in database: Database) throws -> [CityCalendar] {
        try (0..<count).map { try RewardsStore.calendar(of: $0, in: database) }
    }

    // MARK: Events

    package func apply(
        _ event: PointsInput, at position: EventPosition, in transaction: Transaction
    ) throws {
        switch event.payload {
        case .scored(let scored):
            try apply(scored, to: event.resident, at: position, in: transaction)
        case .dayEnded(let day):
            try end(day, at: position, in: transaction)
        case .refused, .residentErased, nil:
            // A refusal is worth nothing, and an erased resident leaves only a number behind here.
            break
        }
        if position.sequence.isMultiple(of: CityCalendar.Limits.eventsPerStep),
            calendars[position.partition].hasUnposted
        {
            try postExpired(at: position, in: transaction)
        }
    }

    private func apply(
        _ scored: PointsInput.Award, to resident: Int64, at position: EventPosition,
        in transaction: Transaction
    ) throws {
        guard let resident = ResidentID(rawValue: resident) else {
            throw Undecidable("points of no resident")
        }
        guard CityCalendar.Limits.days.contains(scored.day) else {
            throw Undecidable("day \(scored.day) is no date")
        }
        guard scored.points.magnitude <= UInt64(Limits.pointsPerEventMax) else {
            throw Undecidable("\(scored.points) points exceed what one event may move")
        }
        let day = LocalDay(scored.day)
        let partition = position.partition
        if scored.points != 0 {
            let database = transaction.database
            let place = try ledger.place(of: resident, partition: partition, in: database)
            let firstOpenDay = calendars[partition].firstOpenDay
            if scored.points > 0 {
                let outcome = try ledger.award(
                    Points(scored.points), for: day, at: place, firstOpenDay: firstOpenDay,
                    in: database)
                if outcome.repaid > .zero {
                    try publishDebt(of: place, at: position, in: transaction)
                }
                if outcome.expired > .zero {
                    try publishExpired(
                        [LotShare(day: day, points: outcome.expired)], of: place, at: position,
                        in: transaction)
                }
            } else {
                let owed = try ledger.reverse(
                    Points(-scored.points), for: day, at: place, firstOpenDay: firstOpenDay,
                    in: database)
                if owed > .zero { try publishDebt(of: place, at: position, in: transaction) }
            }
        }
        if calendars[partition].latestEarned.map({ $0 < day }) ?? true {
            calendars[partition].latestEarned = day
            moved.insert(partition)
        }
    }

    private func end(
        _ day: Int32, at position: EventPosition, in transaction: Transaction
    ) throws {
        guard CityCalendar.Limits.days.contains(day) else {
            throw Undecidable("day \(day) is no date")
        }
        let partition = position.partition
        if let last = calendars[partition].lastEnded, LocalDay(day) <= last {
            throw Undecidable("day \(LocalDay(day)) ended after day \(last)")
        }
        calendars[partition].lastEnded = LocalDay(day)
        moved.insert(partition)
        // Expiry looks for lots and accounts in the store.
        try ledger.settleAll(in: transaction.database)
        if calendars[partition].hasUnposted { try postExpired(at: position, in: transaction) }
    }

    /// Posts the next lots that have expired.
    ///
    /// They could no longer be spent from the moment their day ended; posting them only moves the
    /// points to where they now belong. It takes a step at the day's end and another with every
    /// 64th event of the partition, counted by the log, so that a million lots do not hold up the
    /// city and yet every run posts the same lots at the same events.
    private func postExpired(at position: EventPosition, in transaction: Transaction) throws {
        let partition = position.partition
        let end = calendars[partition].firstOpenPlace
        let step = try ledger.expire(
            in: partition, after: calendars[partition].posted, before: end,
            limit: CityCalendar.Limits.lotsPerStepMax, in: transaction.database)
        calendars[partition].posted = step.last ?? end
        moved.insert(partition)
        for (place, shares) in step.lots {
            try publishExpired(shares, of: place, at: position, in: transaction)
        }
    }

    // MARK: Commands

    package func handle(
        _ command: CommandMessage, in transaction: Transaction
    ) throws -> ReplyMessage {
        switch command.method {
        case LoadCatalogue.method:
            try .answering(LoadCatalogue.self, command.body) {
                try load($0, by: command, in: transaction)
            }
        case RedeemReward.method:
            try .answering(RedeemReward.self, command.body) {
                try redeem($0, by: command, in: transaction)
            }
        case CancelOrder.method:
            try .answering(CancelOrder.self, command.body) { try cancel($0, in: transaction) }
        default: .unknownMethod(command.method)
        }
    }

    func calendar(of partition: Int) -> CityCalendar { calendars[partition] }

    func partition(of resident: ResidentID) -> Int { resident.partition(of: partitionCount) }

    // MARK: Publishing

    /// An event as of the day that the partition has reached.
    func event(
        of resident: ResidentID?, in partition: Int, after cursor: UInt64
    ) -> RedemptionEvent {
        var event = RedemptionEvent()
        event.schema = RedemptionEvent.schema
        event.resident = resident?.rawValue ?? 0
        event.eventTimeMs = calendars[partition].today?.start.rawValue ?? 0
        event.inputCursor = cursor
        return event
    }

    private func publishDebt(
        of place: Int, at position: EventPosition, in transaction: Transaction
    ) throws {
        var event = event(
            of: ledger[place].resident, in: position.partition, after: position.sequence)
        event.debtChanged.debt = ledger[place].debt.rawValue
        try transaction.emit(event, to: position.partition)
    }

    private func publishExpired(
        _ shares: [LotShare], of place: Int, at position: EventPosition,
        in transaction: Transaction
    ) throws {
        var event = event(
            of: ledger[place].resident, in: position.partition, after: position.sequence)
        event.pointsExpired.day = calendars[position.partition].today?.rawValue ?? 0
        event.pointsExpired.lots = shares.map(\.wire)
        try transaction.emit(event, to: position.partition)
    }

    // MARK: Transactions

    package func flush(in transaction: Transaction) throws {
        try ledger.flush(in: transaction.database)
        for partition in moved.sorted() {
            try RewardsStore.save(calendars[partition], in: transaction.database)
        }
        moved.removeAll(keepingCapacity: true)
    }

    package func committed() { ledger.committed() }

    package func rolledBack(to database: Database) throws {
        moved.removeAll()
        try ledger.reload(from: database)
        calendars = try Self.calendars(partitionCount, in: database)
    }
}

extension LotShare {
    var wire: LotPart {
        var part = LotPart()
        part.earnedDay = day.rawValue
        part.points = points.rawValue
        return part
    }
}
