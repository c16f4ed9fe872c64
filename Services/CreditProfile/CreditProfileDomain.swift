import Crypto
import Foundation
package import GRDB
package import Messages
import Model
package import Streams
import Wire

/// What CreditProfile does with points: adds them up by day, and scores who consents to it.
///
/// It reads what residents did and never what they spent: a profile can only be earned. Scores are
/// published at `DayEnded`, when everything before it in the partition has been added up, so they
/// do not depend on how events were gathered into transactions.
package final class CreditProfileDomain: Domain {
    package typealias Input = PointsInput
    package typealias Errand = Never
    package typealias ErrandResult = Never

    private let table: ProfileTable
    private let partitionCount: Int
    private var sums: [PartitionSums]
    /// Which partitions' sums moved in this transaction; no set, which every event would hash for.
    private var moved: [Bool]
    private var behaviours: [String: Int]
    /// The same numbers by the bytes that events spell their behaviours with.
    private var codes: TextTable
    private var places: [DayKey: Int] = [:]
    private var days: [(key: DayKey, sum: DaySum)] = []

    private struct DayKey: Hashable, Comparable {
        var day: LocalDay
        var resident: Int64

        static func < (left: Self, right: Self) -> Bool {
            (left.day, left.resident) < (right.day, right.resident)
        }
    }

    package enum Limits {
        /// Days since 1970 that an event may name; anything else is no date of this city's.
        package static let days: ClosedRange<Int32> = -100_000...1_000_000
        /// Milligrams and points that one event may move: far beyond any method.
        package static let amountPerEventMax: UInt64 = 1_000_000_000_000_000
    }

    /// Reads where the store stands.
    package init(database: Database, table: ProfileTable, partitions: Int) throws {
        self.table = table
        partitionCount = partitions
        moved = Array(repeating: false, count: partitions)
        sums = try Self.sums(partitions, in: database)
        behaviours = try CreditProfileStore.behaviours(in: database)
        codes = TextTable(behaviours)
    }

    private static func sums(_ count: Int, in database: Database) throws -> [PartitionSums] {
        try (0..<count).map { try CreditProfileStore.sums(of: $0, in: database) }
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
        case .residentErased:
            // Nobody is left to consent; the sums stay under a number that names no one.
            guard let resident = ResidentID(rawValue: event.resident) else { break }
            try withdraw(
                resident, because: [], after: position.sequence, in: transaction)
        case .refused, nil:
            break
        }
    }

    private func apply(
        _ scored: PointsInput.Award, to resident: Int64, at position: EventPosition,
        in transaction: Transaction
    ) throws {
        guard resident > 0 else { throw Undecidable("an award of no resident") }
        guard Limits.days.contains(scored.day) else {
            throw Undecidable("day \(scored.day) is no date")
        }
        guard scored.milligrams.magnitude <= Limits.amountPerEventMax,
            scored.points.magnitude <= Limits.amountPerEventMax
        else { throw Undecidable("an award exceeds what one event may move") }
        let behaviour = try number(of: scored.behaviour, in: transaction)
        let key = DayKey(day: LocalDay(scored.day), resident: resident)
        let place: Int
        if let known = places[key] {
            place = known
        } else {
            place = days.count
            places[key] = place
            days.append((key, DaySum()))
        }
        days[place].sum.milligrams += Milligrams(scored.milligrams)
        if scored.milligrams < 0 || scored.points < 0 {
            days[place].sum.reversals += 1
        } else {
            days[place].sum.events += 1
            if EvidenceKind(rawValue: scored.evidence)?.isStrong == true {
                days[place].sum.strongEvents += 1
            }
            // What a cap leaves nothing of names no behaviour: the one before it did, and which
            // came first is chance.
            if scored.milligrams > 0 { days[place].sum.behaviours |= 1 << UInt64(behaviour) }
        }
        let partition = position.partition
        sums[partition].awards += 1
        sums[partition].milligrams += Milligrams(scored.milligrams)
        sums[partition].points += Points(scored.points)
        if sums[partition].latestDay.map({ $0 < key.day }) ?? true {
            sums[partition].latestDay = key.day
        }
        moved[partition] = true
    }

    private func number(of code: TextSlice, in transaction: Transaction) throws -> Int {
        if let number = codes.number(of: code) { return number }
        let behaviour = code.string
        if let number = behaviours[behaviour] { return number }
        let number = behaviours.count
        guard number < CreditProfileStore.Limits.behavioursMax else {
            throw Undecidable(
                "\(behaviour) is one behaviour more than the "
                    + "\(CreditProfileStore.Limits.behavioursMax) that can be told apart")
        }
        try CreditProfileStore.insertBehaviour(
            behaviour, number: number, in: transaction.database)
        behaviours[behaviour] = number
        codes.add(behaviour, number: number)
        return number
    }

    private func end(
        _ day: Int32, at position: EventPosition, in transaction: Transaction
    ) throws {
        guard Limits.days.contains(day) else { throw Undecidable("day \(day) is no date") }
        let day = LocalDay(day)
        let partition = position.partition
        if let last = sums[partition].lastEnded, day <= last {
            throw Undecidable("day \(day) ended after day \(last)")
        }
        sums[partition].lastEnded = day
        moved[partition] = true
        let database = transaction.database
        let consents = try CreditProfileStore.consents(in: partition, in: database)
        if consents.isEmpty { return }
        try writeDays(in: database)
        for consent in consents {
            try publish(consent, on: day, at: position, in: transaction)
        }
    }

    /// Publishes the profile as of the evening of `day`, unless it is the one last published.
    private func publish(
        _ consent: Consent, on day: LocalDay, at position: EventPosition,
        in transaction: Transaction
    ) throws {
        let database = transaction.database
        let profile = try table.profile(under: consent, asOf: day, in: database)
        guard try CreditProfileStore.published(under: consent, in: database) != profile else {
            return
        }
        var consent = consent
        consent.versions += 1
        try CreditProfileStore.save(consent, in: database)
        try CreditProfileStore.insert(profile, on: day, under: consent, in: database)

        var event = event(
            of: consent.resident, in: position.partition, after: position.sequence)
        event.profilePublished.day = day.rawValue
        event.profilePublished.table = profile.table
        event.profilePublished.score = profile.score
        event.profilePublished.level = profile.level
        event.profilePublished.dimensions = profile.dimensions.map { dimension in
            var score = DimensionScore()
            score.dimension = dimension.code
            score.score = dimension.score
            score.measure = dimension.measure
            return score
        }
        try transaction.emit(event, to: position.partition)
    }

    // MARK: Consent

    package func handle(
        _ command: CommandMessage, in transaction: Transaction
    ) throws -> ReplyMessage {
        guard command.method == ChangeProfileConsent.method else {
            return .unknownMethod(command.method)
        }
        return try .answering(ChangeProfileConsent.self, command.body) { request in
            let partition = request.resident.partition(of: partitionCount)
            let cursor = transaction.inputCursor(of: .points, partition: partition)
            let id = Self.decision(of: command)
            if request.granted {
                try grant(request, because: id, after: cursor, in: transaction)
            } else {
                try withdraw(request.resident, because: id, after: cursor, in: transaction)
            }
            return try .ok(
                ChangeProfileConsent.Reply(
                    resident: request.resident, granted: request.granted,
                    history: request.granted && request.history))
        }
    }

    /// The first 16 bytes of SHA-256 over the caller's length as one byte, the caller and the key.
    private static func decision(of command: CommandMessage) -> [UInt8] {
        let caller = Array(command.caller.utf8)
        let digest = SHA256.hash(
            data: [UInt8(truncatingIfNeeded: caller.count)] + caller + command.key)
        return Array(digest.prefix(16))
    }

    private func grant(
        _ request: ChangeProfileConsent, because id: [UInt8], after cursor: UInt64,
        in transaction: Transaction
    ) throws {
        let database = transaction.database
        let partition = request.resident.partition(of: partitionCount)
        let today = sums[partition].today
        let former = try CreditProfileStore.consent(of: request.resident, in: database)
        if former?.history == request.history { return }
        try CreditProfileStore.save(
            Consent(
                resident: request.resident, partition: partition, history: request.history,
                since: today, versions: former?.versions ?? 0),
            in: database)
        var event = event(of: request.resident, in: partition, after: cursor)
        event.id = Data(id)
        event.consentChanged.granted = true
        event.consentChanged.history = request.history
        event.consentChanged.day = today?.rawValue ?? 0
        try transaction.emit(event, to: partition)
    }

    /// Deletes consent, score, versions and reasons; the days' sums are no profile and stay.
    private func withdraw(
        _ resident: ResidentID, because id: [UInt8], after cursor: UInt64,
        in transaction: Transaction
    ) throws {
        let database = transaction.database
        guard let consent = try CreditProfileStore.consent(of: resident, in: database) else {
            return
        }
        try CreditProfileStore.delete(consent, in: database)
        let partition = consent.partition
        let today = sums[partition].today
        var event = event(of: resident, in: partition, after: cursor)
        event.id = Data(id)
        event.consentChanged.granted = false
        event.consentChanged.day = today?.rawValue ?? 0
        try transaction.emit(event, to: partition)
        if consent.versions > 0 {
            event.profileWithdrawn.day = today?.rawValue ?? 0
            try transaction.emit(event, to: partition)
        }
    }

    /// An event as of the day that the partition has reached.
    private func event(
        of resident: ResidentID, in partition: Int, after cursor: UInt64
    ) -> ProfileEvent {
        var event = ProfileEvent()
        event.schema = ProfileEvent.schema
        event.resident = resident.rawValue
        event.eventTimeMs = sums[partition].today?.start.rawValue ?? 0
        event.inputCursor = cursor
        return event
    }

    // MARK: Transactions

    package func flush(in transaction: Transaction) throws {
        try writeDays(in: transaction.database)
        for partition in moved.indices where moved[partition] {
            try CreditProfileStore.save(
                sums[partition], of: partition, in: transaction.database)
            moved[partition] = false
        }
    }

    /// Writes the days' sums in the order in which they lie, each once.
    private func writeDays(in database: Database) throws {
        guard !days.isEmpty else { return }
        let statement = try DaySumStatement(database)
        days.sort { $0.key < $1.key }
        for (key, sum) in days { try statement.add(sum, to: key.resident, on: key.day) }
        forgetDays()
    }

    private func forgetDays() {
        days.removeAll(keepingCapacity: true)
        places.removeAll(keepingCapacity: true)
    }

    package func committed() {}

    package func rolledBack(to database: Database) throws {
        forgetDays()
        moved = Array(repeating: false, count: partitionCount)
        sums = try Self.sums(partitionCount, in: database)
        behaviours = try CreditProfileStore.behaviours(in: database)
        codes = TextTable(behaviours)
    }
}
