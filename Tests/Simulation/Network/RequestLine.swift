import StreamsTestKit

/// The way to one service's requests and back, for everyone who asks it.
final class RequestLine {
    /// Who asks, and the request's frames.
    var requests = Pipe<(peer: UInt64, frames: [[UInt8]])>()
    var replies = Pipe<(peer: UInt64, frames: [[UInt8]])>()
    var lossyUntil: Int64 = 0
    var doublingUntil: Int64 = 0
}

/// The way to the partners' edge and back: frames without the routing id, which stands beside.
final class EdgeLine {
    struct Message {
        var partner: String
        /// Names the connection; a partner that connects anew has another.
        var connection: UInt64
        var frames: [[UInt8]]
    }

    var messages = Pipe<Message>()
    var answers = Pipe<(connection: UInt64, frames: [[UInt8]])>()
}
