import GRDB
import Glibc
import Storage
import Streams
import Synchronization

/// Sees when rewards' store shows that events were applied, as any reader of it would.
///
/// Every 0.1 ms it looks whether anything was committed, and if so it asks, on a connection of its
/// own, and takes the moment after the answer: what it tells is late by half of that at the median,
/// and never early.
final class VisibleWatch: Sendable {
    /// The first look that showed this much applied.
    struct Sight {
        var sequence: UInt64
        var time: Int64
    }

    private enum Limits {
        static let pauseMicroseconds: UInt32 = 100
    }

    private struct State {
        var sights: [Sight] = []
        var isOver = false
        var failure: String?
    }

    private let state = Mutex(State())
    private let store: StoreReader
    private let commits: CommitCounter
    private let thread: Mutex<OwnThread?> = Mutex(nil)

    /// Begins to watch the store of rewards in `deployment`.
    init(_ deployment: Deployment) throws {
        let path = deployment.folder.store(of: "rewards")
        store = try StoreReader(path: path)
        commits = try CommitCounter(of: path)
    }

    func start() {
        let watching = OwnThread(named: "visible-watch") { [self] in
            do {
                var seen: UInt32?
                while !state.withLock({ $0.isOver }) {
                    // Counted before the look: what is committed meanwhile is looked at again.
                    let count = commits.count
                    if count != seen { try look() }
                    seen = count
                    usleep(Limits.pauseMicroseconds)
                }
            } catch {
                state.withLock { $0.failure = "\(error)" }
            }
        }
        thread.withLock { $0 = watching }
    }

    private func look() throws {
        let sequence = try store.read { database in
            try UInt64.fetchOne(
                database.cachedStatement(
                    sql: "SELECT sequence FROM cursor WHERE stream = 'points' AND partition = 0"))
        }
        let now = Stopwatch.now
        state.withLock { state in
            if let sequence, state.sights.last?.sequence != sequence {
                state.sights.append(Sight(sequence: sequence, time: now))
            }
        }
    }

    /// Ends watching and tells what was seen, oldest first.
    func finish() throws -> [Sight] {
        state.withLock { $0.isOver = true }
        thread.withLock { $0?.join() }
        try store.close()
        return try state.withLock { state in
            if let failure = state.failure { throw Broken("watching rewards: \(failure)") }
            return state.sights
        }
    }
}

/// SQLite's own count of the transactions of a store that is open in WAL mode.
///
/// It stands in the index of the WAL, which all connections share
/// (https://sqlite.org/walformat.html, 2.1): looking there costs neither a lock nor a call, where a
/// query takes some ten calls away from what is measured.
private final class CommitCounter: @unchecked Sendable {
    // Unchecked: the memory is only read, and by one thread.
    private let index: UnsafeMutableRawPointer
    /// Kept open: closing it would take the locks of this process's connection with it.
    private let file: Int32

    private enum Layout {
        static let indexBytes = 32_768
        /// `iChange` in the first copy of the header.
        static let countOffset = 8
    }

    /// Throws `Broken` if nobody has the store at `path` open.
    init(of path: String) throws {
        file = open(path + "-shm", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw Broken("\(path) is not open") }
        let address = mmap(nil, Layout.indexBytes, PROT_READ, MAP_SHARED, file, 0)
        guard let address, address != MAP_FAILED else { throw Broken("\(path) cannot be watched") }
        index = address
    }

    deinit {
        munmap(index, Layout.indexBytes)
        close(file)
    }

    var count: UInt32 { index.load(fromByteOffset: Layout.countOffset, as: UInt32.self) }
}
