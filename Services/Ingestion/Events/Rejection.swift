/// Why an event does not count, in the words of GSP/1.
package enum RejectionCode: String, Sendable, CaseIterable {
    case eventTooLarge = "event_too_large"
    case invalidEvent = "invalid_event"
    case sourceNotAllowed = "source_not_allowed"
    case conflict
    case unknownBehaviour = "unknown_behaviour"
    case behaviourNotLicensed = "behaviour_not_licensed"
    case unitMismatch = "unit_mismatch"
    case quantityOutOfRange = "quantity_out_of_range"
    case intervalInvalid = "interval_invalid"
    case tooLate = "too_late"
    case inFuture = "in_future"
    case noConsent = "no_consent"
}

/// A refused event's answer: the code, where the trouble lies, and the same for people.
package struct Rejection: Error, Equatable, Sendable {
    package var code: RejectionCode
    /// The path of the member in question, such as `data.quantity`; nil if it is no single one.
    package var field: String?
    package var message: String

    package init(_ code: RejectionCode, field: String? = nil, _ message: String) {
        self.code = code
        self.field = field
        self.message = message
    }
}
