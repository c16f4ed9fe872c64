package import Model

/// Registers a partner: its public key is its identity at the edge.
package struct AddPartner: Command {
    package static let method = "ingestion.partner.add"
    package typealias Reply = PartnerRecord

    /// 1 to 64 of `a-z 0-9 -`, beginning with a letter.
    package var id: String
    /// URNs that only this partner may ever use.
    package var sources: [String]
    /// Codes of the behaviours it is licensed to report.
    package var behaviours: [String]
    /// CURVE public key, 40 characters of Z85.
    package var publicKey: String

    package init(id: String, sources: [String], behaviours: [String], publicKey: String) {
        self.id = id
        self.sources = sources
        self.behaviours = behaviours
        self.publicKey = publicKey
    }
}

package struct ListPartners: Query {
    package static let method = "ingestion.partner.list"
    package typealias Reply = Listing<PartnerRecord>

    package init() {}
}

/// A partner as the register knows it.
package struct PartnerRecord: Codable, Sendable, Equatable {
    package var id: String
    package var sources: [String]
    package var behaviours: [String]
    package var publicKey: String
    package var counts: ReceiptCounts

    package init(
        id: String, sources: [String], behaviours: [String], publicKey: String,
        counts: ReceiptCounts = ReceiptCounts()
    ) {
        self.id = id
        self.sources = sources
        self.behaviours = behaviours
        self.publicKey = publicKey
        self.counts = counts
    }
}

/// What became of the events a partner handed in: `received` is counted before they are classified.
package struct ReceiptCounts: Codable, Sendable, Equatable {
    package var received: Int64 = 0
    package var accepted: Int64 = 0
    package var duplicate: Int64 = 0
    package var rejected: Int64 = 0

    package init() {}
}

/// Registers a resident under a key that the deployment's identity provider knows.
package struct AddResident: Command {
    package static let method = "ingestion.resident.add"
    package typealias Reply = ResidentRecord

    package var key: String

    package init(key: String) { self.key = key }
}

/// Lists residents in the order of their keys, beginning after `after`.
package struct ListResidents: Query {
    package static let method = "ingestion.resident.list"
    package typealias Reply = Listing<ResidentRecord>

    package var after: String?

    package init(after: String? = nil) { self.after = after }
}

/// Finds a resident by registration key.
package struct FindResident: Query {
    package static let method = "ingestion.resident.find"
    package typealias Reply = ResidentRecord

    package var key: String

    package init(key: String) { self.key = key }
}

package struct ResidentRecord: Codable, Sendable, Equatable {
    package var key: String
    package var resident: ResidentID

    package init(key: String, resident: ResidentID) {
        self.key = key
        self.resident = resident
    }
}

/// Binds residents to partners, a thousand rows at a time; residents not yet known are registered.
///
/// A row that stands already is left as it is; a subject that is bound to another resident refuses
/// the whole request, naming the row.
package struct ImportBindings: Command {
    package static let method = "ingestion.binding.import"

    package struct Row: Codable, Sendable, Equatable {
        package var partner: String
        /// nil: the one the resident has there, else one derived from the deployment's subject key.
        package var subject: String?
        /// The resident's registration key.
        package var resident: String

        package init(partner: String, subject: String?, resident: String) {
            self.partner = partner
            self.subject = subject
            self.resident = resident
        }
    }

    package struct Reply: Codable, Sendable, Equatable {
        package var bound: Int
        package var unchanged: Int
        package var residentsAdded: Int
        /// The subject of each row, in order.
        package var subjects: [String]

        package init(bound: Int, unchanged: Int, residentsAdded: Int, subjects: [String]) {
            self.bound = bound
            self.unchanged = unchanged
            self.residentsAdded = residentsAdded
            self.subjects = subjects
        }
    }

    package static let rowsMax = 1_000

    package var rows: [Row]

    package init(rows: [Row]) { self.rows = rows }
}

/// Shows whom a partner's subject stands for, and what is consented to.
package struct ShowBinding: Query {
    package static let method = "ingestion.binding.show"
    package typealias Reply = BindingRecord

    package var partner: String
    package var subject: String

    package init(partner: String, subject: String) {
        self.partner = partner
        self.subject = subject
    }
}

package struct BindingRecord: Codable, Sendable, Equatable {
    package struct Consent: Codable, Sendable, Equatable {
        /// nil: every behaviour that no other entry names.
        package var behaviour: String?
        /// First moment covered; nil: from the beginning of time.
        package var from: Instant?
        /// First moment no longer covered; nil: open.
        ///
        /// Where it is `from`, nothing is covered.
        package var until: Instant?

        package init(behaviour: String?, from: Instant?, until: Instant?) {
            self.behaviour = behaviour
            self.from = from
            self.until = until
        }
    }

    package var partner: String
    package var subject: String
    package var resident: ResidentID
    package var consents: [Consent]

    package init(partner: String, subject: String, resident: ResidentID, consents: [Consent]) {
        self.partner = partner
        self.subject = subject
        self.resident = resident
        self.consents = consents
    }
}

/// Opens or ends a resident's consent that a partner may report.
///
/// A binding opens one for every behaviour, from the beginning of time. Ending it takes effect for
/// event times from `at` on; what was accepted before stays.
package struct ChangeConsent: Command {
    package static let method = "ingestion.consent.change"
    package typealias Reply = BindingRecord

    package var partner: String
    /// The resident's registration key.
    package var resident: String
    /// nil: every behaviour.
    package var behaviour: String?
    package var granted: Bool
    /// nil: ingestion's now.
    package var at: Instant?

    package init(
        partner: String, resident: String, behaviour: String?, granted: Bool, at: Instant?
    ) {
        self.partner = partner
        self.resident = resident
        self.behaviour = behaviour
        self.granted = granted
        self.at = at
    }
}

/// Shows ingestion's clock.
package struct ShowClock: Query {
    package static let method = "ingestion.clock.show"
    package typealias Reply = ClockRecord

    package init() {}
}

/// Moves a manual clock forward, or confirms a leap of a system clock.
package struct MoveClock: Command {
    package static let method = "ingestion.clock.move"
    package typealias Reply = ClockRecord

    package enum Move: Codable, Sendable, Equatable {
        /// Manual clocks only; never backwards.
        case set(Instant)
        /// Manual clocks only.
        case advance(milliseconds: Int64)
        /// System clocks that stopped because they leapt more than 48 hours.
        case confirm
    }

    package var move: Move

    package init(move: Move) { self.move = move }
}

package struct ClockRecord: Codable, Sendable, Equatable {
    package enum Kind: String, Codable, Sendable {
        case system
        case manual
    }

    package var kind: Kind
    package var now: Instant
    /// The same moment in RFC 3339.
    package var time: String
    /// The last local day that was ended, `2026-08-10`.
    package var lastDayEnded: String?
    /// A leap waits for `greenctl clock confirm`.
    package var stopped: Bool

    package init(kind: Kind, now: Instant, lastDayEnded: LocalDay?, stopped: Bool) {
        self.kind = kind
        self.now = now
        self.time = now.rfc3339
        self.lastDayEnded = lastDayEnded?.description
        self.stopped = stopped
    }
}
