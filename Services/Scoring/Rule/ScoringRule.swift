package import Model

/// The sums of one resident over one period under one version, and what they are worth.
package struct PeriodTotals: Hashable, Sendable {
    package var quantity: Quantity
    /// Σ ⌊qᵢ · f⌋: what the events would be worth without a cap.
    package var beforeCap: Milligrams
    package var milligrams: Milligrams
    package var points: Points
    package var events: Int64

    package init(
        quantity: Quantity, beforeCap: Milligrams, milligrams: Milligrams, points: Points,
        events: Int64
    ) {
        self.quantity = quantity
        self.beforeCap = beforeCap
        self.milligrams = milligrams
        self.points = points
        self.events = events
    }

    package static let zero = PeriodTotals(
        quantity: Quantity(rawValue: 0), beforeCap: .zero, milligrams: .zero, points: .zero,
        events: 0)
}

/// The difference that one event makes to its period.
package struct Award: Hashable, Sendable {
    package var beforeCap: Milligrams
    package var milligrams: Milligrams
    package var points: Points
    package var reason: LedgerReason
    /// The period with the event in it.
    package var totals: PeriodTotals
}

/// A version reduced to the few numbers that decide an award.
///
/// What a period is worth is a function of its sums alone, and an event is awarded the difference
/// that it makes. So totals do not depend on the order in which events arrive; only which of them
/// met the cap does.
package struct ScoringRule: Hashable, Sendable {
    private let rate: Rate
    /// ⌊capQuantity · f⌋; beyond any sum where nothing is capped.
    private let capMilligrams: Int64
    private let capQuantity: Quantity
    private let points: Conversion
    private let pointsMax: Int64

    private enum Conversion: Hashable {
        case perWholeGram(Int64)
        case perUnit(Rate)
    }

    package enum Limits {
        /// A thousand tonnes: beyond it one event is a mistake, and sums could leave 64 bits.
        package static let milligramsPerEventMax: Int64 = 1_000_000_000_000
        /// The same for points.
        package static let pointsPerEventMax: Int64 = 1_000_000_000_000
    }

    /// Throws `RuleError` if the numbers are too fine or too large to be computed with.
    package init(
        factor: Ratio, cap: Quantity?, points rule: PointsRule
    ) throws(RuleError) {
        guard let rate = Rate(factor) else { throw .factorTooFine }
        self.rate = rate
        capQuantity = cap ?? Quantity(rawValue: .max)
        if let cap {
            guard let milligrams = rate.floor(of: cap) else { throw .capTooLarge }
            capMilligrams = milligrams
        } else {
            capMilligrams = .max
        }
        switch rule.basis {
        case .perWholeGram(let points):
            self.points = .perWholeGram(points)
        case .perUnit(let points):
            guard let rate = Rate(points) else { throw .pointsTooFine }
            self.points = .perUnit(rate)
        }
        pointsMax = rule.periodMax ?? .max
    }

    /// What an event of `quantity` adds to a period that stands at `before`.
    ///
    /// nil if the amounts are beyond `Limits`; `quantity` must not be negative.
    package func award(_ quantity: Quantity, after before: PeriodTotals) -> Award? {
        guard let own = rate.floor(of: quantity), own <= Limits.milligramsPerEventMax else {
            return nil
        }
        let (beforeCap, sumOverflow) = before.beforeCap.rawValue.addingReportingOverflow(own)
        let (sum, quantityOverflow) = before.quantity.rawValue.addingReportingOverflow(
            quantity.rawValue)
        guard !sumOverflow, !quantityOverflow else { return nil }
        let milligrams = min(capMilligrams, beforeCap)
        guard let points = worth(of: milligrams, quantity: Quantity(rawValue: sum)),
            points - before.points.rawValue <= Limits.pointsPerEventMax
        else { return nil }
        let granted = milligrams - before.milligrams.rawValue
        let reason: LedgerReason =
            if rate.isZero {
                .zeroFactor
            } else if before.beforeCap.rawValue >= capMilligrams {
                .capReached
            } else if granted < own {
                .capped
            } else {
                .full
            }
        return Award(
            beforeCap: Milligrams(own), milligrams: Milligrams(granted),
            points: Points(points) - before.points, reason: reason,
            totals: PeriodTotals(
                quantity: Quantity(rawValue: sum), beforeCap: Milligrams(beforeCap),
                milligrams: Milligrams(milligrams), points: Points(points),
                events: before.events + 1))
    }

    /// Points for a period of `milligrams` after its cap, or nil if they do not fit 64 bits.
    private func worth(of milligrams: Int64, quantity: Quantity) -> Int64? {
        switch points {
        case .perWholeGram(let each):
            let (points, overflow) = (milligrams / 1_000).multipliedReportingOverflow(by: each)
            return overflow ? nil : min(pointsMax, points)
        case .perUnit(let rate):
            return rate.floor(of: min(capQuantity, quantity)).map { min(pointsMax, $0) }
        }
    }
}

package enum RuleError: Error, Equatable {
    case factorTooFine
    case capTooLarge
    case pointsTooFine
}

extension RuleError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .factorTooFine: "the factor is too fine or too large for 64 bits"
        case .capTooLarge: "the cap is worth more milligrams than fit 64 bits"
        case .pointsTooFine: "points_per_unit is too fine or too large for 64 bits"
        }
    }
}

extension MethodVersion {
    /// The version's rule, as it decides.
    package func rule() throws(RuleError) -> ScoringRule {
        try ScoringRule(factor: factor, cap: cap?.quantity, points: points)
    }
}
