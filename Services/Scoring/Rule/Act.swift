import Messages
import Model
import Streams

/// An accepted behaviour, known to make sense.
struct Act {
    let resident: ResidentID
    let time: Instant
    let day: LocalDay
    let quantity: Quantity
    let evidence: Int32

    enum Limits {
        /// Behaviours and units are codes; they enter the store for ever.
        static let codeBytesMax = 64
        /// The last moment of the year 9999, on the city's clock.
        static let timeMillisecondsMax: Int64 = 253_402_271_999_999
    }

    /// Throws `Undecidable` if the event could never have been accepted.
    init(
        _ accepted: BehaviourInput.Accepted, of event: BehaviourInput
    ) throws(Undecidable) {
        guard let resident = ResidentID(rawValue: event.resident) else {
            throw Undecidable("\(event.resident) is not a resident")
        }
        guard (0...Limits.timeMillisecondsMax).contains(event.eventTimeMs) else {
            throw Undecidable("\(event.eventTimeMs) ms is no time of an event")
        }
        guard accepted.quantityMillionths >= 0 else {
            throw Undecidable("a quantity of \(accepted.quantityMillionths) millionths is negative")
        }
        let lengths = 1...Limits.codeBytesMax
        guard lengths.contains(accepted.behaviour.count),
            lengths.contains(accepted.unit.count)
        else {
            throw Undecidable("a behaviour and a unit have 1 to \(Limits.codeBytesMax) bytes")
        }
        self.resident = resident
        time = Instant(milliseconds: event.eventTimeMs)
        day = time.localDay
        quantity = Quantity(rawValue: accepted.quantityMillionths)
        evidence = accepted.evidence
    }
}
