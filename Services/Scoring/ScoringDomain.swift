package import GRDB
package import Messages
import Model
package import Streams
import Wire

/// Scoring's own part: behaviours become carbon-ledger entries and points events, one for one.
///
/// It decides nothing that its input does not determine: the same behaviour blocks give the same
/// store and, block for block, the same log.
package final class ScoringDomain: Domain {
    package typealias Input = BehaviourInput
    package typealias Errand = Never
    package typealias ErrandResult = Never

    package enum Limits {
        /// Period sums, and residents' totals, kept in memory between transactions: about 90 and 80
        /// bytes each.
        package static let rowsMax = 262_144
        /// Entries in the course of which all totals are settled.
        ///
        /// Half as many are not settled at a time; a restart or a rollback adds them up in 80 ms.
        /// With 50,000 residents, twice as many would save a page in about twenty events.
        package static let roundEntries = 65_536
        /// Versions' periods of which it is known whether they are whole in memory.
        package static let scopesMax = 4_096
        /// Pairs of behaviour and unit kept in memory, known to the registry or not.
        package static let fieldsMax = 4_096
    }

    /// Shared with whoever answers.
    package let tail = TailIndex()

    private let scored: [(behaviour: String, unit: String, versions: [ReadyVersion])]
    private var fields = FieldTable()
    private var periods: WriteBackCache<PeriodKey, PeriodTotals>
    /// Whether all that there is of a version's period is in `periods`.
    private var wholeScopes: [Int64: Bool] = [:]
    private var residents: WriteBackCache<Int64, ResidentTotals>
    private let roundEntries: Int
    private var turns: SliceTurns
    /// Those that this transaction takes.
    private var taken: Range<Int64> = 0..<0
    /// Those that this transaction appends.
    private var entries: [EntryRow] = []
    private var settledTotals: SettledTotals?

    /// Pins the registry in the store, which has its tables, and makes its versions ready.
    ///
    /// - Parameters:
    ///   - city: the deployment's; versions for other cities are known and not applied.
    ///   - rowsMax: rows of each kind kept in memory between transactions, beside unsettled ones.
    ///   - roundEntries: see `Limits`; 0 settles every transaction.
    ///
    /// Throws `RegistryRefused` if the registry contradicts what the store has already decided.
    package init(
        database: any DatabaseWriter, registry: MethodologyRegistry, city: String,
        rowsMax: Int = Limits.rowsMax, roundEntries: Int = Limits.roundEntries
    ) throws {
        periods = WriteBackCache(rowsMax: rowsMax)
        residents = WriteBackCache(rowsMax: rowsMax)
        self.roundEntries = roundEntries
        turns = SliceTurns(after: 0, roundEntries: roundEntries)
        let rows = try database.write { try RegistryPins.pin(registry, city: city, in: $0) }
        let active = registry.versions.filter { $0.isActive && $0.field.city == city }
        scored = try Set(active.map(\.field)).sorted().map { field in
            let versions = try registry.activeVersions(of: field).map { version in
                guard let row = rows[version.id] else {
                    preconditionFailure("every version of the registry was pinned")
                }
                return try ReadyVersion(version, row: row)
            }
            return (field.behaviour, field.unit, versions)
        }
        resetFields()
        try database.read { try addUpTail(of: $0) }
    }

    package func apply(
        _ event: BehaviourInput, at position: EventPosition, in transaction: Transaction
    ) throws {
        switch event.payload {
        case .accepted(let accepted):
            try score(accepted, of: event, at: position, in: transaction)
        case .residentErased:
            guard event.resident > 0 else {
                throw Undecidable("\(event.resident) is not a resident")
            }
            try passOn(event, at: position, in: transaction)
        case .dayEnded:
            try passOn(event, at: position, in: transaction)
        case nil:
            preconditionFailure("the writer hands over what is understood")
        }
    }

    /// Scoring takes no commands: nothing but its input may move it.
    package func handle(
        _ command: CommandMessage, in transaction: Transaction
    ) throws -> ReplyMessage {
        .unknownMethod(command.method)
    }

    package func flush(in transaction: Transaction) throws {
        guard !entries.isEmpty else { return }
        try entries.append(to: transaction.database)
        taken = turns.take(after: entries.count)
        try settle(in: transaction.database)
        for index in fields.touched {
            try FieldRecords.write(fields[index], in: transaction.database)
        }
        fields.written()
    }

    private func settle(in database: Database) throws {
        guard !taken.isEmpty else { return }
        let statements = try SettlingStatements(in: database)
        for turn in taken {
            let slice = SliceTurns.slice(at: turn)
            try periods.settle(slice) { try statements.write($0) }
            try residents.settle(slice) { try statements.write($0) }
            try statements.settled(at: turn)
        }
    }

    package func committed() {
        settledTotals = nil
        tail.committed(entries, settling: taken)
        entries.removeAll(keepingCapacity: true)
        taken = 0..<0
        if periods.trim() || wholeScopes.count > Limits.scopesMax { wholeScopes.removeAll() }
        residents.trim()
        if fields.fields.count > Limits.fieldsMax { resetFields() }
    }

    package func rolledBack(to database: Database) throws {
        entries.removeAll()
        taken = 0..<0
        periods.removeAll()
        wholeScopes.removeAll()
        residents.removeAll()
        resetFields()
        try addUpTail(of: database)
    }

    // MARK: - One event

    private func score(
        _ accepted: BehaviourInput.Accepted, of event: BehaviourInput, at position: EventPosition,
        in transaction: Transaction
    ) throws {
        let act = try Act(accepted, of: event)
        let settled = try settled(in: transaction.database)
        let field = fields.index(behaviour: accepted.behaviour, unit: accepted.unit)
        let residentSlot = try slot(ofResident: act.resident.rawValue, settled: settled)
        var resident = residents[residentSlot]
        var entry = EntryRow(
            place: LedgerPlace(partition: position.partition, sequence: position.sequence),
            resident: act.resident.rawValue, previous: resident.newest, time: act.time,
            behaviour: 0, unit: 0, version: nil, quantity: act.quantity, beforeCap: .zero,
            milligrams: .zero, points: .zero, reason: .noMethod, evidence: act.evidence)
        var output = answer(to: event, at: position)

        if let version = fields.version(of: field, on: act.day) {
            let key = PeriodKey(
                version: version.row, period: version.period.number(of: act.day),
                resident: act.resident.rawValue)
            let slot = try slot(of: key, settled: settled)
            guard let award = version.rule.award(act.quantity, after: periods[slot]),
                resident.add(award)
            else {
                throw Undecidable(
                    "\(act.quantity) \(accepted.unit.string) by \(version.id) is beyond all bounds")
            }
            periods.update(slot, to: award.totals)
            entry.grant(award, by: version)
            output.payload = .scored(version.answer(award, evidence: act.evidence, on: act.day))
        } else {
            var refused = Refused()
            refused.behaviour = accepted.behaviour.string
            refused.day = act.day.rawValue
            refused.reason = entry.reason.code
            output.payload = .refused(refused)
        }

        try transaction.emit(
            output, to: position.partition, milligrams: entry.milligrams, points: entry.points)
        let words = try words(of: field, in: transaction.database)
        (entry.behaviour, entry.unit) = words
        entries.append(entry)
        fields.decided(field, on: act.day)
        resident.entries += 1
        resident.newest = entry.place
        residents.update(residentSlot, to: resident)
    }

    /// Publishes what ingestion said, whole: also what this program does not know of it.
    private func passOn(
        _ event: BehaviourInput, at position: EventPosition, in transaction: Transaction
    ) throws {
        var output = answer(to: event, at: position)
        output.critical = event.critical
        switch try event.message().payload {
        case .residentErased(let erased): output.payload = .residentErased(erased)
        case .dayEnded(let ended): output.payload = .dayEnded(ended)
        default: preconditionFailure("an event is what it was read as")
        }
        try transaction.emit(output, to: position.partition)
    }

    private func answer(to event: BehaviourInput, at position: EventPosition) -> PointsEvent {
        var output = PointsEvent()
        output.schema = PointsEvent.schema
        output.resident = event.resident
        output.eventTimeMs = event.eventTimeMs
        output.cause = position.sequence
        return output
    }

    // MARK: - What is kept between events

    private func settled(in database: Database) throws -> SettledTotals {
        if let settledTotals { return settledTotals }
        let prepared = try SettledTotals(in: database)
        settledTotals = prepared
        return prepared
    }

    /// Adds what is not settled to the totals that are: memory is then as its last commit left it.
    private func addUpTail(of database: Database) throws {
        // Its statements are this connection's, which need not be the writer's.
        let settled = try SettledTotals(in: database)
        settledTotals = nil
        let snapshot = LedgerTail(in: database)
        var places: [(resident: Int64, place: LedgerPlace)] = []
        // A resident's entries are all in one partition, and come in their order.
        try snapshot.forEach { entry in
            let slot = try slot(ofResident: entry.resident, settled: settled)
            var resident = residents[slot]
            try resident.add(entry)
            residents.update(slot, to: resident)
            if let key = entry.period {
                let slot = try self.slot(of: key, settled: settled)
                var period = periods[slot]
                try period.add(entry)
                periods.update(slot, to: period)
            }
            places.append((entry.resident, entry.place))
        }
        let latest = try snapshot.turns()
        turns = SliceTurns(after: latest.max() ?? 0, roundEntries: roundEntries)
        tail.restart(turns: latest, entries: places)
    }

    private func slot(ofResident resident: Int64, settled: SettledTotals) throws -> Int {
        try residents.slot(of: resident) { try settled.totals(ofResident: resident) }
    }

    private func slot(of key: PeriodKey, settled: SettledTotals) throws -> Int {
        try periods.slot(of: key) {
            try isWholeInMemory(scopeOf: key, settled: settled) ? .zero : settled.totals(of: key)
        }
    }

    /// Whether all that there is of the period of `key` is in memory: what is not settled always
    /// is, and of this period nothing was settled when it was first asked for.
    ///
    /// Most events of a day are the first of their kind by their resident: looking for each in the
    /// store would cost as much as writing it.
    private func isWholeInMemory(scopeOf key: PeriodKey, settled: SettledTotals) throws -> Bool {
        if let known = wholeScopes[key.scope] { return known }
        let isWhole = try !settled.holdsAny(inScopeOf: key)
        wholeScopes[key.scope] = isWhole
        return isWhole
    }

    private func words(
        of field: FieldTable.Index, in database: Database
    ) throws -> (behaviour: Int64, unit: Int64) {
        if let words = fields[field].words { return words }
        let known = try FieldRecords.open(
            behaviour: fields[field].behaviour, unit: fields[field].unit, in: database)
        fields.know(field, words: known.words, decidedDay: known.decidedDay)
        return known.words
    }

    private func resetFields() {
        fields = FieldTable()
        for (behaviour, unit, versions) in scored {
            fields.add(behaviour: behaviour, unit: unit, versions: versions)
        }
    }
}

extension ResidentTotals {
    /// Adds an award, or answers false, having changed nothing, if the sums would leave 64 bits.
    fileprivate mutating func add(_ award: Award) -> Bool {
        let sum = milligrams.rawValue.addingReportingOverflow(award.milligrams.rawValue)
        let pointsSum = points.rawValue.addingReportingOverflow(award.points.rawValue)
        guard !sum.overflow, !pointsSum.overflow else { return false }
        milligrams = Milligrams(sum.partialValue)
        points = Points(pointsSum.partialValue)
        return true
    }
}

extension EntryRow {
    fileprivate mutating func grant(_ award: Award, by version: ReadyVersion) {
        self.version = Int64(version.row)
        beforeCap = award.beforeCap
        milligrams = award.milligrams
        points = award.points
        reason = award.reason
    }
}

extension ReadyVersion {
    fileprivate func answer(_ award: Award, evidence: Int32, on day: LocalDay) -> Scored {
        var scored = template
        scored.day = day.rawValue
        scored.milligrams = award.milligrams.rawValue
        scored.points = award.points.rawValue
        scored.milligramsBeforeCap = award.beforeCap.rawValue
        scored.reason = award.reason.award ?? .unspecified
        scored.evidence = evidence
        return scored
    }
}
