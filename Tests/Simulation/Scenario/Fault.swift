package import Greenctl

/// Something that goes wrong at a moment of a scenario.
package struct Fault: Sendable, Equatable {
    /// Where in its work a process can die.
    package enum Boundary: String, Sendable, CaseIterable {
        /// Between two turns.
        case idle
        /// Work was taken from the queue; nothing is done about it.
        case received
        /// In the middle of a commit, at one of its writes.
        case committing
        /// All is on disk; nobody was told.
        case committed
        /// Some of the blocks were published.
        case sending
        /// All blocks were published; no reply and no receipt was sent.
        case published
        /// Some of the replies and receipts were sent.
        case answering
    }

    package enum Kind: Sendable, Equatable {
        /// The process is killed where it stands; the machine goes on.
        case kill(ServiceName, Boundary)
        /// The machine loses power: what was not synced may be gone, kept, or torn.
        case powerLoss(ServiceName)
        /// All machines lose power at once.
        case blackout
        /// The process does nothing for a while.
        case stall(ServiceName, milliseconds: Int64)
        case diskFull(ServiceName, milliseconds: Int64)
        case diskErrors(ServiceName, milliseconds: Int64)
        /// The next messages of a live feed are lost, as a full pipe loses them.
        case drop(to: ServiceName, messages: Int)
        /// An old block is published once more.
        case repeated(to: ServiceName)
        /// A SUB socket dies without a word.
        case deafFeed(ServiceName)
        /// A DEALER socket dies without a word.
        case deafPages(ServiceName)
        /// Questions and pages take long.
        case slowPages(ServiceName, milliseconds: Int64)
        /// Requests to a service, and its replies, are lost for a while.
        case requestsLost(ServiceName, milliseconds: Int64)
        /// Requests to a service arrive twice for a while.
        case requestsDoubled(ServiceName, milliseconds: Int64)
        /// Partners' connections break, with what is in them.
        case cutPartners
        /// A partner sends far beyond its credit.
        case overdraft
        /// A partner sends what is no message.
        case nonsense
        /// A store is replaced by an older backup of itself, until somebody notices.
        case restore(ServiceName, milliseconds: Int64)
        /// A second process publishes the same log for a while.
        case rogue(ServiceName, milliseconds: Int64)
        /// The machine's clock leaps, ahead or back.
        case clockLeap(hours: Int64)
    }

    /// When it happens, in milliseconds of the scenario.
    package var at: Int64
    package var kind: Kind

    package init(at: Int64, _ kind: Kind) {
        self.at = at
        self.kind = kind
    }
}

extension Fault: CustomStringConvertible {
    package var description: String { "\(at) ms: \(kind)" }
}

extension Fault.Kind: CustomStringConvertible {
    package var description: String {
        switch self {
        case .kill(let service, let boundary): "\(label) \(service) at: \(boundary)"
        case .powerLoss(let service), .deafFeed(let service), .deafPages(let service),
            .repeated(let service):
            "\(label) \(service)"
        case .stall(let service, let time), .diskFull(let service, let time),
            .diskErrors(let service, let time), .slowPages(let service, let time),
            .requestsLost(let service, let time), .requestsDoubled(let service, let time),
            .restore(let service, let time), .rogue(let service, let time):
            "\(label) \(service) for \(time) ms"
        case .drop(let service, let messages): "\(label) \(messages) messages to \(service)"
        case .clockLeap(let hours): "\(label) \(hours) h"
        case .blackout, .cutPartners, .overdraft, .nonsense: label
        }
    }
}

extension Fault.Kind {
    /// The name of the kind, without what it is about: what coverage counts.
    var label: String {
        switch self {
        case .kill: "kill"
        case .powerLoss: "powerLoss"
        case .blackout: "blackout"
        case .stall: "stall"
        case .diskFull: "diskFull"
        case .diskErrors: "diskErrors"
        case .drop: "drop"
        case .repeated: "repeated"
        case .deafFeed: "deafFeed"
        case .deafPages: "deafPages"
        case .slowPages: "slowPages"
        case .requestsLost: "requestsLost"
        case .requestsDoubled: "requestsDoubled"
        case .cutPartners: "cutPartners"
        case .overdraft: "overdraft"
        case .nonsense: "nonsense"
        case .restore: "restore"
        case .rogue: "rogue"
        case .clockLeap: "clockLeap"
        }
    }
}
