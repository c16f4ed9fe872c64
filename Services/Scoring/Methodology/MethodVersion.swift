package import Model

/// One published version of a method: what it applies to, what it grants, and why.
package struct MethodVersion: Hashable, Sendable {
    /// What a version is called: unique in a registry, and never used again.
    package struct ID: Hashable, Comparable, Sendable {
        package var method: String
        package var version: String

        package init(method: String, version: String) {
            self.method = method
            self.version = version
        }

        package static func < (left: ID, right: ID) -> Bool {
            (left.method, left.version) < (right.method, right.version)
        }
    }

    /// What a version quantifies: a kind of behaviour in one unit, in one city.
    package struct Field: Hashable, Comparable, Sendable {
        package var city: String
        package var behaviour: String
        package var unit: String

        package init(city: String, behaviour: String, unit: String) {
            self.city = city
            self.behaviour = behaviour
            self.unit = unit
        }

        package static func < (left: Field, right: Field) -> Bool {
            (left.city, left.behaviour, left.unit) < (right.city, right.behaviour, right.unit)
        }
    }

    package struct Cap: Hashable, Sendable {
        package var quantity: Quantity
        package var per: CapPeriod
    }

    package struct Example: Hashable, Sendable {
        package var quantity: Quantity
        package var milligrams: Milligrams
        /// nil where the example says nothing about points.
        package var points: Points?
    }

    package var id: ID
    package var field: Field
    package var isActive: Bool
    package var nameZh: String
    package var nameEn: String
    package var formula: Formula
    /// Exact milligrams per unit, never below 0.
    package var factor: Ratio
    package var cap: Cap?
    /// First and last local day on which it applies, both included; nil: without end.
    package var validFrom: LocalDay
    package var validTo: LocalDay?
    package var points: PointsRule
    /// Milligrams per unit between which a factor of this kind can be believed.
    package var plausible: ClosedRange<Ratio>?
    package var evidence: String
    package var source: String
    package var confidence: String
    package var examples: [Example]

    /// The stretch over which sums are taken: the cap's, or the day where nothing is capped.
    package var period: CapPeriod { cap?.per ?? .day }

    package func applies(on day: LocalDay) -> Bool {
        guard day >= validFrom else { return false }
        return validTo.map { day <= $0 } ?? true
    }
}

/// The calendar stretch over which a cap counts.
package enum CapPeriod: String, Hashable, Sendable, CaseIterable {
    case day
    case month
    case year

    /// The number of the period that holds `day`; consecutive periods have consecutive numbers.
    package func number(of day: LocalDay) -> Int32 {
        if self == .day { return day.rawValue }
        let (year, month, _) = day.civil
        return self == .month ? Int32(year * 12 + month - 1) : Int32(year)
    }

    /// The period of that number.
    package func period(number: Int32) -> Period {
        switch self {
        case .day: .day(LocalDay(number))
        case .month: .month(year: Int(number) / 12, month: Int(number) % 12 + 1)
        case .year: .year(Int(number))
        }
    }
}

/// How a period's reduction becomes points.
package struct PointsRule: Hashable, Sendable {
    package enum Basis: Hashable, Sendable {
        case perWholeGram(points: Int64)
        case perUnit(points: Ratio)
    }

    package var basis: Basis
    /// Most points that one period can give; nil: no bound beyond the cap's.
    package var periodMax: Int64?

    package init(basis: Basis, periodMax: Int64?) {
        self.basis = basis
        self.periodMax = periodMax
    }
}

// MARK: - For people

extension MethodVersion {
    /// `30 km a day`, or nil where nothing is capped.
    package var capText: String? { cap.map { "\($0.quantity) \(field.unit) a \($0.per.rawValue)" } }

    /// `1 point per whole gram, at most 2000 points a year`.
    package var pointsRuleText: String {
        let basis =
            switch points.basis {
            case .perWholeGram(let points): "\(counted(String(points))) per whole gram"
            case .perUnit(let points): "\(counted(points.description)) per \(field.unit)"
            }
        guard let most = points.periodMax else { return basis }
        return "\(basis), at most \(counted(String(most))) a \(period.rawValue)"
    }

    private func counted(_ points: String) -> String {
        points == "1" ? "1 point" : "\(points) points"
    }
}

extension MethodVersion.ID: CustomStringConvertible {
    package var description: String { "\(method) \(version)" }
}
