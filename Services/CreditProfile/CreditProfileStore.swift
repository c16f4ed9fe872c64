package import GRDB
import Model
import Streams

/// The tables of CreditProfile and the statements on them.
package enum CreditProfileStore {
    package enum Limits {
        /// Behaviours that can be told apart: a bit of a positive integer each.
        package static let behavioursMax = 63
    }

    /// The tables of credit-profile's store.
    ///
    /// `day_sum` is clustered by (day, resident): what a city does on one day lies together, and a
    /// transaction dirties that day's few pages instead of one for each resident. The price is paid
    /// by the question, which looks up each day of its window: 365 look-ups, 0.1 to 0.3 ms.
    package static let migrations = StreamTables.migrations { migrator in
        migrator.registerMigration("credit-profile 0001 sums, consents, profiles") {
            try $0.execute(
                sql: """
                    CREATE TABLE behaviour (
                        number INTEGER PRIMARY KEY CHECK (number BETWEEN 0 AND 62),
                        code TEXT NOT NULL UNIQUE
                    ) STRICT;

                    CREATE TABLE day_sum (
                        day INTEGER NOT NULL,
                        resident INTEGER NOT NULL CHECK (resident > 0),
                        milligrams INTEGER NOT NULL,
                        events INTEGER NOT NULL CHECK (events >= 0),
                        strong_events INTEGER NOT NULL
                            CHECK (strong_events BETWEEN 0 AND events),
                        reversals INTEGER NOT NULL CHECK (reversals >= 0),
                        behaviours INTEGER NOT NULL CHECK (behaviours >= 0),
                        PRIMARY KEY (day, resident)
                    ) STRICT, WITHOUT ROWID;

                    -- What was applied of each partition, and what day it has reached.
                    CREATE TABLE partition_sum (
                        partition INTEGER PRIMARY KEY,
                        awards INTEGER NOT NULL CHECK (awards >= 0),
                        milligrams INTEGER NOT NULL,
                        points INTEGER NOT NULL,
                        last_ended INTEGER,
                        latest_day INTEGER
                    ) STRICT;

                    -- Who may be scored; `since` is the day of the grant, NULL if none was known.
                    CREATE TABLE consent (
                        resident INTEGER PRIMARY KEY CHECK (resident > 0),
                        partition INTEGER NOT NULL,
                        history INTEGER NOT NULL CHECK (history IN (0, 1)),
                        since INTEGER,
                        versions INTEGER NOT NULL CHECK (versions >= 0)
                    ) STRICT;
                    CREATE INDEX consent_partition ON consent (partition);

                    -- What was published while consent lasts: gone with it, at once.
                    CREATE TABLE profile (
                        resident INTEGER NOT NULL REFERENCES consent (resident) ON DELETE CASCADE,
                        version INTEGER NOT NULL CHECK (version > 0),
                        day INTEGER NOT NULL,
                        scoring_table TEXT NOT NULL,
                        score INTEGER NOT NULL CHECK (score BETWEEN 0 AND 1000),
                        level TEXT NOT NULL,
                        PRIMARY KEY (resident, version)
                    ) STRICT, WITHOUT ROWID;

                    CREATE TABLE profile_reason (
                        resident INTEGER NOT NULL,
                        version INTEGER NOT NULL,
                        place INTEGER NOT NULL,
                        dimension TEXT NOT NULL,
                        measure INTEGER NOT NULL CHECK (measure >= 0),
                        score INTEGER NOT NULL CHECK (score BETWEEN 0 AND 200),
                        PRIMARY KEY (resident, version, place),
                        FOREIGN KEY (resident, version) REFERENCES profile (resident, version)
                            ON DELETE CASCADE
                    ) STRICT, WITHOUT ROWID;
                    """)
        }
    }

    // MARK: Sums

    static func behaviours(in database: Database) throws -> [String: Int] {
        var numbers: [String: Int] = [:]
        for row in try Row.fetchAll(database, sql: "SELECT code, number FROM behaviour") {
            numbers[row[0]] = row[1]
        }
        return numbers
    }

    static func insertBehaviour(_ code: String, number: Int, in database: Database) throws {
        try database.execute(
            sql: "INSERT INTO behaviour (number, code) VALUES (?, ?)", arguments: [number, code])
    }

    static func sums(of partition: Int, in database: Database) throws -> PartitionSums {
        let row = try Row.fetchOne(
            database.cachedStatement(
                sql: """
                    SELECT awards, milligrams, points, last_ended, latest_day FROM partition_sum
                    WHERE partition = ?
                    """),
            arguments: [partition])
        guard let row else { return PartitionSums() }
        return PartitionSums(
            awards: row[0], milligrams: Milligrams(row[1]), points: Points(row[2]),
            lastEnded: (row[3] as Int32?).map { LocalDay($0) },
            latestDay: (row[4] as Int32?).map { LocalDay($0) })
    }

    static func save(_ sums: PartitionSums, of partition: Int, in database: Database) throws {
        try database.cachedStatement(
            sql: """
                INSERT INTO partition_sum
                    (partition, awards, milligrams, points, last_ended, latest_day)
                VALUES (?, ?, ?, ?, ?, ?)
                ON CONFLICT (partition) DO UPDATE SET
                    awards = excluded.awards, milligrams = excluded.milligrams,
                    points = excluded.points, last_ended = excluded.last_ended,
                    latest_day = excluded.latest_day
                """
        ).execute(arguments: [
            partition, sums.awards, sums.milligrams.rawValue, sums.points.rawValue,
            sums.lastEnded?.rawValue, sums.latestDay?.rawValue,
        ])
    }

    /// What `resident` did from `first` to `last`, both included.
    static func measures(
        of resident: ResidentID, from first: LocalDay, to last: LocalDay, in database: Database
    ) throws -> Measures {
        var measures = Measures()
        guard first <= last else { return measures }
        let rows = try Row.fetchCursor(
            database.cachedStatement(
                sql: """
                    WITH RECURSIVE span (day) AS (
                        SELECT ? UNION ALL SELECT day + 1 FROM span WHERE day < ?)
                    SELECT milligrams, events, strong_events, reversals, behaviours
                    FROM span CROSS JOIN day_sum ON day_sum.day = span.day AND resident = ?
                    """),
            arguments: [first.rawValue, last.rawValue, resident.rawValue])
        while let row = try rows.next() {
            measures.add(
                DaySum(
                    milligrams: Milligrams(row[0]), events: row[1], strongEvents: row[2],
                    reversals: row[3], behaviours: UInt64(row[4] as Int64)))
        }
        return measures
    }

    // MARK: Consents and profiles

    static func consent(of resident: ResidentID, in database: Database) throws -> Consent? {
        try Row.fetchOne(
            database.cachedStatement(
                sql: """
                    SELECT resident, partition, history, since, versions FROM consent
                    WHERE resident = ?
                    """),
            arguments: [resident.rawValue]
        ).flatMap(consent)
    }

    /// The consents in `partition`, by resident.
    static func consents(in partition: Int, in database: Database) throws -> [Consent] {
        try Row.fetchAll(
            database.cachedStatement(
                sql: """
                    SELECT resident, partition, history, since, versions FROM consent
                    WHERE partition = ? ORDER BY resident
                    """),
            arguments: [partition]
        ).compactMap(consent)
    }

    /// All consents, by resident.
    static func consents(in database: Database) throws -> [Consent] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT resident, partition, history, since, versions FROM consent ORDER BY resident
                """
        ).compactMap(consent)
    }

    private static func consent(_ row: Row) -> Consent? {
        ResidentID(rawValue: row[0]).map {
            Consent(
                resident: $0, partition: row[1], history: row[2],
                since: (row[3] as Int32?).map { LocalDay($0) }, versions: row[4])
        }
    }

    static func save(_ consent: Consent, in database: Database) throws {
        try database.cachedStatement(
            sql: """
                INSERT INTO consent (resident, partition, history, since, versions)
                VALUES (?, ?, ?, ?, ?)
                ON CONFLICT (resident) DO UPDATE SET
                    history = excluded.history, since = excluded.since,
                    versions = excluded.versions
                """
        ).execute(arguments: [
            consent.resident.rawValue, consent.partition, consent.history,
            consent.since?.rawValue, consent.versions,
        ])
    }

    /// Deletes a consent and everything that stood on it.
    static func delete(_ consent: Consent, in database: Database) throws {
        for table in ["profile_reason", "profile", "consent"] {
            try database.cachedStatement(sql: "DELETE FROM \(table) WHERE resident = ?")
                .execute(arguments: [consent.resident.rawValue])
        }
    }

    /// The profile last published under `consent`.
    static func published(
        under consent: Consent, in database: Database
    ) throws -> Profile? {
        let place: StatementArguments = [consent.resident.rawValue, consent.versions]
        let row = try Row.fetchOne(
            database.cachedStatement(
                sql: """
                    SELECT scoring_table, score, level FROM profile
                    WHERE resident = ? AND version = ?
                    """),
            arguments: place)
        guard let row else { return nil }
        let reasons = try Row.fetchAll(
            database.cachedStatement(
                sql: """
                    SELECT dimension, measure, score FROM profile_reason
                    WHERE resident = ? AND version = ? ORDER BY place
                    """),
            arguments: place)
        return Profile(
            table: row[0], score: row[1], level: row[2],
            dimensions: reasons.map {
                Profile.Dimension(code: $0[0], measure: $0[1], score: $0[2])
            })
    }

    /// Keeps `profile` as the consent's newest version.
    static func insert(
        _ profile: Profile, on day: LocalDay, under consent: Consent, in database: Database
    ) throws {
        try database.cachedStatement(
            sql: """
                INSERT INTO profile (resident, version, day, scoring_table, score, level)
                VALUES (?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            consent.resident.rawValue, consent.versions, day.rawValue, profile.table,
            profile.score, profile.level,
        ])
        for (place, reason) in profile.dimensions.enumerated() {
            try database.cachedStatement(
                sql: """
                    INSERT INTO profile_reason
                        (resident, version, place, dimension, measure, score)
                    VALUES (?, ?, ?, ?, ?, ?)
                    """
            ).execute(arguments: [
                consent.resident.rawValue, consent.versions, place, reason.code, reason.measure,
                reason.score,
            ])
        }
    }
}
