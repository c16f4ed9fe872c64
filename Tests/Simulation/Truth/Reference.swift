import Model

/// What a city must come to, worked out once more: from the receipts that partners hold, the days
/// that ended, and the decisions that rewards and credit-profile published, in their order.
///
/// It follows the semantics, not the services: it shares no code with them but the names of days.
/// Everything of one partition happens in the order of `behaviour`, whose places `points` repeats.
struct Reference {
    enum Decision {
        case filled(resident: Int64, item: String, price: Int64, parts: [Part], order: [UInt8])
        case cancelled(resident: Int64, item: String, restored: [Part], order: [UInt8])
        case consent(resident: Int64, granted: Bool, history: Bool)
    }

    struct Part: Equatable {
        var day: LocalDay
        var points: Int64
    }

    private struct PeriodKey: Hashable {
        var resident: Int64
        var method: String
        var version: String
        var period: String
    }

    private struct Period {
        var milligramsBeforeCap: Int64 = 0
        var quantity: Int64 = 0
        var milligrams: Int64 = 0
        var points: Int64 = 0
    }

    private struct LotKey: Hashable {
        var resident: Int64
        var day: LocalDay
    }

    private struct Lot {
        var awarded: Int64 = 0
        var remaining: Int64 = 0
    }

    private struct DaySum {
        var milligrams: Int64 = 0
        var events: Int64 = 0
        var strong: Int64 = 0
        var behaviours: Set<String> = []
    }

    private struct Consent {
        var history: Bool
        var since: LocalDay?
        var published: Profile?
    }

    private struct Profile {
        var score: Int64
        var level: String
        var dimensions: [(code: String, measure: Int64, score: Int64)]
    }

    private struct Order {
        var resident: Int64
        var item: String
        var price: Int64
        var parts: [Part]
        var isCancelled = false
    }

    private let rules: ReferenceRules
    private var periods: [PeriodKey: Period] = [:]
    private var lots: [LotKey: Lot] = [:]
    private var sums: [LotKey: DaySum] = [:]
    private var consents: [Int64: Consent] = [:]
    private var orders: [[UInt8]: Order] = [:]
    private var lastEnded: LocalDay?
    private var latestScored: LocalDay?

    /// Rows of the canonical dump that came of it.
    private(set) var eventRows: [String] = []

    init(rules: ReferenceRules) { self.rules = rules }

    /// The city's day, as far as this partition knows it.
    private var today: LocalDay? { lastEnded?.advanced(by: 1) ?? latestScored }

    // MARK: What happens, in order

    mutating func accept(_ report: Report, by resident: Int64) {
        let day = report.began.localDay
        let name = "[\(Self.quoted(report.source)),\(Self.quoted(report.id)),"
        guard let method = rules.method(report.behaviour, report.unit, on: day) else {
            eventRows.append(name + "\"refused\",0]")
            return
        }
        let quantity = Fraction(Int128(report.quantityMillionths), over: 1_000_000)
        let milligrams = (quantity * method.factor).floor
        eventRows.append(name + "\"counted\",\(milligrams)]")
        let key = PeriodKey(
            resident: resident, method: method.method, version: method.version,
            period: String(day.description.prefix(method.periodCharacters)))
        var period = periods[key] ?? Period()
        let before = period
        period.milligramsBeforeCap += milligrams
        period.quantity += report.quantityMillionths
        period.milligrams = period.milligramsBeforeCap
        var counted = period.quantity
        if let cap = method.cap {
            let most = (Fraction(Int128(cap), over: 1_000_000) * method.factor).floor
            period.milligrams = min(most, period.milligrams)
            counted = min(cap, counted)
        }
        period.points =
            if let perUnit = method.pointsPerUnit {
                (Fraction(Int128(counted), over: 1_000_000) * perUnit).floor
            } else {
                period.milligrams / 1_000 * method.pointsPerGram
            }
        if let most = method.pointsMax { period.points = min(most, period.points) }
        periods[key] = period
        award(
            period.points - before.points, milligrams: period.milligrams - before.milligrams,
            for: report, to: resident, on: day)
    }

    private mutating func award(
        _ points: Int64, milligrams: Int64, for report: Report, to resident: Int64,
        on day: LocalDay
    ) {
        let key = LotKey(resident: resident, day: day)
        latestScored = latestScored.map { max($0, day) } ?? day
        if points > 0 {
            lots[key, default: Lot()].awarded += points
            if isOpen(day) { lots[key]?.remaining += points }
        }
        var sum = sums[key] ?? DaySum()
        sum.milligrams += milligrams
        sum.events += 1
        if ReferenceRules.strongEvidence.contains(report.evidence) { sum.strong += 1 }
        if milligrams > 0 { sum.behaviours.insert(report.behaviour) }
        sums[key] = sum
    }

    /// Before the first day ended nothing is known to have expired.
    private func isOpen(_ day: LocalDay) -> Bool {
        guard let lastEnded else { return true }
        return day.advanced(by: ReferenceRules.lotDays) > lastEnded
    }

