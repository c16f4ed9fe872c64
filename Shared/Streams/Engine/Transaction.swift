package import GRDB
package import Messages
package import Model

/// One transaction of the writer: the store, and the log that commits with it.
package final class Transaction {
    package let database: Database
    private let log: EventLog
    private let recorded: Instant
    private let cursors: (StreamName, Int) -> UInt64

    init(
        database: Database, log: EventLog, recorded: Instant,
        cursors: @escaping (StreamName, Int) -> UInt64
    ) {
        self.database = database
        self.log = log
        self.recorded = recorded
        self.cursors = cursors
    }

    /// How many partitions the deployment has.
    package var partitionCount: Int { log.partitionCount }

    /// Appends `event` to the service's own log and returns the sequence it has there.
    ///
    /// `milligrams` and `points` are what the event adds to the partition's control totals.
    @discardableResult
    package func emit(
        _ event: some StreamEvent, to partition: Int, milligrams: Milligrams = .zero,
        points: Points = .zero
    ) throws -> UInt64 {
        try log.append(
            event, to: partition, milligrams: milligrams.rawValue,
            points: points.rawValue, recorded: recorded, in: database)
    }

    /// The sequence that the next event emitted to `partition` will have.
    package func nextSequence(in partition: Int) -> UInt64 { log.nextSequence(in: partition) }

    /// The last event of `stream` applied in `partition`: what a decision has followed.
    package func inputCursor(of stream: StreamName, partition: Int) -> UInt64 {
        cursors(stream, partition)
    }
}
