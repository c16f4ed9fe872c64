import GRDB
import Model
import Storage

/// The clock and the keys a store was created with.
extension IngestionStore {
    struct Deployment {
        var secretsFingerprint: [UInt8]
        var clock: CityClock
    }

    static func deployment(in database: Database) throws -> Deployment? {
        guard
            let row = try Row.fetchOne(
                database,
                sql: "SELECT secrets, clock, reached_ms, first_day FROM deployment WHERE id = 1"),
            let kind = CityClock.Kind(rawValue: row[1])
        else { return nil }
        let lastDays = try Int32.fetchAll(
            database, sql: "SELECT day FROM day_ended ORDER BY partition")
        return Deployment(
            secretsFingerprint: (row[0] as DatabaseBytes).bytes,
            clock: CityClock(
                kind: kind, reached: (row[2] as Int64?).map { Instant(milliseconds: $0) },
                firstDay: (row[3] as Int32?).map { LocalDay($0) },
                lastDays: lastDays.map { LocalDay($0) }))
    }

    static func create(_ deployment: Deployment, in database: Database) throws {
        try database.execute(
            sql: "INSERT INTO deployment (id, secrets, clock) VALUES (1, ?, ?)",
            arguments: [
                DatabaseBytes(deployment.secretsFingerprint), deployment.clock.kind.rawValue,
            ])
        try save(deployment.clock, in: database)
    }

    static func save(_ clock: CityClock, in database: Database) throws {
        try database.cachedStatement(
            sql: "UPDATE deployment SET reached_ms = ?, first_day = ? WHERE id = 1"
        ).execute(arguments: [clock.reached?.rawValue, clock.firstDay?.rawValue])
        for (partition, day) in clock.lastDays.enumerated() {
            try database.cachedStatement(
                sql: """
                    INSERT INTO day_ended (partition, day) VALUES (?, ?)
                    ON CONFLICT (partition) DO UPDATE SET day = excluded.day
                    """
            ).execute(arguments: [partition, day.rawValue])
        }
    }
}
