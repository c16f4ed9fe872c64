import GRDB
import Ingestion
import Messages
import Streams

/// A domain with one behaviour replaced: the rest is done by the domain it stands for.
class Substitute<Base: Domain>: Domain {
    typealias Input = Base.Input
    typealias Errand = Base.Errand
    typealias ErrandResult = Base.ErrandResult

    let base: Base

    init(_ base: Base) { self.base = base }

    func apply(
        _ event: Base.Input, at position: EventPosition, in transaction: Transaction
    ) throws {
        try base.apply(event, at: position, in: transaction)
    }

    func handle(_ command: CommandMessage, in transaction: Transaction) throws -> ReplyMessage {
        try base.handle(command, in: transaction)
    }

    func perform(
        _ errand: Base.Errand, in transaction: Transaction
    ) throws -> Base.ErrandResult {
        try base.perform(errand, in: transaction)
    }

    func flush(in transaction: Transaction) throws { try base.flush(in: transaction) }
    func committed() { base.committed() }
    func rolledBack(to database: Database) throws { try base.rolledBack(to: database) }
}
