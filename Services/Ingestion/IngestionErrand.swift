package import Model

/// What reaches ingestion's writer besides commands: partners' batches, and the time.
package enum IngestionErrand: Sendable {
    case batch(PartnerBatch)
    /// A reading of this machine's clock; to be sent at the start and every few seconds.
    case tick(Instant)
}

/// What an errand came to, once it is on disk.
package enum IngestionResult: Sendable, Equatable {
    /// One for each event of the batch, in order.
    case receipts([Receipt])
    /// Nothing was done, and the same may be sent again: the clock has no time, or waits to be
    /// confirmed.
    case unavailable
    case ticked
}

/// What became of one event.
package enum Receipt: Sendable, Equatable {
    case accepted(partition: Int, sequence: UInt64)
    /// It is the same as the accepted event at this place.
    case duplicate(partition: Int, sequence: UInt64)
    case rejected(Rejection)
}
