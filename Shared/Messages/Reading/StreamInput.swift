import SwiftProtobuf

/// What a consumer takes from each event of a stream.
///
/// A schema's message is one (`StreamEvent`). A consumer that reads many has a leaner one, of
/// integers and slices: such a value borrows the bytes it was read from and must not outlive them.
package protocol StreamInput {
    /// Reads the event; throws if the bytes are not one.
    init(reading bytes: EventBytes) throws
    /// Whether this program knows what the event says.
    var isUnderstood: Bool { get }
    /// Whether a consumer that does not understand the event must stop instead of passing it over.
    var critical: Bool { get }
}

/// An input that is read by hand; what it reads is what SwiftProtobuf reads of `Schema`.
protocol LeanInput: StreamInput {
    associatedtype Schema: StreamEvent

    init(_ bytes: EventBytes)
    mutating func merge(_ reader: WireReader) throws(MalformedEvent)
}

extension LeanInput {
    package init(reading bytes: EventBytes) throws {
        self.init(bytes)
        do throws(MalformedEvent) {
            try merge(WireReader(bytes))
        } catch {
            // It knows best what is wrong; the reason stands in a dead letter.
            _ = try Schema(serializedBytes: bytes)
            throw error
        }
    }
}