    mutating func end(_ day: LocalDay) {
        lastEnded = day
        for (key, lot) in lots where lot.remaining > 0 && !isOpen(key.day) {
            lots[key]?.remaining = 0
        }
        for (resident, consent) in consents {
            let profile = profile(of: resident, under: consent, asOf: day)
            consents[resident]?.published = profile
        }
    }

    mutating func carryOut(_ decision: Decision) throws {
        switch decision {
        case .filled(let resident, let item, let price, let parts, let order):
            let expected = plan(taking: price, from: resident)
            guard parts == expected else {
                throw Violation(
                    "lots",
                    "\(item) took \(parts) of \(resident), where \(expected) were next to "
                        + "expire")
            }
            for part in parts {
                lots[LotKey(resident: resident, day: part.day)]?.remaining -= part.points
            }
            orders[order] = Order(resident: resident, item: item, price: price, parts: parts)
        case .cancelled(let resident, let item, let restored, let order):
            guard let parts = orders[order]?.parts, orders[order]?.isCancelled == false else {
                throw Violation("orders", "\(item) was cancelled and never ordered")
            }
            let open = parts.filter { isOpen($0.day) }
            guard restored == open else {
                throw Violation(
                    "lots", "a cancel gave \(restored) back, and \(open) had paid for it")
            }
            for part in open {
                lots[LotKey(resident: resident, day: part.day)]?.remaining += part.points
            }
            orders[order]?.isCancelled = true
        case .consent(let resident, let granted, let history):
            consents[resident] =
                granted
                ? Consent(
                    history: history, since: today, published: consents[resident]?.published)
                : nil
        }
    }

    /// The lots that pay `price`, soonest to expire first; empty if they cannot.
    private func plan(taking price: Int64, from resident: Int64) -> [Part] {
        var left = price
        var parts: [Part] = []
        let open = lots.filter { $0.key.resident == resident && $0.value.remaining > 0 }
            .filter { isOpen($0.key.day) }.sorted { $0.key.day < $1.key.day }
        for (key, lot) in open where left > 0 {
            parts.append(Part(day: key.day, points: min(left, lot.remaining)))
            left -= min(left, lot.remaining)
        }
        return left == 0 ? parts : []
    }

    private func profile(of resident: Int64, under consent: Consent, asOf day: LocalDay) -> Profile
    {
        var first = day.advanced(by: 1 - rules.windowDays)
        if !consent.history, let since = consent.since { first = max(first, since) }
        let window = sums.filter {
            $0.key.resident == resident && first <= $0.key.day && $0.key.day <= day
        }.values
        let events = window.reduce(0) { $0 + $1.events }
        let strong = window.reduce(0) { $0 + $1.strong }
        let measures: [String: Int64] = [
            "grams": window.reduce(0) { $0 + $1.milligrams } / 1_000,
            "active_days": Int64(window.count { $0.milligrams > 0 }),
            "behaviours": Int64(
                window.reduce(into: Set<String>()) { $0.formUnion($1.behaviours) }.count),
            "strong_evidence_per_mille": events == 0 ? 0 : strong * 1_000 / events,
            "reversals": 0,
        ]
        let scored = rules.dimensions.map { dimension -> (String, Int64, Int64) in
            let measure = measures[dimension.measure] ?? -1
            return (
                dimension.code, measure,
                dimension.steps.last { $0.atLeast <= measure }?.score ?? 0
            )
        }
        let score = scored.reduce(0) { $0 + $1.2 }
        return Profile(
            score: score, level: rules.levels.last { $0.atLeast <= score }?.code ?? "",
            dimensions: scored)
    }

    // MARK: The dump

    var periodRows: [String] {
        periods.map { key, period in
            "[\"\(key.resident)\",\(Self.quoted(key.method)),\(Self.quoted(key.version)),"
                + "\"\(key.period)\",\(period.milligrams),\(period.points)]"
        }
    }

    var lotRows: [String] {
        lots.map { key, lot in
            "[\"\(key.resident)\",\"\(key.day)\",\(lot.remaining),\(lot.awarded)]"
        }
    }

    var balanceRows: [String] {
        var balances: [Int64: Int64] = [:]
        for (key, lot) in lots where isOpen(key.day) {
            balances[key.resident, default: 0] += lot.remaining
        }
        return balances.filter { $0.value > 0 }.map { "[\"\($0.key)\",\($0.value),0]" }
    }

    var voucherRows: [String] {
        orders.values.map {
            "[\"\($0.resident)\",\(Self.quoted($0.item)),"
                + "\"\($0.isCancelled ? "cancelled" : "filled")\",\($0.price)]"
        }
    }

    var profileRows: [String] {
        consents.map { resident, consent in
            guard let profile = consent.published else { return "[\"\(resident)\",0,\"\",[]]" }
            let dimensions = profile.dimensions.map {
                "[\(Self.quoted($0.code)),\($0.measure),\($0.score)]"
            }
            return "[\"\(resident)\",\(profile.score),\(Self.quoted(profile.level)),"
                + "[\(dimensions.joined(separator: ","))]]"
        }
    }

    private static func quoted(_ text: String) -> String { "\"\(text)\"" }
}
