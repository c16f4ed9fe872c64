import Messages
import Streams
import SwiftProtobuf
import Wire

/// Events of any stream as JSON, for people and pipes.
enum EventText {
    /// `{"event":{…},"partition":0,"sequence":1,"stream":"points"}`, an event a line.
    static func lines(
        of block: Block, stream: StreamName, from first: UInt64
    ) throws -> [String] {
        var lines: [String] = []
        var sequence = block.first
        try BlockBody.forEachEvent(in: block.body) { bytes in
            if sequence >= first {
                lines.append(
                    "{\"event\":\(try json(bytes, of: stream)),\"partition\":\(block.partition),"
                        + "\"sequence\":\(sequence),\"stream\":\"\(stream.rawValue)\"}")
            }
            sequence += 1
        }
        return lines
    }

    private static func json(_ bytes: EventBytes, of stream: StreamName) throws -> String {
        switch stream {
        case .behaviour: try BehaviourEvent(serializedBytes: bytes).jsonString()
        case .points: try PointsEvent(serializedBytes: bytes).jsonString()
        case .redemption: try RedemptionEvent(serializedBytes: bytes).jsonString()
        case .profile: try ProfileEvent(serializedBytes: bytes).jsonString()
        }
    }
}
