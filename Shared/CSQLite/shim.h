#ifndef GREENSEASON_CSQLITE_SHIM_H
#define GREENSEASON_CSQLITE_SHIM_H

#include <sqlite3.h>

/* sqlite3_db_config is variadic, which Swift cannot call. A reader that closes last would otherwise
   checkpoint; only the writing connection may (the WAL-reset bug of SQLite before 3.51.3). */
static inline int greenseason_no_checkpoint_on_close(void *connection) {
    return sqlite3_db_config((sqlite3 *)connection, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)0);
}

#endif
