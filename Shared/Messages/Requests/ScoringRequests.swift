package import Model

/// A resident's carbon ledger, newest entry first.
package struct ShowLedger: Query {
    package static let method = "scoring.ledger.show"

    package struct Reply: Codable, Sendable, Equatable {
        package var resident: ResidentID
        /// Everything the resident ever avoided.
        package var milligrams: Milligrams
        package var points: Points
        package var entries: [LedgerEntry]
        /// Give it as `before` to read on; nil at the end.
        package var next: Int64?

        package init(
            resident: ResidentID, milligrams: Milligrams, points: Points, entries: [LedgerEntry],
            next: Int64?
        ) {
            self.resident = resident
            self.milligrams = milligrams
            self.points = points
            self.entries = entries
            self.next = next
        }
    }

    package static let entriesMax = 500

    package var resident: ResidentID
    /// 1 to `entriesMax`.
    package var limit: Int
    package var before: Int64?

    package init(resident: ResidentID, limit: Int = 50, before: Int64? = nil) {
        self.resident = resident
        self.limit = limit
        self.before = before
    }
}

/// One award or refusal with everything that explains it.
package struct LedgerEntry: Codable, Sendable, Equatable {
    /// Local day of the behaviour, `2026-08-10`.
    package var day: String
    /// Event time, RFC 3339.
    package var time: String
    package var behaviour: String
    package var unit: String
    package var quantity: String
    package var evidence: String
    /// `counted` or `refused`.
    package var state: String
    /// `full`, `capped`, `cap_reached`, `zero_factor`, or why it was refused.
    package var reason: String
    package var method: String?
    package var version: String?
    /// Exact factor in milligrams per unit: `48700`, or a fraction `1/3`.
    package var factor: String?
    /// `30 km a day`.
    package var cap: String?
    /// `1 point per whole gram`.
    package var pointsRule: String?
    package var milligramsBeforeCap: Milligrams
    package var milligrams: Milligrams
    package var points: Points

    package init(
        day: String, time: String, behaviour: String, unit: String, quantity: String,
        evidence: String, state: String, reason: String, method: String?, version: String?,
        factor: String?, cap: String?, pointsRule: String?, milligramsBeforeCap: Milligrams,
        milligrams: Milligrams, points: Points
    ) {
        self.day = day
        self.time = time
        self.behaviour = behaviour
        self.unit = unit
        self.quantity = quantity
        self.evidence = evidence
        self.state = state
        self.reason = reason
        self.method = method
        self.version = version
        self.factor = factor
        self.cap = cap
        self.pointsRule = pointsRule
        self.milligramsBeforeCap = milligramsBeforeCap
        self.milligrams = milligrams
        self.points = points
    }
}

/// The methods that the running service scores by, active or not.
package struct ListMethodologies: Query {
    package static let method = "scoring.methodology.list"
    package typealias Reply = Listing<MethodologyRecord>

    package init() {}
}

package struct MethodologyRecord: Codable, Sendable, Equatable {
    package var method: String
    package var version: String
    package var city: String
    package var active: Bool
    package var behaviour: String
    package var unit: String
    package var nameZh: String
    package var nameEn: String
    package var factor: String
    package var cap: String?
    package var pointsRule: String
    package var validFrom: String
    package var validTo: String?
    package var evidence: String
    package var source: String
    package var confidence: String

    package init(
        method: String, version: String, city: String, active: Bool, behaviour: String,
        unit: String, nameZh: String, nameEn: String, factor: String, cap: String?,
        pointsRule: String, validFrom: String, validTo: String?, evidence: String, source: String,
        confidence: String
    ) {
        self.method = method
        self.version = version
        self.city = city
        self.active = active
        self.behaviour = behaviour
        self.unit = unit
        self.nameZh = nameZh
        self.nameEn = nameEn
        self.factor = factor
        self.cap = cap
        self.pointsRule = pointsRule
        self.validFrom = validFrom
        self.validTo = validTo
        self.evidence = evidence
        self.source = source
        self.confidence = confidence
    }
}
