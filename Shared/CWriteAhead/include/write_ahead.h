#ifndef GREENSEASON_WRITE_AHEAD_H
#define GREENSEASON_WRITE_AHEAD_H

/* How a connection writes its WAL. `connection` is an sqlite3 *, in WAL mode and with
   synchronous = FULL; what is answered is an SQLite result code. */

/* Hands what SQLite writes to the WAL to the system in large pieces.

   SQLite writes a frame in two calls, a header of 24 bytes and a page, and a commit of a thousand events
   has hundreds of frames: the calls were a sixth of a service's time at small commits. What lies side by
   side is kept until the sync. With synchronous = FULL SQLite tells nobody of a commit's frames before
   their sync, so nobody can miss what is still kept; a process that dies has not committed it. */
int greenseason_gather_wal(void *connection);

/* Writes zeros behind the end of the WAL until it has `bytes`, and syncs it. To SQLite they are what is
   left of an earlier round of the WAL. */
int greenseason_lengthen_wal(void *connection, long long bytes);

#endif
