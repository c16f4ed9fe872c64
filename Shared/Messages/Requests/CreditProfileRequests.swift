package import Model

/// A resident's green-credit standing, exactly explained.
///
/// Refused as `no_consent` unless the resident has consented to being scored.
package struct ShowProfile: Query {
    package static let method = "credit-profile.profile.show"
    package typealias Reply = ProfileRecord

    package var resident: ResidentID

    package init(resident: ResidentID) { self.resident = resident }
}

package struct ProfileRecord: Codable, Sendable, Equatable {
    /// One reason: a measure, and the score that the table gives it.
    package struct Dimension: Codable, Sendable, Equatable {
        package var code: String
        package var nameZh: String
        package var nameEn: String
        package var measure: Int64
        /// 0 to 200.
        package var score: Int
        /// The measure at which the table gives more; nil where more of it gives nothing.
        package var nextAt: Int64?

        package init(
            code: String, nameZh: String, nameEn: String, measure: Int64, score: Int, nextAt: Int64?
        ) {
            self.code = code
            self.nameZh = nameZh
            self.nameEn = nameEn
            self.measure = measure
            self.score = score
            self.nextAt = nextAt
        }
    }

    package var resident: ResidentID
    /// Version of the scoring table.
    package var table: String
    /// The last local day that counts; nil before any has ended, and then nothing counts.
    package var day: String?
    /// 0 to 1000: the sum of the dimensions.
    package var score: Int
    package var level: String
    package var levelZh: String
    package var levelEn: String
    package var dimensions: [Dimension]
    /// Whether days before the consent count.
    package var history: Bool

    package init(
        resident: ResidentID, table: String, day: String?, score: Int, level: String,
        levelZh: String, levelEn: String, dimensions: [Dimension], history: Bool
    ) {
        self.resident = resident
        self.table = table
        self.day = day
        self.score = score
        self.level = level
        self.levelZh = levelZh
        self.levelEn = levelEn
        self.dimensions = dimensions
        self.history = history
    }
}

/// Grants or withdraws consent to being scored; withdrawing deletes score, versions and reasons.
///
/// What is already so is left as it is. A grant with the other `history` begins anew today.
package struct ChangeProfileConsent: Command {
    package static let method = "credit-profile.consent.change"

    package struct Reply: Codable, Sendable, Equatable {
        package var resident: ResidentID
        package var granted: Bool
        package var history: Bool

        package init(resident: ResidentID, granted: Bool, history: Bool) {
            self.resident = resident
            self.granted = granted
            self.history = history
        }
    }

    package var resident: ResidentID
    package var granted: Bool
    /// Whether days before the grant count; means nothing in a withdrawal.
    package var history: Bool

    package init(resident: ResidentID, granted: Bool, history: Bool) {
        self.resident = resident
        self.granted = granted
        self.history = history
    }
}
