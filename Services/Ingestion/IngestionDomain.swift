package import GRDB
package import Messages
package import Model
package import Streams
package import Wire

/// What ingestion does: takes partners' events in, keeps the register, and tells the time.
///
/// Of every event it decides, in the protocol's order, whether it counts, and appends those that
/// do to the `behaviour` log. It subscribes to nothing.
package final class IngestionDomain: Domain {
    package typealias Input = BehaviourEvent
    package typealias Errand = IngestionErrand
    package typealias ErrandResult = IngestionResult

    /// How a new store's clock runs.
    package enum ClockChoice: Sendable, Equatable {
        case system
        /// Begins at `initial`, or when it is first set.
        case manual(initial: Instant?)
    }

    private let register: Register
    private let duplicates: DuplicateIndex
    private let rules: ReportRules
    private let partitionCount: Int
    private var clock: CityClock
    private var savedClock: CityClock
    private var hasher: EventHasher

    /// The partners, for the edge; up to date after every commit.
    package var directory: PartnerDirectory { register.directory }
    /// The clock, for queries; up to date after every commit.
    package let face: ClockFace

    /// Loads what the store holds; a new store gets its clock and the fingerprint of its keys.
    ///
    /// Throws `IngestionStartError` if the store was created with other keys or another clock.
    package init(
        database: any DatabaseWriter, catalogue: BehaviourCatalogue, secrets: IngestionSecrets,
        clock choice: ClockChoice, partitions: Int,
        duplicateSizes: DuplicateIndex.Sizes = .standard
    ) throws {
        precondition(partitions > 0, "a deployment has at least one partition")
        partitionCount = partitions
        rules = ReportRules(catalogue: catalogue)
        hasher = EventHasher(key: secrets.event)
        let deployment = try database.write {
            try Self.deployment(choice, secrets: secrets, in: $0)
        }
        clock = deployment.clock
        savedClock = clock
        face = ClockFace(clock)
        (register, duplicates) = try database.read { database in
            (
                try Register(
                    catalogue: catalogue, secrets: secrets, partitionCount: partitions,
                    database: database),
                try DuplicateIndex(database: database, sizes: duplicateSizes)
            )
        }
    }

    private static func deployment(
        _ choice: ClockChoice, secrets: IngestionSecrets, in database: Database
    ) throws -> IngestionStore.Deployment {
        let kind: CityClock.Kind = choice == .system ? .system : .manual
        guard let deployment = try IngestionStore.deployment(in: database) else {
            var clock = CityClock(kind: kind)
            if case .manual(let initial?) = choice, clock.set(initial) != .moved {
                throw IngestionStartError.badClock(initial)
            }
            let deployment = IngestionStore.Deployment(
                secretsFingerprint: secrets.fingerprint, clock: clock)
            try IngestionStore.create(deployment, in: database)
            return deployment
        }
        guard deployment.secretsFingerprint == secrets.fingerprint else {
            throw IngestionStartError.otherSecrets
        }
        guard deployment.clock.kind == kind else {
            throw IngestionStartError.otherClock(kept: deployment.clock.kind)
        }
        return deployment
    }

    package func apply(
        _ event: BehaviourEvent, at position: EventPosition, in transaction: Transaction
    ) throws {
        preconditionFailure("ingestion subscribes to nothing")
    }

    // MARK: Errands

    package func perform(
        _ errand: IngestionErrand, in transaction: Transaction
    ) throws -> IngestionResult {
        switch errand {
        case .tick(let instant):
            clock.observe(instant)
            try endDays(in: transaction)
            return .ticked
        case .batch(let batch):
            clock.observe(batch.arrived)
            try endDays(in: transaction)
            guard let now = clock.now, !clock.isStopped else { return .unavailable }
            return .receipts(try take(batch, now: now, in: transaction))
        }
    }

    private func take(
        _ batch: PartnerBatch, now: Instant, in transaction: Transaction
    ) throws -> [Receipt] {
        guard let place = register.place(ofPartner: batch.partner) else {
            preconditionFailure("the edge lets registered partners in and nobody else")
        }
        let partner = register.partners[place]
        var counts = ReceiptCounts()
        counts.received = Int64(batch.items.count)
        var receipts: [Receipt] = []
        receipts.reserveCapacity(batch.items.count)
        var accepted: [AcceptedRow] = []
        accepted.reserveCapacity(batch.items.count)
        for item in batch.items {
            let receipt: Receipt
            switch item {
            case .refused(let refused):
                receipt = .rejected(refused.rejection)
            case .report(let report):
                receipt = try decide(
                    report, in: batch, of: partner, now: now, accepted: &accepted,
                    in: transaction)
            }
            switch receipt {
            case .accepted: counts.accepted += 1
            case .duplicate: counts.duplicate += 1
            case .rejected: counts.rejected += 1
            }
            receipts.append(receipt)
        }
        try IngestionStore.insert(accepted, textsIn: batch.bytes, in: transaction.database)
        register.count(counts, for: place)
        return receipts
    }

    private func decide(
        _ report: BehaviourReport, in batch: PartnerBatch, of partner: Partner, now: Instant,
        accepted: inout [AcceptedRow], in transaction: Transaction
    ) throws -> Receipt {
        guard let source = partner.source(batch.bytes[report.source.bounds]) else {
            return .rejected(
                Rejection(.sourceNotAllowed, field: "source", "the source is not this partner's"))
        }
        if let earlier = try duplicates.find(report.identity, in: transaction.database) {
            guard earlier.content == report.content else {
                return .rejected(
                    Rejection(
                        .conflict, field: "id",
                        "another event was accepted under this source and id"))
            }
            return .duplicate(partition: earlier.partition, sequence: earlier.sequence)
        }
        let behaviour: BehaviourCatalogue.Behaviour
        switch rules.behaviour(of: report, licences: partner.licences, now: now) {
        case .success(let known): behaviour = known
        case .failure(let rejection): return .rejected(rejection)
        }
        guard
            let binding = try register.binding(
                for: report, in: batch, of: partner.number, from: transaction.database)
        else {
            return .rejected(
                Rejection(.noConsent, field: "subject", "the subject is bound to nobody"))
        }
        guard binding.consents.covers(behaviour.code, at: report.eventTime) else {
            return .rejected(
                Rejection(
                    .noConsent, field: report.eventTimeField,
                    "the resident's consent does not cover this moment"))
        }
        let sequence = try transaction.emit(
            event(report, behaviour, of: binding.resident), to: binding.partition)
        duplicates.note(
            report.identity, content: report.content, partition: binding.partition,
            sequence: sequence)
        accepted.append(
            AcceptedRow(
                place: EventPlace(partition: binding.partition, sequence: sequence),
                source: source, id: report.id, reference: report.reference,
                vehicle: report.vehicle, serial: report.serial))
        return .accepted(partition: binding.partition, sequence: sequence)
    }

    private func event(
        _ report: BehaviourReport, _ behaviour: BehaviourCatalogue.Behaviour,
        of resident: ResidentID
    ) -> BehaviourEvent {
        guard let unit = report.unit else { preconditionFailure("the rules require a unit") }
        var accepted = Accepted()
        accepted.behaviour = behaviour.code
        accepted.unit = behaviour.units[unit].name
        accepted.quantityMillionths = report.quantity.rawValue
        accepted.endedMs = report.endedAt?.rawValue ?? 0
        accepted.evidence = report.evidence.rawValue
        var event = BehaviourEvent()
        event.schema = BehaviourEvent.schema
        event.resident = resident.rawValue
        event.eventTimeMs = report.eventTime.rawValue
        event.idHigh = report.identity.high
        event.idLow = report.identity.low
        event.payload = .accepted(accepted)
        return event
    }

    /// Tells every partition which days are over, before anything else enters it.
    private func endDays(in transaction: Transaction) throws {
        for partition in 0..<partitionCount {
            for number in clock.endDays(in: partition, of: partitionCount) {
                let day = LocalDay(number)
                var ended = DayEnded()
                ended.day = day.rawValue
                var event = BehaviourEvent()
                event.schema = BehaviourEvent.schema
                // Whoever passes over the end of a day keeps points alive that have expired.
                event.critical = true
                event.eventTimeMs = day.advanced(by: 1).start.rawValue
                let cause = hasher.dayEnded(day)
                event.idHigh = cause.high
                event.idLow = cause.low
                event.payload = .dayEnded(ended)
                try transaction.emit(event, to: partition)
            }
        }
    }

    // MARK: Commands

    package func handle(
        _ command: CommandMessage, in transaction: Transaction
    ) throws -> ReplyMessage {
        let database = transaction.database
        switch command.method {
        case AddPartner.method:
            return try .answering(AddPartner.self, command.body) {
                try register.add($0, in: database)
            }
        case AddResident.method:
            return try .answering(AddResident.self, command.body) {
                try register.add($0, in: database)
            }
        case ImportBindings.method:
            return try .answering(ImportBindings.self, command.body) {
                try register.bind($0, in: database)
            }
        case ChangeConsent.method:
            return try .answering(ChangeConsent.self, command.body) {
                try register.change($0, now: clock.now, in: database)
            }
        case MoveClock.method:
            return try .answering(MoveClock.self, command.body) {
                try move($0.move, in: transaction)
            }
        default:
            return .unknownMethod(command.method)
        }
    }

    private func move(
        _ move: MoveClock.Move, in transaction: Transaction
    ) throws -> ReplyMessage {
        let answer =
            switch move {
            case .set(let instant): clock.set(instant)
            case .advance(let milliseconds): clock.advance(byMilliseconds: milliseconds)
            case .confirm: clock.confirm()
            }
        switch answer {
        case .moved:
            try endDays(in: transaction)
            guard let record = ClockRecord(clock) else {
                preconditionFailure("a clock that moved has a time")
            }
            return try .ok(record)
        case .wrongKind:
            return clock.kind == .system
                ? .refused("system_clock", "this store follows the system's clock, for ever")
                : .refused(
                    "manual_clock", "a manual clock never leaps: there is nothing to confirm")
        case .backwards:
            return .refused("clock_backwards", "the clock never goes back")
        case .beyondRange:
            return .invalid("bad_time", "the clock shows the years 1970 to 9999")
        case .tooFar:
            return .refused(
                "clock_leap",
                "the clock moves by at most \(CityClock.Limits.moveDaysMax) days at a time")
        case .nothingToDo:
            return clock.kind == .system
                ? .refused("not_stopped", "no leap of the clock waits to be confirmed")
                : .refused("clock_unset", "the clock has no time yet: set it first")
        }
    }

    // MARK: Transactions

    package func flush(in transaction: Transaction) throws {
        try duplicates.flush(in: transaction.database)
        try register.flush(in: transaction.database)
        if isClockDue {
            try IngestionStore.save(clock, in: transaction.database)
            savedClock = clock
        }
    }

    /// A system clock's minutes are not worth a page each; its days and a manual clock's moves are.
    private var isClockDue: Bool {
        if clock.lastDays != savedClock.lastDays { return true }
        guard let reached = clock.reached else { return false }
        guard let saved = savedClock.reached else { return true }
        return clock.kind == .manual
            ? reached != saved
            : reached.rawValue - saved.rawValue >= CityClock.Limits.savedEveryMilliseconds
    }

    package func committed() {
        duplicates.committed()
        register.committed()
        face.show(clock)
    }

    package func rolledBack(to database: Database) throws {
        duplicates.rolledBack()
        try register.rolledBack(to: database)
        guard let deployment = try IngestionStore.deployment(in: database) else {
            preconditionFailure("the store has its deployment since the start")
        }
        clock = deployment.clock
        savedClock = clock
    }
}

/// Why ingestion does not start on a store: one line for the operator.
package enum IngestionStartError: Error, Equatable {
    case otherSecrets
    case otherClock(kept: CityClock.Kind)
    case badClock(Instant)
}

extension IngestionStartError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .otherSecrets:
            "the store was created with other keys: restore its keys/*.secret, or all residents "
                + "and earlier events would have other names"
        case .otherClock(let kept):
            "the store was created with a \(kept.rawValue) clock, and keeps it for ever"
        case .badClock(let instant):
            "a clock cannot begin at \(instant.rawValue) ms: it shows the years 1970 to 9999"
        }
    }
}
