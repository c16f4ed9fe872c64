import GRDB

/// A version as the store keeps it, by its row.
struct PublishedVersion {
    let id: MethodVersion.ID
    let period: CapPeriod

    static func all(in database: Database) throws -> [Int32: PublishedVersion] {
        let rows = try Row.fetchAll(
            database, sql: "SELECT id, method, version, period FROM method_version")
        return Dictionary(
            uniqueKeysWithValues: rows.map { row in
                guard let period = CapPeriod(rawValue: row[3]) else {
                    preconditionFailure("the table admits day, month and year only")
                }
                let id = MethodVersion.ID(method: row[1], version: row[2])
                return (row[0], PublishedVersion(id: id, period: period))
            })
    }
}
