import Foundation
package import Messages
import SwiftProtobuf
import Wire

/// Request/reply on the wire: `[header, body]` both ways (protocol, "Request and reply").
package enum Exchange {
    package enum Limits {
        package static let methodBytesMax = 64
        package static let requestIDBytesMax = 64
        package static let bodyBytesMax = 1 << 20
    }

    package enum Kind: Sendable {
        case command(CommandMessage)
        case query(QueryMessage)
    }

    package struct Incoming: Sendable {
        package var requestID: [UInt8]
        package var kind: Kind
    }

    /// The frames of a request; `key` makes it a command.
    package static func frames(
        method: String, body: [UInt8], caller: String, key: [UInt8]?, requestID: [UInt8]
    ) throws -> [[UInt8]] {
        var header = SLPRequestHeader()
        header.version = SLP.version
        header.kind = key == nil ? .query : .command
        header.method = method
        header.requestID = Data(requestID)
        header.caller = caller
        header.key = Data(key ?? [])
        return [try header.serializedBytes(), body]
    }

    /// The request that these frames are, or nil if they are none.
    package static func request(_ frames: some Collection<[UInt8]>) -> Incoming? {
        let frames = Array(frames)
        guard frames.count == 2, frames[1].count <= Limits.bodyBytesMax,
            let header = try? SLPRequestHeader(serializedBytes: frames[0]),
            header.version == SLP.version, header.requestID.count <= Limits.requestIDBytesMax,
            header.method.utf8.count <= Limits.methodBytesMax,
            header.caller.utf8.count <= CommandMessage.Limits.callerBytesMax
        else { return nil }
        let kind: Kind
        switch header.kind {
        case .command:
            kind = .command(
                CommandMessage(
                    method: header.method, caller: header.caller, key: Array(header.key),
                    body: frames[1]))
        case .query:
            kind = .query(QueryMessage(method: header.method, body: frames[1]))
        default:
            return nil
        }
        return Incoming(requestID: Array(header.requestID), kind: kind)
    }

    package static func frames(of reply: ReplyMessage, requestID: [UInt8]) throws -> [[UInt8]] {
        var header = SLPReplyHeader()
        header.version = SLP.version
        header.requestID = Data(requestID)
        header.code = reply.code
        header.message = reply.message
        header.status =
            switch reply.status {
            case .ok: .ok
            case .refused: .refused
            case .conflict: .conflict
            case .invalid: .invalid
            case .busy: .busy
            case .unavailable: .unavailable
            }
        return [try header.serializedBytes(), reply.body]
    }

    /// The reply that these frames are, and to which request.
    package static func reply(_ frames: [[UInt8]]) -> (requestID: [UInt8], reply: ReplyMessage)? {
        guard frames.count == 2, let header = try? SLPReplyHeader(serializedBytes: frames[0]),
            header.version == SLP.version
        else { return nil }
        let status: ReplyStatus
        switch header.status {
        case .ok: status = .ok
        case .refused: status = .refused
        case .conflict: status = .conflict
        case .invalid: status = .invalid
        case .busy: status = .busy
        case .unavailable: status = .unavailable
        default: return nil
        }
        return (
            Array(header.requestID),
            ReplyMessage(
                status: status, code: header.code, message: header.message, body: frames[1])
        )
    }
}
