import Messages
import Model

/// One thing a resident said about what a partner may report.
struct ConsentChange: Equatable, Sendable {
    /// nil: every behaviour.
    var behaviour: String?
    /// From which event time on; nil: from the beginning of time.
    var at: Instant?
    var granted: Bool

    /// What a binding says by itself: everything, always.
    static let everything = ConsentChange(behaviour: nil, at: nil, granted: true)

    fileprivate var start: Int64 { at?.rawValue ?? .min }
}

/// What a resident has said to one partner, in order.
///
/// Kept as said, not as intervals: "all but cycling since Monday" has no intervals of its own, and
/// a history that is only added to can be shown and audited. Of the changes that concern a
/// behaviour and do not begin after a moment, the last one decides about that moment.
struct Consents: Equatable, Sendable {
    /// nil for the common case, which allocates nothing and asks nothing: everything, always.
    private let changes: [ConsentChange]?

    init(_ changes: [ConsentChange]) {
        self.changes = changes == [.everything] ? nil : changes
    }

    private init() { changes = nil }

    static let everything = Consents()

    var isEverything: Bool { changes == nil }

    func covers(_ behaviour: String, at moment: Instant) -> Bool {
        guard let changes else { return true }
        return Self.decides(changes, at: moment.rawValue) { $0 == nil || $0 == behaviour }
    }

    private static func decides(
        _ changes: [ConsentChange], at moment: Int64, concerns: (String?) -> Bool
    ) -> Bool {
        changes.last { $0.start <= moment && concerns($0.behaviour) }?.granted ?? false
    }

    /// The same as intervals of event time.
    ///
    /// First those of every behaviour that is not named, then those of each behaviour for which
    /// something else was said; an interval that ends where it begins says: never.
    var intervals: [BindingRecord.Consent] {
        let changes = changes ?? [.everything]
        let general = Self.intervals(of: changes) { $0 == nil }
        var consents = general.map {
            BindingRecord.Consent(behaviour: nil, from: $0.from, until: $0.until)
        }
        for behaviour in Set(changes.compactMap(\.behaviour)).sorted() {
            let own = Self.intervals(of: changes) { $0 == nil || $0 == behaviour }
            if own == general { continue }
            consents += own.map {
                BindingRecord.Consent(behaviour: behaviour, from: $0.from, until: $0.until)
            }
            if own.isEmpty {
                let never = Instant(milliseconds: 0)
                consents.append(
                    BindingRecord.Consent(behaviour: behaviour, from: never, until: never))
            }
        }
        return consents
    }

    private struct Interval: Equatable {
        var from: Instant?
        var until: Instant?
    }

    private static func intervals(
        of changes: [ConsentChange], concerns: (String?) -> Bool
    ) -> [Interval] {
        let starts = Set(changes.filter { concerns($0.behaviour) }.map(\.start)).sorted()
        var intervals: [Interval] = []
        var from: Int64?
        for start in starts {
            let isGranted = decides(changes, at: start, concerns: concerns)
            if isGranted, from == nil {
                from = start
            } else if !isGranted, let begin = from {
                intervals.append(
                    Interval(from: instant(begin), until: Instant(milliseconds: start)))
                from = nil
            }
        }
        if let from { intervals.append(Interval(from: instant(from), until: nil)) }
        return intervals
    }

    private static func instant(_ start: Int64) -> Instant? {
        start == .min ? nil : Instant(milliseconds: start)
    }
}
