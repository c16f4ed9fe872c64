import GRDB
package import Storage
import Streams

/// The stores of all services, opened to look: on live services and on stopped ones.
package final class StoreSet {
    /// Downstream first: what a consumer has applied is then in its publisher's later snapshot.
    private static let order: [ServiceName] = [.creditProfile, .rewards, .scoring, .ingestion]

    private let readers: [(service: ServiceName, store: StoreReader)]

    /// - Parameter open: opens a service's store.
    package init(_ open: (ServiceName) throws -> StoreReader) throws {
        readers = try Self.order.map { ($0, try open($0)) }
    }

    convenience init(at desk: Desk) throws { try self.init(desk.store) }

    package func close() throws {
        for reader in readers { try reader.store.close() }
    }

    func store(of service: ServiceName) -> StoreReader {
        guard let reader = readers.first(where: { $0.service == service }) else {
            preconditionFailure("every service has a store")
        }
        return reader.store
    }

    /// Runs `body` on one snapshot of each store.
    ///
    /// Keep it short on live stores: as long as it runs, no write-ahead log can be folded in.
    package func read<Value>(_ body: (StoreSnapshots) throws -> Value) throws -> Value {
        try read(readers[...], StoreSnapshots(), body)
    }

    private func read<Value>(
        _ rest: ArraySlice<(service: ServiceName, store: StoreReader)>, _ taken: StoreSnapshots,
        _ body: (StoreSnapshots) throws -> Value
    ) throws -> Value {
        guard let first = rest.first else { return try body(taken) }
        return try first.store.read { database in
            // A transaction has its snapshot from its first read on.
            _ = try Int.fetchOne(database, sql: "SELECT count(*) FROM log_identity")
            var taken = taken
            taken.databases[first.service] = database
            return try read(rest.dropFirst(), taken, body)
        }
    }
}

/// A moment of all stores.
package struct StoreSnapshots {
    fileprivate(set) var databases: [ServiceName: Database] = [:]

    subscript(service: ServiceName) -> Database {
        guard let database = databases[service] else {
            preconditionFailure("a moment is of every store")
        }
        return database
    }
}
