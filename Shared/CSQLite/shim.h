#ifndef GREENSEASON_CSQLITE_SHIM_H
#define GREENSEASON_CSQLITE_SHIM_H

#include <sqlite3.h>

/* sqlite3_db_config is variadic, which Swift cannot call. A reader that closes last would otherwise
   checkpoint; only the writing connection may (the WAL-reset bug of SQLite before 3.51.3). */
static inline int greenseason_no_checkpoint_on_close(void *connection) {
    return sqlite3_db_config((sqlite3 *)connection, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)0);
}

/* Writes zeros behind the end of the connection's WAL until it has `bytes`. To SQLite they are what is
   left of an earlier round of the WAL. */
static inline int greenseason_lengthen_wal(void *connection, sqlite3_int64 bytes) {
    static const char zeros[1 << 16];
    sqlite3_file *wal = 0;
    sqlite3_int64 size = 0;
    int code = sqlite3_file_control(
        (sqlite3 *)connection, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal);
    if (code != SQLITE_OK) return code;
    if (!wal || !wal->pMethods) return SQLITE_MISUSE;
    code = wal->pMethods->xFileSize(wal, &size);
    while (code == SQLITE_OK && size < bytes) {
        sqlite3_int64 left = bytes - size;
        int piece = left < (sqlite3_int64)sizeof zeros ? (int)left : (int)sizeof zeros;
        code = wal->pMethods->xWrite(wal, zeros, piece, size);
        size += piece;
    }
    return code == SQLITE_OK ? wal->pMethods->xSync(wal, SQLITE_SYNC_NORMAL) : code;
}

#endif
