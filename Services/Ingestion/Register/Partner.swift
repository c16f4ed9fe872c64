import Glibc
import Model

/// A partner as the writer's thread knows it.
struct Partner {
    var number: Int64
    var id: String
    var publicKey: String
    var sources: [Source]
    /// By the behaviour's place in the catalogue; nil: not licensed.
    var licences: [Validity?]

    struct Source {
        var number: Int64
        var urn: String
        var bytes: [UInt8]
    }

    init(_ row: IngestionStore.PartnerRow, catalogue: BehaviourCatalogue) {
        number = row.number
        id = row.id
        publicKey = row.publicKey
        sources = row.sources.map {
            Source(number: $0.number, urn: $0.urn, bytes: Array($0.urn.utf8))
        }
        licences = Array(repeating: nil, count: catalogue.behaviours.count)
        // A licence for what the catalogue no longer lists licenses nothing.
        for licence in row.licences {
            if let place = catalogue.index(of: licence.behaviour) {
                licences[place] = licence.validity
            }
        }
    }

    /// The number of the source that these bytes spell, if it is this partner's.
    func source(_ bytes: ArraySlice<UInt8>) -> Int64? {
        bytes.withUnsafeBytes { bytes in
            // Compared whole: byte by byte, this took a twelfth of what an event costs.
            sources.first { source in
                source.bytes.count == bytes.count
                    && source.bytes.withUnsafeBytes { own in
                        guard let own = own.baseAddress, let given = bytes.baseAddress else {
                            return true
                        }
                        return memcmp(own, given, bytes.count) == 0
                    }
            }?.number
        }
    }
}

/// A stretch of event time: from its first moment up to, but not including, its last.
struct Validity: Equatable, Sendable {
    /// nil: from the beginning of time.
    var from: Instant?
    /// nil: open.
    var until: Instant?

    func covers(_ moment: Instant) -> Bool {
        if let from, moment < from { return false }
        if let until, moment >= until { return false }
        return true
    }
}
