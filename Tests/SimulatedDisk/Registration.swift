import Glibc
import GRDBSQLite

/// A disk's place in SQLite's list of VFSs; never the default one.
///
/// SQLite's functions carry no context but their first argument: the VFS leads to its disk, and
/// each file to its handle.
final class Registration {
    let name: String
    private let vfs: UnsafeMutablePointer<sqlite3_vfs>
    private let nameBytes: UnsafeMutableBufferPointer<CChar>

    private static let pathBytesMax: CInt = 512
    /// How long a thread that waits for another's lock really waits: for it to come to its turn.
    private static let pauseMicroseconds: UInt32 = 50

    init() {
        vfs = .allocate(capacity: 1)
        vfs.initialize(to: sqlite3_vfs())
        // No two that live lie at the same address.
        name = "simulated-\(UInt(bitPattern: vfs))"
        let characters = name.utf8CString
        nameBytes = .allocate(capacity: characters.count)
        _ = nameBytes.initialize(from: characters)
    }

    /// Lets SQLite find `disk`, which owns this and ends it before it ends itself.
    func begin(for disk: SimulatedDisk) {
        vfs.pointee = Self.table()
        vfs.pointee.zName = nameBytes.baseAddress.map { UnsafePointer($0) }
        vfs.pointee.pAppData = Unmanaged.passUnretained(disk).toOpaque()
        let code = sqlite3_vfs_register(vfs, 0)
        precondition(code == SQLITE_OK, "a VFS under a name of its own is accepted")
    }

    deinit {
        sqlite3_vfs_unregister(vfs)
        vfs.deallocate()
        nameBytes.deallocate()
    }

    private static func table() -> sqlite3_vfs {
        var table = sqlite3_vfs()
        table.iVersion = 2
        table.szOsFile = CInt(MemoryLayout<FileSlot>.size)
        table.mxPathname = pathBytesMax
        table.xOpen = { vfs, name, file, flags, flagsGiven in
            guard let disk = Registration.disk(of: vfs), let file else { return SQLITE_MISUSE }
            let slot = slot(of: file)
            // Without methods SQLite does not close what was not opened.
            slot.pointee = FileSlot(file: sqlite3_file(pMethods: nil), handle: nil)
            switch disk.open(name.map(Registration.fileName), flags: flags) {
            case .failure(let refused): return refused.code
            case .success(let handle):
                slot.pointee = FileSlot(
                    file: sqlite3_file(pMethods: fileMethods), handle: .passRetained(handle))
                flagsGiven?.pointee = flags
                return SQLITE_OK
            }
        }
        table.xDelete = { vfs, name, syncsFolder in
            guard let disk = Registration.disk(of: vfs), let name else { return SQLITE_MISUSE }
            return disk.delete(Registration.fileName(name), syncingFolder: syncsFolder != 0)
        }
        table.xAccess = { vfs, name, _, answer in
            guard let disk = Registration.disk(of: vfs), let name else { return SQLITE_MISUSE }
            answer?.pointee = disk.exists(Registration.fileName(name)) ? 1 : 0
            return SQLITE_OK
        }
        table.xFullPathname = { _, name, count, answer in
            guard let name, let answer, strlen(name) < count else { return SQLITE_CANTOPEN }
            strcpy(answer, name)
            return SQLITE_OK
        }
        table.xRandomness = { vfs, count, bytes in
            guard let disk = Registration.disk(of: vfs), let bytes else { return 0 }
            disk.fill(UnsafeMutableRawBufferPointer(start: bytes, count: Int(count)))
            return count
        }
        table.xSleep = { vfs, microseconds in
            Registration.disk(of: vfs)?.sleep(microseconds: Int(microseconds))
            usleep(min(UInt32(max(microseconds, 0)), Registration.pauseMicroseconds))
            return microseconds
        }
        table.xCurrentTime = { vfs, answer in
            answer?.pointee = Double(Registration.julianMilliseconds(of: vfs)) / 86_400_000
            return SQLITE_OK
        }
        table.xGetLastError = { _, _, _ in 0 }
        table.xCurrentTimeInt64 = { vfs, answer in
            answer?.pointee = Registration.julianMilliseconds(of: vfs)
            return SQLITE_OK
        }
        return table
    }

    /// SQLite counts milliseconds since noon of 24 November 4714 BC; this disk begins in 2026.
    private static func julianMilliseconds(of vfs: UnsafeMutablePointer<sqlite3_vfs>?) -> Int64 {
        212_633_985_600_000 + Int64(disk(of: vfs)?.microsecondsSlept ?? 0) / 1_000
    }

    private static func disk(of vfs: UnsafeMutablePointer<sqlite3_vfs>?) -> SimulatedDisk? {
        vfs?.pointee.pAppData.map {
            Unmanaged<SimulatedDisk>.fromOpaque($0).takeUnretainedValue()
        }
    }

    /// A file's name is its path without the slash that makes it one.
    private static func fileName(_ path: UnsafePointer<CChar>) -> String {
        let name = String(cString: path)
        return name.hasPrefix("/") ? String(name.dropFirst()) : name
    }
}
