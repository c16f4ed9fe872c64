import GRDBSQLite

/// A database's shared memory (the index of its WAL) and the eight slots of locks beside it.
///
/// It lives on the heap for as long as a handle maps it: a handle whose process died may still
/// look into it, and must then find what was there and nobody else's.
final class SharedMemory {
    /// Handles that map it.
    var users = 0
    private var regions: [UnsafeMutableRawBufferPointer] = []
    private var shared = [Int](repeating: 0, count: Int(SQLITE_SHM_NLOCK))
    private var exclusive = [Bool](repeating: false, count: Int(SQLITE_SHM_NLOCK))

    deinit {
        for region in regions { region.deallocate() }
    }

    /// The address of a region of `bytes`; nil if it is not there and is not to be made.
    func region(_ index: Int, bytes: Int, extending: Bool) -> UnsafeMutableRawPointer? {
        guard extending || index < regions.count else { return nil }
        while regions.count <= index {
            let region = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes, alignment: 16)
            region.initializeMemory(as: UInt8.self, repeating: 0)
            regions.append(region)
        }
        return regions[index].baseAddress
    }

    /// Takes `slots` for `open`, all or none: SQLITE_OK, or SQLITE_BUSY if others are in its way.
    func lock(_ slots: Range<Int>, exclusively: Bool, for open: OpenFile) -> CInt {
        if exclusively {
            let isFree = slots.allSatisfy {
                open.exclusiveSlots.contains($0) || !exclusive[$0] && shared[$0] == 0
            }
            guard isFree else { return SQLITE_BUSY }
            for slot in slots {
                exclusive[slot] = true
                open.exclusiveSlots.insert(slot)
            }
        } else {
            for slot in slots where !open.sharedSlots.contains(slot) {
                guard !exclusive[slot] else { return SQLITE_BUSY }
                shared[slot] += 1
                open.sharedSlots.insert(slot)
            }
        }
        return SQLITE_OK
    }

    func unlock(_ slots: Range<Int>, for open: OpenFile) {
        for slot in slots {
            if open.exclusiveSlots.remove(slot) != nil { exclusive[slot] = false }
            if open.sharedSlots.remove(slot) != nil { shared[slot] -= 1 }
        }
    }
}
