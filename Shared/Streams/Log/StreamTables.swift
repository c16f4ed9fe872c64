package import GRDB

/// The tables that every service's store has beside its own: log, cursors, dead letters, commands.
package enum StreamTables {
    /// All migrations of a service's store: these, and then those of its own.
    package static func migrations(
        with register: (inout DatabaseMigrator) -> Void = { _ in }
    ) -> DatabaseMigrator {
        var migrator = DatabaseMigrator()
        Self.register(in: &migrator)
        register(&migrator)
        return migrator
    }

    private static func register(in migrator: inout DatabaseMigrator) {
        migrator.registerMigration("streams 0001 log, cursors, dead letters, commands") {
            try $0.execute(
                sql: """
                    CREATE TABLE log_identity (
                        id INTEGER PRIMARY KEY CHECK (id = 1),
                        log BLOB NOT NULL CHECK (length(log) = 16),
                        stream TEXT NOT NULL,
                        partitions INTEGER NOT NULL CHECK (partitions > 0)
                    ) STRICT;

                    -- One row a block: the totals are cumulative and include it.
                    CREATE TABLE log_block (
                        partition INTEGER NOT NULL,
                        first INTEGER NOT NULL CHECK (first > 0),
                        count INTEGER NOT NULL CHECK (count > 0),
                        chain BLOB NOT NULL CHECK (length(chain) = 32),
                        recorded_ms INTEGER NOT NULL,
                        events INTEGER NOT NULL,
                        milligrams INTEGER NOT NULL,
                        points INTEGER NOT NULL,
                        body BLOB NOT NULL
                    ) STRICT;
                    CREATE UNIQUE INDEX log_block_place ON log_block (partition, first);

                    -- How far this service has applied what others published.
                    CREATE TABLE cursor (
                        stream TEXT NOT NULL,
                        partition INTEGER NOT NULL,
                        log BLOB NOT NULL CHECK (length(log) = 16),
                        sequence INTEGER NOT NULL CHECK (sequence > 0),
                        chain BLOB NOT NULL CHECK (length(chain) = 32),
                        PRIMARY KEY (stream, partition)
                    ) STRICT, WITHOUT ROWID;

                    CREATE TABLE dead_letter (
                        stream TEXT NOT NULL,
                        partition INTEGER NOT NULL,
                        sequence INTEGER NOT NULL,
                        reason TEXT NOT NULL,
                        event BLOB NOT NULL,
                        PRIMARY KEY (stream, partition, sequence)
                    ) STRICT;

                    -- What each command came to, kept for ever: the same key is answered the same.
                    CREATE TABLE command (
                        caller TEXT NOT NULL,
                        key BLOB NOT NULL,
                        request BLOB NOT NULL CHECK (length(request) = 32),
                        reply BLOB NOT NULL,
                        PRIMARY KEY (caller, key)
                    ) STRICT, WITHOUT ROWID;
                    """)
        }
    }
}
