import SwiftProtobuf

/// A run of bytes inside a block, decoded where it lies.
///
/// SwiftProtobuf decodes arrays and `Data`; a slice of a block would have to be copied first. This
/// type lends the bytes in place, for as long as the closure that handed them out runs.
package struct EventBytes: SwiftProtobufContiguousBytes {
    let bytes: UnsafeRawBufferPointer

    package init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    package var count: Int { bytes.count }

    package func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        try body(bytes)
    }

    // The protocol also serves encoders, which make and fill their bytes. Borrowed bytes never are.

    package init(repeating: UInt8, count: Int) {
        preconditionFailure("borrowed bytes are decoded, never made")
    }

    package init<S: Sequence>(_ sequence: S) where S.Element == UInt8 {
        preconditionFailure("borrowed bytes are decoded, never made")
    }

    package mutating func withUnsafeMutableBytes<R>(
        _ body: (UnsafeMutableRawBufferPointer) throws -> R
    ) rethrows -> R {
        preconditionFailure("borrowed bytes are decoded, never written")
    }
}
