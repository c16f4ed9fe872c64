/// What a partner's report rests on, strongest first.
///
/// The raw values travel in logs: they are appended to, never changed.
package enum EvidenceKind: Int32, Sendable, CaseIterable, Codable {
    case operatorOrder = 1
    case telematics = 2
    case weighing = 3
    case receipt = 4
    case payment = 5
    case rideCode = 6
    case mapNavigation = 7
    case steps = 8
    case photo = 9

    /// As GSP/1 spells it: `operator_order`.
    package var code: String {
        switch self {
        case .operatorOrder: "operator_order"
        case .telematics: "telematics"
        case .weighing: "weighing"
        case .receipt: "receipt"
        case .payment: "payment"
        case .rideCode: "ride_code"
        case .mapNavigation: "map_navigation"
        case .steps: "steps"
        case .photo: "photo"
        }
    }

    package init?(code: String) {
        guard let kind = Self.byCode[code] else { return nil }
        self = kind
    }

    private static let byCode = Dictionary(
        uniqueKeysWithValues: allCases.map { ($0.code, $0) })
}
