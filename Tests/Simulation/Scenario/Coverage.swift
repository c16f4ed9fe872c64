/// What happened, and how often: a run that never met a transition has not tried it.
package struct Coverage: Sendable, Equatable {
    /// Everything that a good run meets at least once.
    package enum Milestone: String, Sendable, CaseIterable {
        // The subscriber's table, protocol section 3.
        case caughtUp = "catching up -> live"
        case gapFound = "live -> catching up"
        case pageWithBlocks = "page with blocks"
        case pageUpToDate = "page: up to date"
        case spliced = "live blocks spliced behind a page"
        case liveDelivered = "live block delivered"
        case oldBlockDropped = "block behind the cursor dropped"
        case pagesRenewed = "overdue page: DEALER renewed"
        case allRenewed = "silence or new boot: both sockets renewed"
        case stoppedAhead = "stopped: the publisher has lost events"
        case stoppedForked = "stopped: forked"
        case stoppedTwoBoots = "stopped: two processes, one log"
        // Commits.
        case committed = "transaction committed"
        case commitRetried = "transaction failed and was tried again"
        case commitSurvivedDeath = "commit on disk although its process died in it"
        case commitLost = "commit gone with the process that died in it"
        case bootRefused = "start on a failing disk"
        case booted = "process started"
        // The partners' edge.
        case accepted = "receipt: accepted"
        case duplicate = "receipt: duplicate"
        case rejected = "receipt: rejected"
        case conflicting = "receipt: conflict"
        case busy = "edge: busy"
        case unavailable = "edge: unavailable"
        case badFrame = "edge: bad frame, verb or JSON"
        case resent = "events sent again"
        // Requests.
        case commandDone = "command: ok"
        case commandRefused = "command: refused"
        case commandRepeated = "command under its key again: same reply"
        case commandConflict = "other command under a used key: conflict"
        // The city.
        case dayEnded = "day ended"
        case clockStopped = "clock stopped by a leap"
        case orderFilled = "order filled"
        case orderCancelled = "order cancelled"
        case pointsExpired = "points expired"
        case profilePublished = "profile published"
        case settled = "everything at its head"
    }

    private(set) package var milestones: [Milestone: Int] = [:]
    /// Faults that struck, by kind.
    private(set) package var faults: [String: Int] = [:]
    /// Deaths, by the boundary at which they struck.
    private(set) package var deaths: [Fault.Boundary: Int] = [:]

    package init() {}

    mutating func reach(_ milestone: Milestone, _ count: Int = 1) {
        if count > 0 { milestones[milestone, default: 0] += count }
    }

    mutating func strike(_ fault: Fault.Kind) { faults[fault.label, default: 0] += 1 }

    mutating func die(at boundary: Fault.Boundary) { deaths[boundary, default: 0] += 1 }

    package mutating func add(_ other: Coverage) {
        milestones.merge(other.milestones, uniquingKeysWith: +)
        faults.merge(other.faults, uniquingKeysWith: +)
        deaths.merge(other.deaths, uniquingKeysWith: +)
    }

    /// What was never met.
    package var missing: [String] {
        Milestone.allCases.filter { milestones[$0] == nil }.map(\.rawValue)
            + Fault.Boundary.allCases.filter { deaths[$0] == nil }.map { "death at: \($0)" }
            + Self.faultLabels.filter { faults[$0] == nil }.map { "fault: \($0)" }
    }

    package static let faultLabels = [
        "kill", "powerLoss", "blackout", "stall", "diskFull", "diskErrors", "drop", "repeated",
        "deafFeed", "deafPages", "slowPages", "requestsLost", "requestsDoubled", "cutPartners",
        "overdraft", "nonsense", "restore", "rogue", "clockLeap",
    ]

    /// A table for people, most frequent first within each part.
    package var lines: [String] {
        func rows(_ pairs: [(String, Int)]) -> [String] {
            pairs.sorted { ($1.1, $0.0) < ($0.1, $1.0) }.map { name, count in
                let digits = String(count)
                return String(repeating: " ", count: max(0, 12 - digits.count)) + digits + "  "
                    + name
            }
        }
        return rows(milestones.map { ($0.key.rawValue, $0.value) })
            + rows(deaths.map { ("death at: \($0.key)", $0.value) })
            + rows(faults.map { ("fault: \($0.key)", $0.value) })
            + missing.map { "           0  \($0)" }
    }
}
