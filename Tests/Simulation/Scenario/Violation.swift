/// A promise that was broken: what the simulator looks for.
package struct Violation: Error, Sendable, Equatable {
    /// The invariant of the protocol, or the rule, that does not hold.
    package var law: String
    package var what: String

    package init(_ law: String, _ what: String) {
        self.law = law
        self.what = what
    }
}

extension Violation: CustomStringConvertible {
    package var description: String { "\(law): \(what)" }
}
