import Messages
package import Model

/// What a resident did in the window, added up.
package struct Measures: Equatable, Sendable {
    package var milligrams = Milligrams.zero
    package var activeDays: Int64 = 0
    /// A bit for each behaviour, by its number in the store.
    package var behaviours: UInt64 = 0
    package var events: Int64 = 0
    package var strongEvents: Int64 = 0
    package var reversals: Int64 = 0

    package init() {}

    /// Adds one local day.
    mutating func add(_ day: DaySum) {
        milligrams += day.milligrams
        // A day whose every award was taken back is no active day.
        if day.milligrams > .zero { activeDays += 1 }
        behaviours |= day.behaviours
        events += day.events
        strongEvents += day.strongEvents
        reversals += day.reversals
    }

    /// The whole number that the table turns into a score; never negative.
    package func value(of measure: ProfileTable.Measure) -> Int64 {
        switch measure {
        case .grams: max(0, milligrams.rawValue) / 1_000
        case .activeDays: activeDays
        case .behaviours: Int64(behaviours.nonzeroBitCount)
        case .strongEvidence: events == 0 ? 0 : strongEvents * 1_000 / events
        case .reversals: reversals
        }
    }
}

/// What one resident's events of one local day come to.
struct DaySum: Equatable {
    var milligrams = Milligrams.zero
    /// Awards, those that a cap left nothing of included.
    var events: Int64 = 0
    var strongEvents: Int64 = 0
    /// Awards taken back, in whole or in part.
    var reversals: Int64 = 0
    /// A bit for each behaviour that avoided anything.
    var behaviours: UInt64 = 0
}

/// A green-credit standing: five scores, their sum, its level, and the reason for each.
package struct Profile: Equatable, Sendable {
    package struct Dimension: Equatable, Sendable {
        package var code: String
        package var measure: Int64
        package var score: Int32
    }

    /// Version of the scoring table.
    package var table: String
    package var score: Int32
    package var level: String
    package var dimensions: [Dimension]
}

extension ProfileTable {
    /// The standing that `measures` come to.
    package func profile(of measures: Measures) -> Profile {
        let scored = dimensions.map { dimension in
            let value = measures.value(of: dimension.measure)
            return Profile.Dimension(
                code: dimension.code, measure: value, score: dimension.step(at: value).score)
        }
        let score = scored.reduce(0) { $0 + $1.score }
        return Profile(
            table: version, score: score, level: level(at: score).code, dimensions: scored)
    }

    func level(at score: Int32) -> Level {
        guard let level = levels.last(where: { $0.atLeast <= Int64(score) }) else {
            preconditionFailure("levels begin at 0")
        }
        return level
    }

    /// The standing as it is shown, each score with its reason.
    func record(
        of profile: Profile, resident: ResidentID, day: LocalDay?, history: Bool
    ) -> ProfileRecord {
        let level = level(at: profile.score)
        return ProfileRecord(
            resident: resident, table: version, day: day?.description, score: Int(profile.score),
            level: level.code, levelZh: level.nameZh, levelEn: level.nameEn,
            dimensions: zip(dimensions, profile.dimensions).map { dimension, scored in
                ProfileRecord.Dimension(
                    code: dimension.code, nameZh: dimension.nameZh, nameEn: dimension.nameEn,
                    measure: scored.measure, score: Int(scored.score),
                    nextAt: dimension.nextStep(above: scored.measure)?.atLeast)
            },
            history: history)
    }
}

extension ProfileTable.Dimension {
    /// The last step that `measure` reaches.
    func step(at measure: Int64) -> ProfileTable.Step {
        guard let step = steps.last(where: { $0.atLeast <= measure }) else {
            preconditionFailure("steps begin at 0, and no measure lies below")
        }
        return step
    }

    /// The next step that would bring more; nil where more of the measure brings nothing.
    func nextStep(above measure: Int64) -> ProfileTable.Step? {
        let score = step(at: measure).score
        return steps.first { $0.atLeast > measure && $0.score > score }
    }
}

extension EvidenceKind {
    /// Whether somebody other than the resident made the record as a matter of business.
    var isStrong: Bool {
        switch self {
        case .operatorOrder, .telematics, .weighing, .receipt: true
        case .payment, .rideCode, .mapNavigation, .steps, .photo: false
        }
    }
}
