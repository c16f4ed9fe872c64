package import Model

/// One event as a partner sent it, well-formed and typed: what a resident is said to have done.
///
/// Whether it counts is decided later, against the register and everything accepted before. Texts
/// lie in the bytes of its `PartnerBatch`.
package struct BehaviourReport: Sendable, Equatable {
    package var id: TextRange
    package var source: TextRange
    /// The partner's pairwise name for the resident.
    package var subject: TextRange
    /// The CloudEvent's own time.
    package var time: Instant
    package var startedAt: Instant?
    package var endedAt: Instant?
    /// The place in the catalogue; nil: the catalogue has no such behaviour.
    package var behaviour: Int?
    /// The place among the behaviour's units; nil: it is not measured so.
    package var unit: Int?
    package var quantity: Quantity
    package var evidence: EvidenceKind
    package var reference: TextRange?
    package var vehicle: TextRange?
    package var serial: TextRange?

    /// Of (source, id): what duplicates are found by.
    package var identity: Digest128
    /// Of the normalised content: what tells a duplicate from a conflict.
    package var content: Digest128
    /// Of (partner, subject): what the binding is found by.
    package var binding: Digest128

    /// Which version, cap and consent apply goes by this moment.
    package var eventTime: Instant { startedAt ?? time }
    package var eventTimeField: String { startedAt == nil ? "time" : "data.startedAt" }

    /// Lateness goes by this one.
    package var endTime: Instant { endedAt ?? time }
    package var endTimeField: String { endedAt == nil ? "time" : "data.endedAt" }
}

/// The types of event that GSP/1 knows.
package enum EventType {
    package static let behaviour: StaticString = "cn.greenseason.behaviour.v1"
}
