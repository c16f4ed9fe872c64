package import GRDB
import Model
import Storage
import Streams

/// All of ingestion's SQL: the register, the clock, and what is kept of accepted events.
///
/// The register is primary truth and never leaves this store. What is kept of events is beside the
/// log, because the log is for ever and a person's traces are not.
package enum IngestionStore {
    /// The tables of ingestion's store.
    package static let migrations = StreamTables.migrations { migrator in
        migrator.registerMigration("ingestion 0001 clock, register, accepted events") {
            try $0.execute(sql: deploymentTables)
            try $0.execute(sql: registerTables)
            try $0.execute(sql: eventTables)
        }
    }

    private static let deploymentTables = """
        CREATE TABLE deployment (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            -- Of the keys under which everything here is named.
            secrets BLOB NOT NULL CHECK (length(secrets) = 32),
            clock TEXT NOT NULL CHECK (clock IN ('system', 'manual')),
            reached_ms INTEGER,
            first_day INTEGER
        ) STRICT;

        CREATE TABLE day_ended (
            partition INTEGER PRIMARY KEY,
            day INTEGER NOT NULL
        ) STRICT;
        """

    private static let registerTables = """
        CREATE TABLE partner (
            number INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            public_key TEXT NOT NULL UNIQUE CHECK (length(public_key) = 40)
        ) STRICT;

        CREATE TABLE partner_count (
            partner INTEGER PRIMARY KEY REFERENCES partner (number),
            received INTEGER NOT NULL DEFAULT 0,
            accepted INTEGER NOT NULL DEFAULT 0 CHECK (accepted >= 0),
            duplicate INTEGER NOT NULL DEFAULT 0 CHECK (duplicate >= 0),
            rejected INTEGER NOT NULL DEFAULT 0 CHECK (rejected >= 0),
            CHECK (received = accepted + duplicate + rejected)
        ) STRICT;

        -- A source belongs to one partner for ever.
        CREATE TABLE source (
            number INTEGER PRIMARY KEY,
            urn TEXT NOT NULL UNIQUE,
            partner INTEGER NOT NULL REFERENCES partner (number)
        ) STRICT;

        -- Valid from the first moment, up to but not including the last; NULL is open.
        CREATE TABLE licence (
            partner INTEGER NOT NULL REFERENCES partner (number),
            behaviour TEXT NOT NULL,
            from_ms INTEGER,
            until_ms INTEGER,
            PRIMARY KEY (partner, behaviour)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE resident (
            resident INTEGER PRIMARY KEY CHECK (resident > 0),
            key TEXT NOT NULL UNIQUE
        ) STRICT;

        CREATE TABLE binding (
            partner INTEGER NOT NULL REFERENCES partner (number),
            subject TEXT NOT NULL,
            resident INTEGER NOT NULL REFERENCES resident (resident),
            PRIMARY KEY (partner, subject)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX binding_resident ON binding (partner, resident);

        -- What was said, in order. Of the changes that concern a behaviour and do not begin later
        -- than a moment, the last one decides about that moment.
        CREATE TABLE consent_change (
            number INTEGER PRIMARY KEY,
            partner INTEGER NOT NULL REFERENCES partner (number),
            resident INTEGER NOT NULL REFERENCES resident (resident),
            behaviour TEXT,   -- NULL: every behaviour
            at_ms INTEGER,    -- NULL: from the beginning of time
            granted INTEGER NOT NULL CHECK (granted IN (0, 1))
        ) STRICT;
        CREATE INDEX consent_change_resident ON consent_change (partner, resident);
        """

    private static let eventTables = """
        -- Duplicates (see DuplicateIndex): the event of the n-th id has the sequence first + n.
        CREATE TABLE accepted_ids (
            row INTEGER PRIMARY KEY,
            partition INTEGER NOT NULL,
            first INTEGER NOT NULL CHECK (first > 0),
            ids BLOB NOT NULL CHECK (length(ids) > 0 AND length(ids) % 16 = 0),
            contents BLOB NOT NULL CHECK (length(contents) = length(ids))
        ) STRICT;

        -- What must not enter the log, by the event's place in it; a row can be erased.
        CREATE TABLE accepted_event (
            place INTEGER PRIMARY KEY,   -- partition * 2^48 + sequence
            source INTEGER NOT NULL,
            id TEXT NOT NULL,
            reference TEXT,
            vehicle TEXT,
            serial TEXT
        ) STRICT;
        """
}

/// Where an event stands in ingestion's log, as one integer: the key of `accepted_event`.
///
/// Sequences of one partition are neighbours, so that rows are appended.
package struct EventPlace: RawRepresentable, Hashable, Sendable {
    package let rawValue: Int64

    private static let sequenceBits: Int64 = 48

    package init(rawValue: Int64) { self.rawValue = rawValue }

    package init(partition: Int, sequence: UInt64) {
        precondition(sequence < 1 << UInt64(Self.sequenceBits), "sequences have 48 bits")
        rawValue = Int64(partition) << Self.sequenceBits | Int64(sequence)
    }

    package var partition: Int { Int(rawValue >> Self.sequenceBits) }
    package var sequence: UInt64 { UInt64(rawValue & (1 << Self.sequenceBits - 1)) }
}
