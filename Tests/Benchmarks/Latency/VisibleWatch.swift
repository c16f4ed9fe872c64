import GRDB
import Glibc
import Storage
import Streams
import Synchronization

/// Sees when rewards' store shows that events were applied, as any reader of it would.
///
/// It looks every 0.2 ms, on a thread and a connection of its own, and takes the moment after the
/// look: what it tells is late by half of that at the median, and never early.
final class VisibleWatch: Sendable {
    /// The first look that showed this much applied.
    struct Sight {
        var sequence: UInt64
        var time: Int64
    }

    private enum Limits {
        static let pauseMicroseconds: UInt32 = 200
    }

    private struct State {
        var sights: [Sight] = []
        var isOver = false
        var failure: String?
    }

    private let state = Mutex(State())
    private let store: StoreReader
    private let thread: Mutex<OwnThread?> = Mutex(nil)

    /// Begins to watch the store of rewards in `deployment`.
    init(_ deployment: Deployment) throws {
        store = try StoreReader(path: deployment.folder.store(of: "rewards"))
    }

    func start() {
        let watching = OwnThread(named: "visible-watch") { [self] in
            do {
                while try look() { usleep(Limits.pauseMicroseconds) }
            } catch {
                state.withLock { $0.failure = "\(error)" }
            }
        }
        thread.withLock { $0 = watching }
    }

    private func look() throws -> Bool {
        let sequence = try store.read { database in
            try UInt64.fetchOne(
                database.cachedStatement(
                    sql: "SELECT sequence FROM cursor WHERE stream = 'points' AND partition = 0"))
        }
        let now = Stopwatch.now
        return state.withLock { state in
            if let sequence, state.sights.last?.sequence != sequence {
                state.sights.append(Sight(sequence: sequence, time: now))
            }
            return !state.isOver
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
