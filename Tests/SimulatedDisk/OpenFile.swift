import GRDBSQLite

/// One handle on a file: what SQLite's `sqlite3_file` stands for.
///
/// Its own state, like everything on the disk, is touched under the disk's lock alone.
final class OpenFile {
    private let disk: SimulatedDisk
    private let file: SimulatedFile
    /// nil for a file without a name, which nobody else can open and no failure can keep.
    private let name: String?
    /// The life of the process that opened it.
    private let life: Int
    private let isDeletedOnClose: Bool
    private var mustSyncFolder: Bool
    private var memory: SharedMemory?

    var level = SQLITE_LOCK_NONE
    var sharedSlots: Set<Int> = []
    var exclusiveSlots: Set<Int> = []

    init(
        of file: SimulatedFile, named name: String?, on disk: SimulatedDisk, life: Int,
        flags: CInt
    ) {
        self.disk = disk
        self.file = file
        self.name = name
        self.life = life
        isDeletedOnClose = flags & SQLITE_OPEN_DELETEONCLOSE != 0
        // As the VFS for Unix does: a journal that may be new is worth nothing without its name.
        let journals =
            SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL
        mustSyncFolder = flags & SQLITE_OPEN_CREATE != 0 && flags & journals != 0
    }

    /// Lets go of everything; a dead handle has nothing left to let go of.
    func close() {
        disk.locked {
            unmap()
            guard disk.isAlive(life) else { return }
            file.locks.lower(self, to: SQLITE_LOCK_NONE)
            if let name, isDeletedOnClose { disk.remove(name) }
        }
    }

    // MARK: Contents

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) -> CInt {
        switch admit(.read) {
        case .refused(let code): return code
        case .lastWords, .granted: break
        }
        return disk.locked {
            let count = file.seen.read(into: buffer, at: offset)
            guard count < buffer.count else { return SQLITE_OK }
            // What is not there reads as zeros, as SQLite demands.
            UnsafeMutableRawBufferPointer(rebasing: buffer[count...])
                .initializeMemory(as: UInt8.self, repeating: 0)
            return FailureCode.shortRead
        }
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> CInt {
        switch admit(.write) {
        case .refused(let code): return code
        case .lastWords(let count):
            disk.locked {
                file.write(UnsafeRawBufferPointer(rebasing: bytes.prefix(count)), at: offset)
            }
            return SQLITE_IOERR
        case .granted: break
        }
        return disk.locked {
            let growth = offset + bytes.count - file.seen.size
            guard growth <= 0 || disk.hasRoom(for: growth) else { return SQLITE_FULL }
            file.write(bytes, at: offset)
            return SQLITE_OK
        }
    }

    func truncate(to size: Int) -> CInt {
        guard case .granted = admit(.truncate) else { return FailureCode.truncate }
        disk.locked { file.resize(to: size) }
        return SQLITE_OK
    }

    func sync() -> CInt {
        let admission = admit(.sync)
        return disk.locked {
            switch admission {
            case .lastWords: return SQLITE_IOERR
            case .refused(let code):
                if disk.isAlive(life) { file.failSync() }
                return code
            case .granted: break
            }
            guard !disk.liesUnlocked else { return SQLITE_OK }
            file.sync()
            if mustSyncFolder {
                disk.syncFolder()
                mustSyncFolder = false
            }
            return SQLITE_OK
        }
    }

    func size() -> Int { disk.locked { file.seen.size } }

    private func admit(_ operation: SimulatedDisk.Operation) -> Admission {
        disk.admit(operation, on: name ?? "", life: life)
    }

    // MARK: Locks

    func lock(_ level: CInt) -> CInt {
        disk.locked {
            disk.isAlive(life) ? file.locks.raise(self, to: level) : SQLITE_IOERR
        }
    }

    func unlock(_ level: CInt) -> CInt {
        disk.locked {
            if disk.isAlive(life) { file.locks.lower(self, to: level) }
            return SQLITE_OK
        }
    }

    func isReserved() -> Bool { disk.locked { file.locks.isReserved } }

    // MARK: Shared memory

    func map(
        _ region: Int, bytes: Int, extending: Bool
    ) -> (code: CInt, address: UnsafeMutableRawPointer?) {
        disk.locked {
            guard disk.isAlive(life) else { return (SQLITE_IOERR, nil) }
            let memory = memory ?? join()
            return (SQLITE_OK, memory.region(region, bytes: bytes, extending: extending))
        }
    }

    private func join() -> SharedMemory {
        let memory = file.memory ?? SharedMemory()
        memory.users += 1
        file.memory = memory
        self.memory = memory
        return memory
    }

    func lockSlots(_ slots: Range<Int>, flags: CInt) -> CInt {
        disk.locked {
            guard let memory else { return SQLITE_IOERR }
            if flags & SQLITE_SHM_UNLOCK != 0 {
                memory.unlock(slots, for: self)
                return SQLITE_OK
            }
            guard disk.isAlive(life) else { return SQLITE_IOERR }
            return memory.lock(
                slots, exclusively: flags & SQLITE_SHM_EXCLUSIVE != 0, for: self)
        }
    }

    /// Orders what this thread wrote to shared memory before what it does next.
    func barrier() { disk.locked {} }

    func leaveMemory() { disk.locked { unmap() } }

    private func unmap() {
        guard let memory else { return }
        memory.unlock(0..<Int(SQLITE_SHM_NLOCK), for: self)
        memory.users -= 1
        // The next to come begins with zeros, as the VFS for Unix has it.
        if memory.users == 0, file.memory === memory { file.memory = nil }
        self.memory = nil
    }
}

/// SQLite's extended codes, which are macros that Swift does not import.
enum FailureCode {
    static let read = SQLITE_IOERR | 1 << 8
    static let shortRead = SQLITE_IOERR | 2 << 8
    static let write = SQLITE_IOERR | 3 << 8
    static let sync = SQLITE_IOERR | 4 << 8
    static let truncate = SQLITE_IOERR | 6 << 8
    static let delete = SQLITE_IOERR | 10 << 8
    static let deleteNotThere = SQLITE_IOERR | 23 << 8
}

/// Whether an operation may go on.
enum Admission {
    case granted
    case refused(CInt)
    /// The process dies in it; of a write, so many bytes are done.
    case lastWords(Int)
}
