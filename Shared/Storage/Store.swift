internal import CSQLite
internal import CWriteAhead
package import GRDB

/// One service's SQLite store, opened the one right way.
///
/// WAL with `synchronous = FULL`: what a transaction committed survives the loss of power. GRDB's
/// pool sets NORMAL on its writer when it opens, so FULL is set afterwards and read back. Only the
/// writing connection may checkpoint; readers are query-only and leave the WAL alone when they
/// close (SQLite before 3.51.3 can lose a WAL that two connections reset).
package final class Store: Sendable {
    package let writer: any DatabaseWriter
    private let lock: StoreLock?

    package enum Limits {
        package static let readersMax = 3
        /// Pages in the WAL before the writer checkpoints: 16 MiB.
        package static let checkpointPages = 4_000
        static let pageBytes = 4_096
        /// What SQLite writes before each page (https://sqlite.org/walformat.html).
        static let frameHeaderBytes = 24
        package static let busySeconds = 10.0
        package static let writerCacheKibibytes = 32_768
        package static let readerCacheKibibytes = 4_096
    }

    /// Opens or creates the store at `path`, holding its lock, and brings its schema up to date.
    ///
    /// Throws `StoreError.locked` if another process has it open, and `.newer` if a later version
    /// of this program has changed its tables.
    package init(path: String, migrations: DatabaseMigrator) throws {
        lock = try StoreLock(path: path + ".lock")
        let pool = try Self.connect(path: path)
        writer = pool
        // An older program would not see what a newer one keeps elsewhere.
        guard try !pool.read(migrations.hasBeenSuperseded) else { throw StoreError.newer(path) }
        try Self.gatherWAL(of: pool)
        try migrations.migrate(writer)
        writer.writeWithoutTransaction { Self.lengthenWAL(of: $0) }
    }

    /// Gives the WAL its full length before anything waits for it.
    ///
    /// A sync that only writes blocks the file already has takes two thirds of the time of one that
    /// has to note new ones in the file system's journal, where it also meets all other syncs. Room
    /// that cannot be had now is taken by the commits that need it.
    private static func lengthenWAL(of database: Database) {
        let bytes = Limits.checkpointPages * (Limits.pageBytes + Limits.frameHeaderBytes)
        _ = greenseason_lengthen_wal(
            UnsafeMutableRawPointer(database.sqliteConnection), Int64(bytes))
    }

    /// Opens the connections to the database at `path`, or creates it there, without a lock.
    package static func connect(path: String) throws -> DatabasePool {
        var configuration = Configuration()
        configuration.maximumReaderCount = Limits.readersMax
        configuration.busyMode = .timeout(Limits.busySeconds)
        configuration.prepareDatabase { database in
            let cache =
                database.configuration.readonly
                ? Limits.readerCacheKibibytes : Limits.writerCacheKibibytes
            try database.execute(sql: "PRAGMA cache_size = -\(cache)")
            if database.configuration.readonly {
                greenseason_no_checkpoint_on_close(
                    UnsafeMutableRawPointer(database.sqliteConnection))
            }
        }
        let pool = try DatabasePool(path: path, configuration: configuration)
        try pool.writeWithoutTransaction { database in
            try database.execute(sql: "PRAGMA synchronous = FULL")
            try database.execute(sql: "PRAGMA wal_autocheckpoint = \(Limits.checkpointPages)")
            guard try Int.fetchOne(database, sql: "PRAGMA synchronous") == 2 else {
                throw StoreError.notDurable(path)
            }
            // What a process left that died before its sync can be read and is not safe yet. It is
            // made so before anybody is told of it: a commit of our own syncs it as well. A sync
            // that failed is not made good by the next one, so it is first written once more.
            try database.execute(sql: "PRAGMA wal_checkpoint(PASSIVE)")
            try database.execute(sql: "PRAGMA user_version = 0")
        }
        return pool
    }

    /// Lets the frames of a commit go to the WAL in a few large writes instead of two small ones
    /// each, which were a sixth of a service's time at small commits.
    ///
    /// Only where a commit waits for its sync: without, SQLite tells others of frames that are not
    /// written yet.
    package static func gatherWAL(of pool: DatabasePool) throws {
        try pool.writeWithoutTransaction { database in
            guard try Int.fetchOne(database, sql: "PRAGMA synchronous") == 2 else { return }
            let code = greenseason_gather_wal(UnsafeMutableRawPointer(database.sqliteConnection))
            guard code == SQLITE_OK else {
                throw DatabaseError(resultCode: ResultCode(rawValue: code))
            }
        }
    }

    /// Takes a writer that somebody else opened: in memory for tests, on a simulated disk.
    package init(writer: any DatabaseWriter, migrations: DatabaseMigrator) throws {
        self.writer = writer
        lock = nil
        try migrations.migrate(writer)
    }

    /// A store in memory, for tests of what it holds.
    package static func inMemory(migrations: DatabaseMigrator) throws -> Store {
        try Store(writer: DatabaseQueue(), migrations: migrations)
    }

    /// Closes all connections; the writer's goes last and folds the WAL into the store.
    package func close() throws {
        // GRDB closes the writer first, and the readers then leave the WAL where it is.
        (writer as? DatabasePool)?.invalidateReadOnlyConnections()
        try writer.close()
    }
}

/// A store opened beside its service, to look and never to touch.
///
/// It works on live stores and on those of a service that is down.
package final class StoreReader: Sendable {
    private let queue: DatabaseQueue

    package init(path: String) throws {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(Store.Limits.busySeconds)
        configuration.prepareDatabase { database in
            try database.execute(sql: "PRAGMA query_only = 1")
            greenseason_no_checkpoint_on_close(UnsafeMutableRawPointer(database.sqliteConnection))
        }
        queue = try DatabaseQueue(path: path, configuration: configuration)
    }

    /// Runs `body` on one snapshot.
    package func read<Value>(_ body: (Database) throws -> Value) throws -> Value {
        try queue.read(body)
    }

    package func close() throws { try queue.close() }
}

package enum StoreError: Error, Equatable {
    /// Another process holds the store's lock.
    case locked(String)
    /// The lock file could not be made, with the reason.
    case lockFailed(String)
    /// The connection does not do what it was told: the store would not survive a power failure.
    case notDurable(String)
    /// The store has tables of a later version of the program.
    case newer(String)
}

extension StoreError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .locked(let path):
            "\(path) is held by another process: this service is already running on this folder"
        case .lockFailed(let why): why
        case .notDurable(let path): "\(path): synchronous=FULL could not be set"
        case .newer(let path):
            "\(path) was written by a later version of this program: start that one, or restore a "
                + "backup made before it"
        }
    }
}
