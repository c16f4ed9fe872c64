package import Wire

/// Why a ledger entry is worth what it is worth.
///
/// The raw values are on disk: they are appended to, never changed. Those of awards are the wire's.
package enum LedgerReason: Int64, Sendable, CaseIterable {
    case full = 1
    case capped = 2
    case capReached = 3
    case zeroFactor = 4
    /// No version was active for the behaviour, unit and day.
    case noMethod = 16

    package var code: String {
        switch self {
        case .full: "full"
        case .capped: "capped"
        case .capReached: "cap_reached"
        case .zeroFactor: "zero_factor"
        case .noMethod: "no_method"
        }
    }

    /// The entry stands for a refusal, not for an award.
    package var isRefusal: Bool { award == nil }

    /// As the `points` stream says it; nil for a refusal, which says `code`.
    package var award: AwardReason? {
        switch self {
        case .full: .full
        case .capped: .capped
        case .capReached: .capReached
        case .zeroFactor: .zeroFactor
        case .noMethod: nil
        }
    }
}
