#include "write_ahead.h"

#include <sqlite3.h>
#include <string.h>

/* SQLite's own files take less than 128 KiB in one call. */
enum { kept_bytes_max = 120 << 10 };

/* Stands between SQLite and one WAL file: the file's methods point to it. */
typedef struct {
    /* First, so that a file leads to its gatherer. */
    sqlite3_io_methods methods;
    const sqlite3_io_methods *inner;
    /* Where in the file the kept bytes belong. */
    sqlite3_int64 start;
    int length;
    char kept[kept_bytes_max];
} Gatherer;

static Gatherer *gatherer_of(sqlite3_file *file) { return (Gatherer *)file->pMethods; }

/* What cannot be written is dropped: SQLite hears of it and takes the commit back. */
static int pass_on(sqlite3_file *file) {
    Gatherer *gatherer = gatherer_of(file);
    int length = gatherer->length;
    gatherer->length = 0;
    if (length == 0) return SQLITE_OK;
    return gatherer->inner->xWrite(file, gatherer->kept, length, gatherer->start);
}

static int gather(sqlite3_file *file, const void *bytes, int count, sqlite3_int64 offset) {
    Gatherer *gatherer = gatherer_of(file);
    int fits = offset == gatherer->start + gatherer->length &&
        count <= kept_bytes_max - gatherer->length;
    if (!fits) {
        int code = pass_on(file);
        if (code != SQLITE_OK) return code;
        if (count > kept_bytes_max) return gatherer->inner->xWrite(file, bytes, count, offset);
        gatherer->start = offset;
    }
    memcpy(gatherer->kept + gatherer->length, bytes, (size_t)count);
    gatherer->length += count;
    return SQLITE_OK;
}

static int read_file(sqlite3_file *file, void *bytes, int count, sqlite3_int64 offset) {
    int code = pass_on(file);
    return code == SQLITE_OK ? gatherer_of(file)->inner->xRead(file, bytes, count, offset) : code;
}

static int truncate_file(sqlite3_file *file, sqlite3_int64 size) {
    int code = pass_on(file);
    return code == SQLITE_OK ? gatherer_of(file)->inner->xTruncate(file, size) : code;
}

static int sync_file(sqlite3_file *file, int flags) {
    int code = pass_on(file);
    return code == SQLITE_OK ? gatherer_of(file)->inner->xSync(file, flags) : code;
}

static int size_of_file(sqlite3_file *file, sqlite3_int64 *size) {
    int code = pass_on(file);
    return code == SQLITE_OK ? gatherer_of(file)->inner->xFileSize(file, size) : code;
}

static int close_file(sqlite3_file *file) {
    Gatherer *gatherer = gatherer_of(file);
    /* What is still kept was never synced: no commit has it. */
    file->pMethods = gatherer->inner;
    sqlite3_free(gatherer);
    return file->pMethods->xClose(file);
}

static int wal_of(void *connection, sqlite3_file **wal) {
    *wal = 0;
    int code = sqlite3_file_control(
        (sqlite3 *)connection, "main", SQLITE_FCNTL_JOURNAL_POINTER, wal);
    if (code != SQLITE_OK) return code;
    return *wal && (*wal)->pMethods ? SQLITE_OK : SQLITE_MISUSE;
}

int greenseason_gather_wal(void *connection) {
    sqlite3_file *wal;
    int code = wal_of(connection, &wal);
    if (code != SQLITE_OK) return code;
    Gatherer *gatherer = sqlite3_malloc(sizeof *gatherer);
    if (!gatherer) return SQLITE_NOMEM;
    gatherer->inner = wal->pMethods;
    gatherer->methods = *wal->pMethods;
    gatherer->methods.xClose = close_file;
    gatherer->methods.xRead = read_file;
    gatherer->methods.xWrite = gather;
    gatherer->methods.xTruncate = truncate_file;
    gatherer->methods.xSync = sync_file;
    gatherer->methods.xFileSize = size_of_file;
    gatherer->start = 0;
    gatherer->length = 0;
    wal->pMethods = &gatherer->methods;
    return SQLITE_OK;
}

int greenseason_lengthen_wal(void *connection, long long bytes) {
    static const char zeros[1 << 16];
    sqlite3_file *wal;
    sqlite3_int64 size = 0;
    int code = wal_of(connection, &wal);
    if (code != SQLITE_OK) return code;
    code = wal->pMethods->xFileSize(wal, &size);
    while (code == SQLITE_OK && size < bytes) {
        sqlite3_int64 left = bytes - size;
        int piece = left < (sqlite3_int64)sizeof zeros ? (int)left : (int)sizeof zeros;
        code = wal->pMethods->xWrite(wal, zeros, piece, size);
        size += piece;
    }
    return code == SQLITE_OK ? wal->pMethods->xSync(wal, SQLITE_SYNC_NORMAL) : code;
}
