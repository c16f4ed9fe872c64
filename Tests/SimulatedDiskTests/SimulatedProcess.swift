import GRDB
import Messages
import Model
import SimulatedDisk
import Storage
import Streams

/// A service without threads and sockets, on a disk of its own, that can be started again.
final class SimulatedProcess<Work: Domain> {
    let disk = SimulatedDisk()
    private let stream: StreamName
    private let migrations: DatabaseMigrator
    private let synchronous: String?
    private let checkpointPages: Int?
    private let makeDomain: (any DatabaseWriter) throws -> Work

    private(set) var store: Store?
    private(set) var writer: Writer<Work>?
    /// Which of its lives this is.
    private(set) var boot: UInt64 = 0

    /// - Parameters:
    ///   - synchronous: what is set in the place of what we ship.
    ///   - checkpointPages: the same; so few that checkpoints happen in a short test.
    init(
        _ stream: StreamName, synchronous: String? = nil, checkpointPages: Int? = nil,
        migrations: DatabaseMigrator,
        domain: @escaping (any DatabaseWriter) throws -> Work
    ) {
        self.stream = stream
        self.synchronous = synchronous
        self.checkpointPages = checkpointPages
        makeDomain = domain
        self.migrations = migrations
    }

    /// Opens the store as a service does, but for the lock that only a real folder has.
    func start(using random: inout SplitMix64) throws {
        let pool = try Store.connect(path: disk.path("store.sqlite"))
        if let synchronous {
            try pool.writeWithoutTransaction {
                try $0.execute(sql: "PRAGMA synchronous = \(synchronous)")
            }
        }
        if let checkpointPages {
            try pool.writeWithoutTransaction {
                try $0.execute(sql: "PRAGMA wal_autocheckpoint = \(checkpointPages)")
            }
        }
        try Store.gatherWAL(of: pool)
        let store = try Store(writer: pool, migrations: migrations)
        let identity = try pool.write { database in
            try LogIdentity.establish(
                stream: stream, partitions: ReportsDomain.partitions, using: &random,
                in: database)
        }
        writer = try Writer(
            identity: identity, database: pool, domain: try makeDomain(pool),
            now: { Instant(milliseconds: 0) })
        self.store = store
        boot += 1
    }

    /// Ends as a service does that is told to.
    func stop() throws {
        writer = nil
        defer { store = nil }
        try store?.close()
    }

    func kill() {
        disk.kill()
        forget()
    }

    func losePower(using random: inout SplitMix64) {
        disk.losePower(using: &random)
        forget()
    }

    private func forget() {
        writer = nil
        store = nil
    }

    var running: Writer<Work> {
        get throws {
            guard let writer else { throw Broken("the process does not run") }
            return writer
        }
    }

    func read<Value>(_ body: (Database) throws -> Value) throws -> Value {
        guard let store else { throw Broken("the process does not run") }
        return try store.writer.read(body)
    }
}
