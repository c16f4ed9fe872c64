import GRDBSQLite

/// The five levels of lock on a database file, as SQLite's own VFS for Unix grants them.
///
/// Any number of handles share; one of them at a time goes beyond sharing.
struct FileLocks {
    /// Handles that hold any lock.
    private var holders = 0
    /// The handle that holds more than SHARED, and what it holds.
    private var owner: ObjectIdentifier?
    private var ownerLevel = SQLITE_LOCK_NONE

    /// Raises `open` to `level`: SQLITE_OK, or SQLITE_BUSY if others are in its way.
    mutating func raise(_ open: OpenFile, to level: CInt) -> CInt {
        guard level > open.level else { return SQLITE_OK }
        let others = owner == ObjectIdentifier(open) ? SQLITE_LOCK_NONE : ownerLevel
        if level == SQLITE_LOCK_SHARED {
            guard others < SQLITE_LOCK_PENDING else { return SQLITE_BUSY }
            holders += 1
            open.level = level
            return SQLITE_OK
        }
        guard others < SQLITE_LOCK_RESERVED else { return SQLITE_BUSY }
        // To write alone one waits for the readers; nobody new comes in meanwhile.
        let isHeldUp = level == SQLITE_LOCK_EXCLUSIVE && holders > 1
        owner = ObjectIdentifier(open)
        ownerLevel = isHeldUp ? SQLITE_LOCK_PENDING : level
        open.level = ownerLevel
        return isHeldUp ? SQLITE_BUSY : SQLITE_OK
    }

    /// Lowers `open` to SHARED or NONE.
    mutating func lower(_ open: OpenFile, to level: CInt) {
        guard level < open.level else { return }
        if owner == ObjectIdentifier(open) {
            owner = nil
            ownerLevel = SQLITE_LOCK_NONE
        }
        if level == SQLITE_LOCK_NONE { holders -= 1 }
        open.level = level
    }

    /// Whether some handle means to write, or does.
    var isReserved: Bool { ownerLevel >= SQLITE_LOCK_RESERVED }
}
