import Foundation
import Model

/// One behaviour as a partner will report it, good or bad.
struct Report: Sendable, Equatable {
    var source: String
    var id: String
    /// Tells contents under the same name apart.
    var variant: Int
    /// The city's name for whoever did it; nil if the partner reports a stranger.
    var resident: String?
    var behaviour: String
    var unit: String
    var quantityMillionths: Int64
    /// When it began: what its day follows from.
    var began: Instant
    var evidence: String
    var body: [UInt8]

    /// - Parameter quantity: in millionths of `unit`.
    init(
        source: String, id: String, variant: Int = 0, subject: String, resident: String?,
        behaviour: String, unit: String, quantity: Int64, began: Instant, minutes: Int64,
        evidence: String
    ) {
        self.source = source
        self.id = id
        self.variant = variant
        self.resident = resident
        self.behaviour = behaviour
        self.unit = unit
        self.began = began
        self.evidence = evidence
        quantityMillionths = quantity
        let ended = began.advanced(byMilliseconds: minutes * 60_000)
        let whole = quantity / 1_000_000
        let rest = String(1_000_000 + quantity % 1_000_000).dropFirst()
        let text = quantity % 1_000_000 == 0 ? "\(whole)" : "\(whole).\(rest)"
        body = Array(
            """
            {"specversion":"1.0","id":"\(id)","source":"\(source)",\
            "type":"cn.greenseason.behaviour.v1","time":"\(ended.rfc3339)",\
            "subject":"\(subject)","data":{"behaviour":"\(behaviour)","quantity":"\(text)",\
            "unit":"\(unit)","startedAt":"\(began.rfc3339)","endedAt":"\(ended.rfc3339)",\
            "evidence":{"kind":"\(evidence)","reference":"order \(id)"}}}
            """.utf8)
    }

    /// A report that is no event at all.
    init(nonsense body: String) {
        source = ""
        id = ""
        variant = 0
        resident = nil
        behaviour = ""
        unit = ""
        quantityMillionths = 0
        began = Instant(milliseconds: 0)
        evidence = ""
        self.body = Array(body.utf8)
    }
}
