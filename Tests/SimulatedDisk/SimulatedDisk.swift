import Foundation
import GRDBSQLite

/// A disk in memory that SQLite can be opened on, and that fails when and as it is told.
///
/// It is a VFS of SQLite's with the semantics of a crash: a process dies and the files stay as the
/// kernel shows them, or the power fails and of what was not synced some is kept, some lost and
/// some torn. All files lie in one folder.
///
/// Nothing in it asks a clock or draws by chance: what fails is decided by `judge` and by the
/// generator handed to `losePower`. SQLite itself is less strict: it draws the salts of a WAL from
/// a generator of the whole process, seeded by the default VFS. So the bytes of a file may differ
/// from run to run; what is stored in it, which operations happen, and what they come to, do not.
///
/// Handles keep the disk alive. Its name is registered with SQLite for as long as it lives, and
/// that is all it shares with other disks.
///
/// Unchecked, because Swift cannot see the lock: everything mutable here, in the files and in the
/// handles is touched only in `locked`, and nothing that is mutable leaves it.
package final class SimulatedDisk: @unchecked Sendable {
    package enum Operation: CaseIterable, Sendable {
        case open, read, write, sync, truncate, delete

        /// Whether it changes what is on the disk, or what is safe there.
        var changes: Bool {
            switch self {
            case .open, .read: false
            case .write, .sync, .truncate, .delete: true
            }
        }
    }

    package enum Verdict: Sendable {
        case go
        case fail(Failure)
    }

    package enum Failure: Sendable {
        case inputOutput, full
    }

    /// Decides whether an operation on a file succeeds; called without the lock, before it happens.
    package typealias Judge = (Operation, _ file: String) -> Verdict

    private let mutex = NSLock()
    private let registration = Registration()

    private var judgeUnlocked: Judge?
    private var counts: [Operation: Int] = [:]
    private var capacityUnlocked: Int?
    private(set) var liesUnlocked = false
    private var microsecondsSleptUnlocked = 0
    private var noise: UInt64 = 0

    /// The folder as the kernel shows it, and as it is safe.
    private var names: [String: SimulatedFile] = [:]
    private var safeNames: [String: SimulatedFile] = [:]
    /// What was created (a file) and deleted (nil) since the folder was synced.
    private var nameChanges: [(name: String, file: SimulatedFile?)] = []

    /// Which process this is: handles of earlier ones are dead.
    private var life = 0
    private var isDead = false
    private var fuse: Fuse?

    private struct Fuse {
        var writes: Int
        var bytesKept: Int
    }

    package init() { registration.begin(for: self) }

    /// What to open to have `file` of this disk: a URI.
    package func path(_ file: String) -> String { "file:/\(file)?vfs=\(registration.name)" }

    // MARK: What is told of it

    /// Consulted before each operation of a live process.
    package var judge: Judge? {
        get { locked { judgeUnlocked } }
        set { locked { judgeUnlocked = newValue } }
    }

    /// How many operations live processes have begun, the failed ones among them.
    package var operations: [Operation: Int] { locked { counts } }

    /// Bytes of all files together beyond which a write answers that the disk is full.
    package var capacity: Int? {
        get { locked { capacityUnlocked } }
        set { locked { capacityUnlocked = newValue } }
    }

    /// Whether syncs report success and do nothing.
    package var lies: Bool {
        get { locked { liesUnlocked } }
        set { locked { liesUnlocked = newValue } }
    }

    package var bytesOnDisk: Int { locked { bytesUsed } }

    /// The names of all files.
    package var files: Set<String> { locked { Set(names.keys) } }

    /// What SQLite has waited for locks; its clock goes by this alone.
    package var microsecondsSlept: Int { locked { microsecondsSleptUnlocked } }

    // MARK: Failures

    /// The process that used the disk has died: its handles fail from here on.
    ///
    /// The files stay as the kernel shows them; locks and shared memory are gone.
    package func kill() { locked { endLife() } }

    /// Lets the process die in its `writes`-th write, sync, truncate or delete from now; nil: not.
    ///
    /// Of a write that is its last, `bytesKept` bytes at most are done; nothing else is. Everything
    /// fails from there until `kill`, `losePower` or `restore`.
    package func dieAfter(writes: Int?, keeping bytesKept: Int = 0) {
        precondition(writes ?? 1 > 0, "a process dies in an operation to come")
        locked { fuse = writes.map { Fuse(writes: $0, bytesKept: bytesKept) } }
    }

    /// Whether the process has died of `dieAfter`, and nobody has said so yet.
    package var hasDied: Bool { locked { isDead } }

    /// The power fails: the process dies, and what was not synced is kept, lost or torn.
    ///
    /// Every write, truncation, creation and deletion since its last successful sync has a fate of
    /// its own; a write is torn between sectors of 512 bytes. Their order is not preserved.
    @discardableResult
    package func losePower(using generator: inout some RandomNumberGenerator) -> PowerLoss {
        locked {
            endLife()
            var loss = PowerLoss()
            names = safeNames
            for change in nameChanges where Bool.random(using: &generator) {
                names[change.name] = change.file
            }
            for (_, file) in names.sorted(by: { $0.key < $1.key }) {
                loss.add(file.losePower(using: &generator))
            }
            syncFolder()
            return loss
        }
    }

    private func endLife() {
        life += 1
        isDead = false
        fuse = nil
        for file in names.values {
            file.locks = FileLocks()
            file.memory = nil
        }
    }

    // MARK: Copies

    /// All files at one moment, as the kernel shows them.
    package struct Image: Equatable, Sendable {
        fileprivate var files: [String: Contents] = [:]

        package init() {}
    }

    package func backup() -> Image {
        locked {
            var image = Image()
            image.files = names.mapValues(\.seen)
            return image
        }
    }

    /// The files of `image` take the place of all that is here, safely; the process dies first.
    package func restore(_ image: Image) {
        locked {
            endLife()
            names = image.files.mapValues { SimulatedFile($0) }
            syncFolder()
        }
    }

    // MARK: What handles ask, under the lock

    func locked<Value>(_ body: () throws -> Value) rethrows -> Value {
        mutex.lock()
        defer { mutex.unlock() }
        return try body()
    }

    func isAlive(_ life: Int) -> Bool { life == self.life && !isDead }

    func hasRoom(for growth: Int) -> Bool {
        capacityUnlocked.map { bytesUsed + growth <= $0 } ?? true
    }

    func syncFolder() {
        safeNames = names
        nameChanges = []
    }

    func remove(_ name: String) {
        names[name] = nil
        nameChanges.append((name, nil))
    }

    private var bytesUsed: Int { names.values.reduce(0) { $0 + $1.seen.size } }

    // MARK: What SQLite asks

    /// Counts an operation of the process that lives `life`, and says whether it may go on.
    func admit(_ operation: Operation, on file: String, life: Int) -> Admission {
        var judge: Judge?
        let admission: Admission = locked {
            guard isAlive(life) else { return .refused(SQLITE_IOERR) }
            counts[operation, default: 0] += 1
            if operation.changes, var fuse {
                fuse.writes -= 1
                self.fuse = fuse
                guard fuse.writes > 0 else {
                    isDead = true
                    return .lastWords(fuse.bytesKept)
                }
            }
            judge = judgeUnlocked
            return .granted
        }
        guard let judge, case .fail(let failure) = judge(operation, file) else {
            return admission
        }
        return .refused(operation.code(of: failure))
    }

    /// Opens or creates a file, or one without a name; answers it, or SQLite's code.
    ///
    /// Here and in `delete` the one who asks is taken to be alive: SQLite does neither without a
    /// lock on the database, and a dead handle gets none.
    func open(_ name: String?, flags: CInt) -> Result<OpenFile, OpenRefused> {
        let life = locked { self.life }
        guard case .granted = admit(.open, on: name ?? "", life: life) else {
            return .failure(OpenRefused(code: SQLITE_CANTOPEN))
        }
        return locked {
            let file: SimulatedFile
            if let name {
                if let existing = names[name] {
                    guard flags & SQLITE_OPEN_EXCLUSIVE == 0 else {
                        return .failure(OpenRefused(code: SQLITE_CANTOPEN))
                    }
                    file = existing
                } else {
                    guard flags & SQLITE_OPEN_CREATE != 0 else {
                        return .failure(OpenRefused(code: SQLITE_CANTOPEN))
                    }
                    file = SimulatedFile()
                    names[name] = file
                    nameChanges.append((name, file))
                }
            } else {
                file = SimulatedFile()
            }
            return .success(OpenFile(of: file, named: name, on: self, life: life, flags: flags))
        }
    }

    struct OpenRefused: Error {
        var code: CInt
    }

    func delete(_ name: String, syncingFolder: Bool) -> CInt {
        let life = locked { self.life }
        guard case .granted = admit(.delete, on: name, life: life) else {
            return FailureCode.delete
        }
        return locked {
            guard names[name] != nil else { return FailureCode.deleteNotThere }
            remove(name)
            if syncingFolder, !liesUnlocked { syncFolder() }
            return SQLITE_OK
        }
    }

    /// Whether a file is there and holds something: so the VFS for Unix has it.
    func exists(_ name: String) -> Bool { locked { (names[name]?.seen.size ?? 0) > 0 } }

    func sleep(microseconds: Int) { locked { microsecondsSleptUnlocked += microseconds } }

    /// Bytes that only look like chance: each disk begins with the same ones.
    func fill(_ buffer: UnsafeMutableRawBufferPointer) {
        locked {
            for index in buffer.indices {
                noise = noise &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                buffer[index] = UInt8(truncatingIfNeeded: noise >> 56)
            }
        }
    }
}

extension SimulatedDisk.Operation {
    fileprivate func code(of failure: SimulatedDisk.Failure) -> CInt {
        if failure == .full { return SQLITE_FULL }
        return switch self {
        case .open: SQLITE_CANTOPEN
        case .read: FailureCode.read
        case .write: FailureCode.write
        case .sync: FailureCode.sync
        case .truncate: FailureCode.truncate
        case .delete: FailureCode.delete
        }
    }
}
