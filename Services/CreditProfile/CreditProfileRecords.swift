package import GRDB
package import Model

/// The facts in a CreditProfile store, for the canonical dump, the audit and tests: read only.
package struct CreditProfileRecords {
    private let database: Database

    package init(_ database: Database) { self.database = database }

    /// Everyone who consents, by identity.
    package func consents() throws -> [Consent] {
        try CreditProfileStore.consents(in: database)
    }

    /// The standing of everyone who consents, as of the last day that ended, by identity.
    package func profiles(
        scoredBy table: ProfileTable
    ) throws -> [(resident: ResidentID, profile: Profile)] {
        try consents().map { consent in
            let day = try CreditProfileStore.sums(of: consent.partition, in: database).lastEnded
            return (
                consent.resident, try table.profile(under: consent, asOf: day, in: database)
            )
        }
    }

    /// The profile last published of `resident`, or nil without one or without consent.
    package func published(of resident: ResidentID) throws -> Profile? {
        guard let consent = try CreditProfileStore.consent(of: resident, in: database) else {
            return nil
        }
        return try CreditProfileStore.published(under: consent, in: database)
    }

    /// What was applied of `partition`, up to its cursor.
    package func sums(of partition: Int) throws -> PartitionSums {
        try CreditProfileStore.sums(of: partition, in: database)
    }

    /// Awards and milligrams of each partition, added up anew from the days of its residents.
    ///
    /// Points enter no profile, so no day carries them; the audit compares their sums with the
    /// publisher's.
    package func sumsOfDays(partitions: Int) throws -> [(awards: Int64, milligrams: Milligrams)] {
        var sums = Array(
            repeating: (awards: Int64(0), milligrams: Milligrams.zero), count: partitions)
        let rows = try Row.fetchCursor(
            database,
            sql: """
                SELECT resident, sum(events + reversals), sum(milligrams) FROM day_sum
                GROUP BY resident
                """)
        while let row = try rows.next() {
            guard let resident = ResidentID(rawValue: row[0]) else { continue }
            let partition = resident.partition(of: partitions)
            sums[partition].awards += row[1] as Int64
            sums[partition].milligrams += Milligrams(row[2])
        }
        return sums
    }

    /// The first thing that does not add up, in one line, or nil if everything does.
    package func firstDifference(partitions: Int) throws -> String? {
        for (partition, days) in try sumsOfDays(partitions: partitions).enumerated() {
            let applied = try sums(of: partition)
            guard days == (applied.awards, applied.milligrams) else {
                return "partition \(partition): the days hold \(days.awards) awards of "
                    + "\(days.milligrams.rawValue) mg, applied were \(applied.awards) of "
                    + "\(applied.milligrams.rawValue) mg"
            }
        }
        let broken = try Row.fetchOne(
            database,
            sql: """
                SELECT p.resident, p.version, p.score, sum(r.score) AS reasons FROM profile AS p
                LEFT JOIN profile_reason AS r
                    ON r.resident = p.resident AND r.version = p.version
                GROUP BY p.resident, p.version HAVING reasons IS NOT p.score LIMIT 1
                """)
        if let broken {
            return "resident \(broken[0] as Int64), profile \(broken[1] as Int64): the score is "
                + "\(broken[2] as Int64), its reasons come to \((broken[3] as Int64?) ?? 0)"
        }
        return nil
    }
}
