import GRDB
package import Model
import Storage

/// What a store knows of the registry it has scored by: a published version never changes under it.
///
/// The log that was published could not be rebuilt from its input otherwise.
enum RegistryPins {
    /// Checks `registry` against the pins, adds what is new, and says which row each version has.
    ///
    /// Throws `RegistryRefused`, having changed nothing, if `registry` would rewrite the past.
    static func pin(
        _ registry: MethodologyRegistry, city: String, in database: Database
    ) throws -> [MethodVersion.ID: Int32] {
        try pin(city: city, of: registry, in: database)
        let decided = try decidedDays(in: database)
        var rows: [MethodVersion.ID: Int32] = [:]
        for pin in try pins(in: database) {
            try check(pin, against: registry, city: city, decided: decided, in: database)
            rows[pin.id] = pin.row
        }
        for version in registry.versions where rows[version.id] == nil {
            if version.isActive, version.field.city == city, let day = decided[version.field],
                version.validFrom <= day
            {
                throw RegistryRefused(
                    file: registry.file,
                    violation: .beginsTooEarly(
                        version.id, validFrom: version.validFrom, decidedThrough: day))
            }
            rows[version.id] = try insert(version, in: database)
        }
        return rows
    }

    private struct Pin {
        var row: Int32
        var id: MethodVersion.ID
        var fingerprint: [UInt8]
        var validTo: LocalDay?
    }

    private static func check(
        _ pin: Pin, against registry: MethodologyRegistry, city: String,
        decided: [MethodVersion.Field: LocalDay], in database: Database
    ) throws {
        func refused(_ violation: RegistryRefused.Violation) -> RegistryRefused {
            RegistryRefused(file: registry.file, violation: violation)
        }
        guard let version = registry.version(pin.id) else { throw refused(.removed(pin.id)) }
        guard version.fingerprint == pin.fingerprint else { throw refused(.changed(pin.id)) }
        guard version.validTo != pin.validTo else { return }
        // A version may be ended so that a successor can begin, but only in the days to come.
        if version.isActive, version.field.city == city, let day = decided[version.field] {
            let change = [version.validTo, pin.validTo].compactMap { $0 }.min()
            if let change, change < day {
                throw refused(.lastDayMoved(pin.id, decidedThrough: day))
            }
        }
        try database.execute(
            sql: "UPDATE method_version SET valid_to = ? WHERE id = ?",
            arguments: [version.validTo?.rawValue, pin.row])
    }

    private static func pin(
        city: String, of registry: MethodologyRegistry, in database: Database
    ) throws {
        guard registry.hasActiveVersions(in: city) else {
            throw RegistryRefused(file: registry.file, violation: .nothingActive(city: city))
        }
        if let kept = try String.fetchOne(database, sql: "SELECT code FROM city WHERE id = 1") {
            guard kept == city else {
                throw RegistryRefused(
                    file: registry.file, violation: .otherCity(kept: kept, wanted: city))
            }
            return
        }
        try database.execute(sql: "INSERT INTO city (id, code) VALUES (1, ?)", arguments: [city])
    }

    private static func pins(in database: Database) throws -> [Pin] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT id, method, version, fingerprint, valid_to FROM method_version
                ORDER BY method, version
                """
        ).map { row in
            Pin(
                row: row[0], id: MethodVersion.ID(method: row[1], version: row[2]),
                fingerprint: (row[3] as DatabaseBytes).bytes,
                validTo: (row[4] as Int32?).map { LocalDay($0) })
        }
    }

    private static func insert(_ version: MethodVersion, in database: Database) throws -> Int32 {
        try database.execute(
            sql: """
                INSERT INTO method_version (method, version, period, fingerprint, valid_to)
                VALUES (?, ?, ?, ?, ?)
                """,
            arguments: [
                version.id.method, version.id.version, version.period.rawValue,
                DatabaseBytes(version.fingerprint), version.validTo?.rawValue,
            ])
        return Int32(database.lastInsertedRowID)
    }

    /// The latest day decided of each field; the store's own city is the only one it decides for.
    private static func decidedDays(
        in database: Database
    ) throws -> [MethodVersion.Field: LocalDay] {
        var days: [MethodVersion.Field: LocalDay] = [:]
        let rows = try Row.fetchCursor(
            database,
            sql: """
                SELECT city.code, behaviour.text, unit.text, decided_day.day
                FROM decided_day
                JOIN word AS behaviour ON behaviour.id = decided_day.behaviour
                JOIN word AS unit ON unit.id = decided_day.unit
                JOIN city
                """)
        while let row = try rows.next() {
            let field = MethodVersion.Field(city: row[0], behaviour: row[1], unit: row[2])
            days[field] = LocalDay(row[3] as Int32)
        }
        return days
    }
}

/// A registry that contradicts what the store has already decided by: the start is refused.
package struct RegistryRefused: Error, Equatable {
    package enum Violation: Equatable, Sendable {
        /// A published version has other content than it had.
        case changed(MethodVersion.ID)
        /// A published version is no longer there.
        case removed(MethodVersion.ID)
        /// A published version would end, or not have ended, on a day already decided.
        case lastDayMoved(MethodVersion.ID, decidedThrough: LocalDay)
        /// A new version would apply to days already decided.
        case beginsTooEarly(MethodVersion.ID, validFrom: LocalDay, decidedThrough: LocalDay)
        /// The store scores for another city.
        case otherCity(kept: String, wanted: String)
        /// The registry has nothing to score by.
        case nothingActive(city: String)
    }

    package var file: String
    package var violation: Violation
}

extension RegistryRefused: CustomStringConvertible {
    /// One line, with what to do.
    package var description: String {
        switch violation {
        case .changed(let id):
            "\(file): \(id): this version was published with other content; put it back and "
                + "publish the change as a new version"
        case .removed(let id):
            "\(file): \(id): this version was published and is missing; put it back"
        case .lastDayMoved(let id, let day):
            "\(file): \(id): valid_to cannot move to or from a day before \(day), which is decided"
        case .beginsTooEarly(let id, let validFrom, let day):
            "\(file): \(id): valid_from \(validFrom) is not after \(day), which is decided; begin "
                + "later"
        case .otherCity(let kept, let wanted):
            "\(file): the store scores for \(kept), not for \(wanted)"
        case .nothingActive(let city):
            "\(file): no active version is for the city \(city)"
        }
    }
}
