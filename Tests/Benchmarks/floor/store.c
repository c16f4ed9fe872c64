#include "store.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void fail(const char *what, const char *why) {
    fprintf(stderr, "floor: %s: %s\n", what, why);
    exit(1);
}

static void execute(struct store *store, const char *sql) {
    if (sqlite3_exec(store->database, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail(sql, sqlite3_errmsg(store->database));
}

struct store store_open(const char *folder, const char *name, const char *schema) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s.sqlite", folder, name);
    struct store store = {0};
    if (sqlite3_open(path, &store.database) != SQLITE_OK) fail(path, "cannot be opened");
    execute(&store, "PRAGMA journal_mode = WAL");
    execute(&store, "PRAGMA synchronous = FULL");
    execute(&store, "PRAGMA wal_autocheckpoint = 4000");
    execute(&store, "PRAGMA cache_size = -65536");
    execute(&store, schema);
    store.begin = prepare(&store, "BEGIN IMMEDIATE");
    store.commit = prepare(&store, "COMMIT");
    return store;
}

sqlite3_stmt *prepare(struct store *store, const char *sql) {
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v3(
            store->database, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) != SQLITE_OK)
        fail(sql, sqlite3_errmsg(store->database));
    return statement;
}

void run(sqlite3_stmt *statement) {
    if (sqlite3_step(statement) != SQLITE_DONE)
        fail(sqlite3_sql(statement), sqlite3_errmsg(sqlite3_db_handle(statement)));
    sqlite3_reset(statement);
}

int64_t ask(struct store *store, const char *sql) {
    sqlite3_stmt *statement = prepare(store, sql);
    if (sqlite3_step(statement) != SQLITE_ROW) fail(sql, sqlite3_errmsg(store->database));
    int64_t answer = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return answer;
}
