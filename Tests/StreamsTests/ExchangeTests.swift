import Foundation
import Messages
import Streams
import SwiftProtobuf
import Testing
import Wire

struct ExchangeTests {
    private func header(_ change: (inout SLPRequestHeader) -> Void) throws -> [UInt8] {
        var header = SLPRequestHeader()
        header.version = 1
        header.kind = .query
        header.method = "m"
        header.caller = "c"
        change(&header)
        return try header.serializedBytes()
    }

    @Test func `a request with a key is a command`() throws {
        let key = [UInt8](1...16)
        let frames = try Exchange.frames(
            method: "counter.spend", body: [1, 2], caller: "tool", key: key, requestID: [9])
        let incoming = try #require(Exchange.request(frames))
        #expect(incoming.requestID == [9])
        guard case .command(let command) = incoming.kind else {
            Issue.record("not a command")
            return
        }
        #expect(command.method == "counter.spend")
        #expect(command.caller == "tool")
        #expect(command.key == key)
        #expect(command.body == [1, 2])
    }

    @Test func `a request without a key is a query`() throws {
        let frames = try Exchange.frames(
            method: "counter.total", body: [], caller: "tool", key: nil, requestID: [])
        guard case .query(let query) = try #require(Exchange.request(frames)).kind else {
            Issue.record("not a query")
            return
        }
        #expect(query.method == "counter.total")
    }

    @Test(arguments: [
        ReplyMessage(status: .ok, body: [1]), .refused("code", "why"), .invalid("code", "why"),
        ReplyMessage(status: .conflict, code: "c", message: "m"),
        ReplyMessage(status: .busy), ReplyMessage(status: .unavailable, body: [0]),
    ])
    func `a reply comes back with its request's id`(reply: ReplyMessage) throws {
        let frames = try Exchange.frames(of: reply, requestID: [7, 7])
        let received = try #require(Exchange.reply(frames))
        #expect(received.requestID == [7, 7])
        #expect(received.reply == reply)
    }

    @Test func `what is no request is refused`() throws {
        let good = try header { _ in }
        #expect(Exchange.request([good, []]) != nil)
        #expect(Exchange.request([good]) == nil)
        #expect(Exchange.request([good, [], []]) == nil)
        #expect(Exchange.request([[UInt8]]()) == nil)
        #expect(Exchange.request([[0xFF], []]) == nil)
        #expect(
            Exchange.request([good, Array(repeating: 0, count: Exchange.Limits.bodyBytesMax)])
                != nil)
        #expect(
            Exchange.request([good, Array(repeating: 0, count: Exchange.Limits.bodyBytesMax + 1)])
                == nil)
        let changes: [(inout SLPRequestHeader) -> Void] = [
            { $0.version = 2 }, { $0.kind = .unspecified }, { $0.kind = .UNRECOGNIZED(3) },
            { $0.method = String(repeating: "m", count: 65) },
            { $0.caller = String(repeating: "c", count: 65) },
            { $0.requestID = Data(count: 65) },
        ]
        for change in changes { #expect(Exchange.request([try header(change), []]) == nil) }
    }

    @Test func `what is no reply is refused`() throws {
        var header = SLPReplyHeader()
        header.version = 1
        #expect(Exchange.reply([try header.serializedBytes(), []]) == nil)
        header.status = .ok
        #expect(Exchange.reply([try header.serializedBytes(), []]) != nil)
        #expect(Exchange.reply([try header.serializedBytes()]) == nil)
        header.version = 3
        #expect(Exchange.reply([try header.serializedBytes(), []]) == nil)
    }
}
