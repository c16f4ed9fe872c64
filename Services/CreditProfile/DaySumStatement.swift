import GRDB
import Model
import Storage

/// Adds a day's sums to the store: the one statement that runs for each resident and transaction.
struct DaySumStatement {
    private let statement: IntegerStatement

    init(_ database: Database) throws {
        statement = try IntegerStatement(
            """
                INSERT INTO day_sum
                    (day, resident, milligrams, events, strong_events, reversals, behaviours)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (day, resident) DO UPDATE SET
                    milligrams = milligrams + excluded.milligrams,
                    events = events + excluded.events,
                    strong_events = strong_events + excluded.strong_events,
                    reversals = reversals + excluded.reversals,
                    behaviours = behaviours | excluded.behaviours
            """, in: database)
    }

    func add(_ sum: DaySum, to resident: Int64, on day: LocalDay) throws {
        statement.bind(Int64(day.rawValue), at: 1)
        statement.bind(resident, at: 2)
        statement.bind(sum.milligrams.rawValue, at: 3)
        statement.bind(sum.events, at: 4)
        statement.bind(sum.strongEvents, at: 5)
        statement.bind(sum.reversals, at: 6)
        statement.bind(Int64(sum.behaviours), at: 7)
        try statement.run()
    }
}
