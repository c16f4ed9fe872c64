package import GRDB
package import Messages

/// What a service does with what reaches it: the part of a service that is its own.
///
/// The writer's thread alone calls it, in the order in which things are applied. Implementations
/// decide first and write then, look at no clock and no chance, and keep in memory only what
/// `rolledBack` can drop, because a transaction that fails must leave no trace.
package protocol Domain: AnyObject, SendableMetatype {
    /// Events of the one stream it consumes; one may borrow from its block while it is applied.
    associatedtype Input: StreamInput
    /// Work that comes neither from a stream nor as a command; `Never` if there is none.
    associatedtype Errand: Sendable
    associatedtype ErrandResult: Sendable

    /// Applies one event: decides, and merges the effects into what `flush` will write.
    ///
    /// Throws `Undecidable`, before anything was changed, if the event can never be applied: it
    /// then becomes a dead letter. Any other error rolls the transaction back to be tried again.
    func apply(_ event: Input, at position: EventPosition, in transaction: Transaction) throws

    /// Carries out a command and says what came of it; only `ok` replies are remembered.
    ///
    /// A reply other than `ok` must have changed nothing.
    func handle(_ command: CommandMessage, in transaction: Transaction) throws -> ReplyMessage

    /// Carries out an errand.
    func perform(_ errand: Errand, in transaction: Transaction) throws -> ErrandResult

    /// Writes what was merged over the transaction, once for each resident or account.
    func flush(in transaction: Transaction) throws

    /// The transaction is on disk.
    func committed()

    /// Nothing of the transaction happened: forget what was only in memory.
    func rolledBack(to database: Database) throws
}

extension Domain where Errand == Never {
    package func perform(_ errand: Never, in transaction: Transaction) throws -> ErrandResult {}
}

/// The read side of a service: answers queries from snapshots, on any thread.
package protocol Answering: Sendable {
    func answer(_ query: QueryMessage, in database: Database) throws -> ReplyMessage
}

/// An event that no retry will make applicable; `reason` goes into the dead letter.
package struct Undecidable: Error, Equatable {
    package var reason: String

    package init(_ reason: String) { self.reason = reason }
}

/// A command as it came over the wire.
package struct CommandMessage: Sendable {
    package var method: String
    package var caller: String
    /// 16 to 64 bytes, the caller's own.
    package var key: [UInt8]
    package var body: [UInt8]

    package enum Limits {
        package static let keyBytesMin = 16
        package static let keyBytesMax = 64
        package static let callerBytesMax = 64
    }

    package init(method: String, caller: String, key: [UInt8], body: [UInt8]) {
        self.method = method
        self.caller = caller
        self.key = key
        self.body = body
    }
}

/// A query as it came over the wire.
package struct QueryMessage: Sendable {
    package var method: String
    package var body: [UInt8]

    package init(method: String, body: [UInt8]) {
        self.method = method
        self.body = body
    }
}

extension ReplyMessage {
    /// The service has no such method.
    package static func unknownMethod(_ method: String) -> ReplyMessage {
        .invalid("unknown_method", "this service has no method \(method)")
    }

    /// Decodes a request's body and answers it, or says that the body is not one.
    package static func answering<Body: Request>(
        _ type: Body.Type, _ body: [UInt8], with answer: (Body) throws -> ReplyMessage
    ) throws -> ReplyMessage {
        let request: Body
        do {
            request = try JSON.decode(type, from: body)
        } catch {
            return .invalid("bad_body", "the body is not a \(type.method): \(error)")
        }
        return try answer(request)
    }
}
