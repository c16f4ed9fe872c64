/* One stage's SQLite store: WAL, synchronous FULL, statements bound directly. */
#ifndef FLOOR_STORE_H
#define FLOOR_STORE_H

#include <sqlite3.h>
#include <stdint.h>

struct store {
    sqlite3 *database;
    sqlite3_stmt *begin, *commit;
};

/* Ends the program with a line on standard error: the floor has no failures to live with. */
_Noreturn void fail(const char *what, const char *why);

struct store store_open(const char *folder, const char *name, const char *schema);
sqlite3_stmt *prepare(struct store *store, const char *sql);
/* Runs a statement that answers no rows, and makes it ready for its next values. */
void run(sqlite3_stmt *statement);
int64_t ask(struct store *store, const char *sql);

#endif
