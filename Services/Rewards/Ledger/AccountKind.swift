/// The kinds of account that points move between.
///
/// The raw values stand in the store: they are added to, never changed. `resident` and `debt` are
/// one account for each resident, `hold` one for each order; the others are the deployment's own.
package enum AccountKind: Int64, Sendable, CaseIterable {
    /// Where points come from and where reversed ones return to.
    case issuance = 1
    case resident = 2
    /// Points of an order between the resident and what they are spent on.
    case hold = 3
    case redeemed = 4
    case donated = 5
    case expired = 6
    /// What a resident owes because points were taken back after they were spent; never above zero.
    case debt = 7

    package var code: String {
        switch self {
        case .issuance: "issuance"
        case .resident: "resident"
        case .hold: "hold"
        case .redeemed: "redeemed"
        case .donated: "donated"
        case .expired: "expired"
        case .debt: "debt"
        }
    }
}
