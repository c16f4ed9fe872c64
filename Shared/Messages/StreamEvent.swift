package import SwiftProtobuf
package import Wire

/// An event of some stream: what a log carries, one by one, in order.
package protocol StreamEvent: SwiftProtobuf.Message {
    /// The event schema that this program writes, and the highest it fully understands.
    static var schema: UInt32 { get }
    /// Whether this program knows what the event says.
    var isUnderstood: Bool { get }
    /// Whether a consumer that does not understand the event must stop instead of passing it over.
    var critical: Bool { get }
    /// Writes the event, without length, where `wire` stands: what `serializedBytes` would answer.
    func write(to wire: inout WireBuffer) throws
}

extension BehaviourEvent: StreamEvent {
    package static var schema: UInt32 { 1 }
    package var isUnderstood: Bool { payload != nil }
}

extension PointsEvent: StreamEvent {
    package static var schema: UInt32 { 1 }
    package var isUnderstood: Bool { payload != nil }
}

extension RedemptionEvent: StreamEvent {
    package static var schema: UInt32 { 1 }
    package var isUnderstood: Bool { payload != nil }
}

extension ProfileEvent: StreamEvent {
    package static var schema: UInt32 { 1 }
    package var isUnderstood: Bool { payload != nil }
}

/// The four streams of the house, and which kind of service publishes each.
package enum StreamName: String, Sendable, CaseIterable, Codable {
    case behaviour
    case points
    case redemption
    case profile
}
