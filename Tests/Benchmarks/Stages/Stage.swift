/// One part of what happens to an event, measured alone.
enum Stage: String, CaseIterable {
    /// JSON to checked reports, as the edge's thread does it.
    case decode
    /// New ids looked for in vain, then noted and written, in a `DuplicateIndex`.
    case duplicates
    /// Ingestion's writer: register, rules, duplicates, log, commit.
    case ingest
    /// Scoring's writer: decode, methodology, caps, ledger, log, commit.
    case score
    /// Rewards' writer: decode, lots, double entry, commit.
    case post
    /// CreditProfile's writer: decode, day sums, commit.
    case fold
    /// Events to protobuf, and these into a block's body.
    case encodeBlock = "encode-block"
    /// A block's body to events.
    case decodeBlock = "decode-block"
    /// SHA-256 over blocks' bodies.
    case chain
    /// SLP from publisher to the subscriber's hand: header, PUB, SUB, order and chain checked.
    case hop

    /// Whether instructions can be compared between runs: another thread's polling cannot.
    var isGuarded: Bool { self != .hop }

    /// The stages whose output this one needs.
    var prerequisites: [Stage] {
        switch self {
        case .decode, .duplicates: []
        case .ingest: [.decode]
        case .score, .encodeBlock, .decodeBlock, .chain, .hop: [.ingest]
        case .post, .fold: [.score]
        }
    }
}
