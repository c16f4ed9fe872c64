/// How much each partner may have un-receipted, over all its connections.
///
/// A window is what a partner may have on its way to the disk. It is told in every reply, and the
/// newest word replaces the former; what was sent before the word arrived is still welcome for a
/// moment. While the pipeline keeps up, everybody may have at least one full batch; when it is more
/// than half full, partners that are active share what there is.
///
/// No clock and no socket: times are milliseconds of any clock that never goes back.
package struct CreditLedger {
    package struct Window: Equatable, Sendable {
        package var events: Int
        package var bytes: Int

        package init(events: Int, bytes: Int) {
            self.events = events
            self.bytes = bytes
        }

        package static let shut = Window(events: 0, bytes: 0)
    }

    package enum Admission: Equatable {
        case admitted
        /// More than the partner may have: it did not keep to its window.
        case overdraft
        /// Too many overdrafts; everything is refused for the rest of the time.
        case suspended(milliseconds: Int64)
    }

    private struct Account {
        var inFlight = Window.shut
        var told: Window?
        var toldBefore: Window?
        var toldAt: Int64 = 0
        var lastActive: Int64 = 0
        /// When the last overdrafts happened, oldest first, at most `overdraftsMax`.
        var overdrafts: [Int64] = []
        /// Times are never negative, so at first nobody is.
        var suspendedUntil: Int64 = 0
    }

    private var accounts: [String: Account] = [:]
    private var inFlight = Window.shut
    private var activeCount = 1
    private var countedAt: Int64 = .min
    /// How much of the windows is given at all, in thousandths: less as the disk fills.
    package var permille = 1_000

    package init() {}

    /// Asks whether a message of so many events and bytes may go on, and counts it if so.
    package mutating func admit(
        _ partner: String, events: Int, bytes: Int, at now: Int64
    ) -> Admission {
        var account = accounts[partner] ?? Account()
        defer { accounts[partner] = account }
        account.lastActive = now
        if now < account.suspendedUntil {
            return .suspended(milliseconds: account.suspendedUntil - now)
        }
        var allowed = account.told ?? window(of: account, at: now)
        if let before = account.toldBefore, now - account.toldAt < PartnerLimits.graceMilliseconds {
            allowed = Window(
                events: max(allowed.events, before.events), bytes: max(allowed.bytes, before.bytes))
        }
        guard account.inFlight.events + events <= allowed.events,
            account.inFlight.bytes + bytes <= allowed.bytes
        else {
            account.overdrafts.removeAll { now - $0 >= PartnerLimits.overdraftMilliseconds }
            account.overdrafts.append(now)
            guard account.overdrafts.count >= PartnerLimits.overdraftsMax else { return .overdraft }
            account.overdrafts = []
            account.suspendedUntil = now + PartnerLimits.suspensionMilliseconds
            return .suspended(milliseconds: PartnerLimits.suspensionMilliseconds)
        }
        account.inFlight.events += events
        account.inFlight.bytes += bytes
        inFlight.events += events
        inFlight.bytes += bytes
        return .admitted
    }

    /// How long `partner` is still suspended, in milliseconds; 0 if it is not.
    package func suspension(of partner: String, at now: Int64) -> Int64 {
        guard let account = accounts[partner], now < account.suspendedUntil else { return 0 }
        return account.suspendedUntil - now
    }

    /// An admitted message has been answered.
    package mutating func release(_ partner: String, events: Int, bytes: Int) {
        guard var account = accounts[partner] else {
            preconditionFailure("what is released was admitted")
        }
        account.inFlight.events -= events
        account.inFlight.bytes -= bytes
        inFlight.events -= events
        inFlight.bytes -= bytes
        precondition(
            account.inFlight.events >= 0 && account.inFlight.bytes >= 0,
            "a message is released once")
        accounts[partner] = account
    }

    /// The window of `partner` as it is now, and from now on holds.
    package mutating func tell(_ partner: String, at now: Int64) -> Window {
        var account = accounts[partner] ?? Account()
        account.lastActive = now
        countActive(at: now)
        let window = window(of: account, at: now)
        if account.told != window {
            account.toldBefore = account.told
            account.toldAt = now
            account.told = window
        }
        accounts[partner] = account
        return window
    }

    private func window(of account: Account, at now: Int64) -> Window {
        if now < account.suspendedUntil || permille == 0 { return .shut }
        return Window(
            events: share(
                of: PartnerLimits.windowEventsMax, own: account.inFlight.events,
                all: inFlight.events, oneBatch: PartnerLimits.batchEventsMax),
            bytes: share(
                of: PartnerLimits.windowBytesMax, own: account.inFlight.bytes,
                all: inFlight.bytes, oneBatch: PartnerLimits.messageBytesMax))
    }

    private func share(of whole: Int, own: Int, all: Int, oneBatch: Int) -> Int {
        let whole = whole * permille / 1_000
        let isBehind = all - own > whole / 2
        let share = isBehind ? whole / activeCount : max(whole / activeCount, oneBatch)
        return min(share, own + max(0, whole - all))
    }

    /// Once a second is often enough to know how many there are.
    private mutating func countActive(at now: Int64) {
        if countedAt != .min, now - countedAt < 1_000 { return }
        countedAt = now
        activeCount = max(
            1,
            accounts.values.count { account in
                account.inFlight.events > 0
                    || now - account.lastActive < PartnerLimits.activeMilliseconds
            })
    }
}
