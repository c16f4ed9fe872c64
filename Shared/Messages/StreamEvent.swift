package import SwiftProtobuf
package import Wire

/// An event of some stream: what a log carries, one by one, in order.
package protocol StreamEvent: SwiftProtobuf.Message, StreamInput {
    /// The event schema that this program writes, and the highest it fully understands.
    static var schema: UInt32 { get }
    /// Writes the event, without length, where `wire` stands: what `serializedBytes` would answer.
    func write(to wire: inout WireBuffer) throws
}

extension StreamEvent {
    package init(reading bytes: EventBytes) throws { try self.init(serializedBytes: bytes) }
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
