import Messages
package import Model

/// A reward that a resident took.
package struct Order: Equatable, Sendable {
    package enum State: String, Sendable {
        case filled
        case cancelled
    }

    /// From 1 in the order of placing.
    package var number: Int64
    package var id: OrderID
    package var resident: ResidentID
    package var item: String
    package var kind: RewardKind
    package var points: Points
    package var state: State
    package var day: LocalDay
    /// Last local day on which the voucher is taken; nil for a donation.
    package var validUntil: LocalDay?
    /// The transfer that took the first lot's points; the others' follow it.
    var firstTransfer: Int64
    var lots: Int64
    /// Number of the resident's order before this one; 0: none.
    var earlier: Int64

    /// As it is shown; the voucher's code is made anew each time and stands in no store.
    func record(_ key: VoucherKey) -> OrderRecord {
        let voucher: VoucherCode? =
            switch kind {
            case .voucher: key.code(of: id)
            case .donation: nil
            }
        return OrderRecord(
            order: id.description, resident: resident, item: item, kind: kind.rawValue,
            points: points, state: state.rawValue, voucher: voucher?.description,
            orderedDay: day.description, validUntil: validUntil?.description)
    }
}
