import GRDBSQLite

/// What SQLite keeps for each open file, in memory of its own.
struct FileSlot {
    /// First, because SQLite knows this part.
    var file: sqlite3_file
    /// Retained from open to close.
    var handle: Unmanaged<OpenFile>?
}

func slot(of file: UnsafeMutablePointer<sqlite3_file>) -> UnsafeMutablePointer<FileSlot> {
    UnsafeMutableRawPointer(file).assumingMemoryBound(to: FileSlot.self)
}

private func handle(of file: UnsafeMutablePointer<sqlite3_file>?) -> OpenFile? {
    file.flatMap { slot(of: $0).pointee.handle?.takeUnretainedValue() }
}

/// What SQLite can do with a file; the same for all disks, and never changed.
nonisolated(unsafe) let fileMethods: UnsafePointer<sqlite3_io_methods> = {
    var table = sqlite3_io_methods()
    // 2: shared memory, but no mapping of the file itself.
    table.iVersion = 2
    table.xClose = { file in
        guard let file else { return SQLITE_MISUSE }
        let handle = slot(of: file).pointee.handle?.takeRetainedValue()
        slot(of: file).pointee.handle = nil
        handle?.close()
        return SQLITE_OK
    }
    table.xRead = { file, buffer, count, offset in
        handle(of: file)?.read(
            into: UnsafeMutableRawBufferPointer(start: buffer, count: Int(count)),
            at: Int(offset)) ?? SQLITE_MISUSE
    }
    table.xWrite = { file, bytes, count, offset in
        handle(of: file)?.write(
            UnsafeRawBufferPointer(start: bytes, count: Int(count)), at: Int(offset))
            ?? SQLITE_MISUSE
    }
    table.xTruncate = { file, size in
        handle(of: file)?.truncate(to: Int(size)) ?? SQLITE_MISUSE
    }
    table.xSync = { file, _ in handle(of: file)?.sync() ?? SQLITE_MISUSE }
    table.xFileSize = { file, answer in
        guard let handle = handle(of: file) else { return SQLITE_MISUSE }
        answer?.pointee = Int64(handle.size())
        return SQLITE_OK
    }
    table.xLock = { file, level in handle(of: file)?.lock(level) ?? SQLITE_MISUSE }
    table.xUnlock = { file, level in handle(of: file)?.unlock(level) ?? SQLITE_MISUSE }
    table.xCheckReservedLock = { file, answer in
        guard let handle = handle(of: file) else { return SQLITE_MISUSE }
        answer?.pointee = handle.isReserved() ? 1 : 0
        return SQLITE_OK
    }
    table.xFileControl = { _, _, _ in SQLITE_NOTFOUND }
    // As the VFS for Unix says on Linux: a page, and only what a sector's own order promises.
    table.xSectorSize = { _ in 4_096 }
    table.xDeviceCharacteristics = { _ in SQLITE_IOCAP_POWERSAFE_OVERWRITE }
    table.xShmMap = { file, region, count, extends, answer in
        guard let handle = handle(of: file) else { return SQLITE_MISUSE }
        let (code, address) = handle.map(
            Int(region), bytes: Int(count), extending: extends != 0)
        answer?.pointee = address
        return code
    }
    table.xShmLock = { file, first, count, flags in
        handle(of: file)?.lockSlots(Int(first)..<Int(first + count), flags: flags)
            ?? SQLITE_MISUSE
    }
    table.xShmBarrier = { file in handle(of: file)?.barrier() }
    table.xShmUnmap = { file, _ in
        handle(of: file)?.leaveMemory()
        return SQLITE_OK
    }
    let pointer = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)
    pointer.initialize(to: table)
    return UnsafePointer(pointer)
}()
