import Foundation

/// A question or an order that a service answers over request/reply.
///
/// Bodies are JSON: few, read by people and tools, and printed by `greenctl --json` as they are.
package protocol Request: Codable, Sendable {
    associatedtype Reply: Codable & Sendable
    /// The stable name on the wire, `service.noun.verb`.
    static var method: String { get }
}

/// A request that changes something: carried out once under its key, however often it is sent.
package protocol Command: Request {}

/// A request that only reads.
package protocol Query: Request {}

/// A list that may not fit one reply: `next` asks for the rest.
package struct Listing<Element: Codable & Sendable>: Codable, Sendable {
    package var items: [Element]
    /// Where the next page begins; nil on the last one.
    package var next: String?

    package init(items: [Element], next: String? = nil) {
        self.items = items
        self.next = next
    }
}

/// What a request came to.
package enum ReplyStatus: String, Sendable, Codable {
    case ok
    case refused
    case conflict
    case invalid
    case busy
    case unavailable
}

/// The answer to a request, as bytes: what a service returns and a client decodes.
package struct ReplyMessage: Sendable, Equatable {
    package var status: ReplyStatus
    /// Stable name of a refusal or an error, such as `insufficient_points`; empty when `ok`.
    package var code: String
    /// The same for people: what is wrong and what to do.
    package var message: String
    package var body: [UInt8]

    package init(status: ReplyStatus, code: String = "", message: String = "", body: [UInt8] = []) {
        self.status = status
        self.code = code
        self.message = message
        self.body = body
    }

    /// The request was carried out; `reply` says with what result.
    package static func ok(_ reply: some Encodable) throws -> ReplyMessage {
        ReplyMessage(status: .ok, body: try JSON.encode(reply))
    }

    /// The request was understood and may not be carried out.
    package static func refused(_ code: String, _ message: String) -> ReplyMessage {
        ReplyMessage(status: .refused, code: code, message: message)
    }

    /// The request makes no sense, now or ever.
    package static func invalid(_ code: String, _ message: String) -> ReplyMessage {
        ReplyMessage(status: .invalid, code: code, message: message)
    }
}

/// The one way JSON is written here: sorted keys, plain slashes, so equal values are equal bytes.
package enum JSON {
    package static func encode(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(value))
    }

    package static func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) throws
        -> Value
    {
        try JSONDecoder().decode(type, from: Data(bytes))
    }
}
