import Greenctl
import Messages
import Model
import SimulatedDisk
import Streams
import StreamsTestKit
import SwiftProtobuf

/// One run of a scenario: four machines, a network, a city, and a clock that stands still unless
/// it is moved.
///
/// Everything happens on the caller's thread, in an order that follows from the seed.
package final class World {
    package let scenario: Scenario
    let parts: Parts
    package let rules: Rules
    private(set) var now: Int64 = 0
    /// The order and the delays of everything.
    var chance: Chance
    var witness = Witness()
    var coverage = Coverage()
    private(set) var receipts = ReceiptBook()
    let links: [ServiceName: Link]
    let edge = EdgeLine()
    private let lines: [ServiceName: RequestLine]
    private(set) var machines: [any Machine] = []
    private(set) lazy var city = City(in: self)

    // What goes wrong now.
    private var faults: ArraySlice<Fault>
    private var armed: [ServiceName: (boundary: Fault.Boundary, since: Int64)] = [:]
    private var stalledUntil: [ServiceName: Int64] = [:]
    private var diskTroubleUntil: [ServiceName: Int64] = [:]
    /// The last few of each, oldest first.
    private var backups: [ServiceName: [Backup]] = [:]
    private var nextBackup: Int64 = 0
    private var restored: Restored?
    private var rogue: Rogue?
    /// Consumers that may stop, because their publisher is not what it was.
    private var excused: Set<ServiceName> = []
    /// Whether nothing goes wrong any more.
    private(set) var isCalm = false
    var machineDays: Int64 = 0
    private var machineLeap: Int64 = 0
    /// When the operator looks for stopped streams again.
    private var nextRound: Int64 = 0

    private struct Backup {
        var image: SimulatedDisk.Image
        var heads: [UInt64]
    }

    private struct Restored {
        var service: ServiceName
        /// Every service's disk as it was.
        var right: [ServiceName: SimulatedDisk.Image]
        /// What those disks stand for.
        var witness: Witness
        var receipts: ReceiptBook
        var since: Int64
        var until: Int64
    }

    private struct Rogue {
        var service: ServiceName
        var frames: [[UInt8]]
        var until: Int64
        var next: Int64
    }

    /// Who reads what `service` publishes.
    private static func consumers(of service: ServiceName) -> [ServiceName] {
        Audit.consumers.filter { $0.publisher == service }.map(\.consumer)
    }

    init(_ scenario: Scenario, rules: Rules, parts: Parts = Parts()) {
        self.scenario = scenario
        self.rules = rules
        self.parts = parts
        chance = Chance(seed: scenario.seed, for: "world")
        faults = scenario.faults[...]
        links = Dictionary(
            uniqueKeysWithValues: Audit.consumers.map {
                ($0.consumer, Link(publisher: $0.publisher, consumer: $0.consumer))
            })
        lines = Dictionary(
            uniqueKeysWithValues: ServiceName.allCases.map { ($0, RequestLine()) })
        machines = ServiceName.allCases.map { parts.machine(of: $0, in: self) }
    }

    // MARK: The run

    /// Runs to the end: faults for a while, then none, and then everything must have arrived.
    ///
    /// Throws a `Violation` if a promise is broken.
    func run() throws {
        let waiting = faults
        faults = []
        for machine in machines { try machine.start() }
        try city.found()
        try live(until: { self.city.caller.isSettled }, atMost: 60_000)
        try city.meet()
        try live(until: { self.city.caller.isSettled }, atMost: 60_000)
        let start = now
        faults = waiting
        while now < start + scenario.faultsEnd { try step(since: start) }
        try calm()
        try live(until: { self.isSettled }, atMost: Scenario.Limits.calmMilliseconds)
        coverage.reach(.settled)
        try Judge(self).judge()
    }

    private func live(until done: () -> Bool, atMost milliseconds: Int64) throws {
        let end = now + milliseconds
        while !done() {
            guard now < end else { throw Violation("I10", unsettled) }
            try step(since: .max)
        }
    }

    private var isSettled: Bool {
        city.isSettled
            && machines.allSatisfy { machine in
                guard let process = machine.process, process.isIdle, process.isLive else {
                    return false
                }
                guard let link = links[machine.service] else { return true }
                return process.cursors.enumerated().allSatisfy { partition, cursor in
                    cursor.sequence
                        == witness.head(of: stream(of: link.publisher), partition: partition)
                }
            }
    }

    private var unsettled: String {
        let standings = machines.map { machine -> String in
            guard let process = machine.process else { return "\(machine.service) is down" }
            let cursors = process.cursors.map { String($0.sequence) }.joined(separator: ",")
            let trouble = process.stops.first.map { " stopped: \($0)" } ?? process.failure ?? ""
            return "\(machine.service) at [\(cursors)]\(process.isLive ? "" : " not live")"
                + (trouble.isEmpty ? "" : " (\(trouble))")
        }
        return "not settled after \(now) ms: \(standings.joined(separator: ", ")); "
            + city.unsettled
    }

    private func stream(of service: ServiceName) -> StreamName {
        switch service {
        case .ingestion: .behaviour
        case .scoring: .points
        case .rewards: .redemption
        case .creditProfile: .profile
        }
    }

    private func step(since start: Int64) throws {
        now += chance.draw(Int64(1)...40)
        while let fault = faults.first, now - start >= fault.at {
            faults.removeFirst()
            try strike(fault.kind)
        }
        try endFaults()
        resolveStops()
        let first = chance.draw(0...machines.count - 1)
        for index in machines.indices { try turn(machines[(first + index) % machines.count]) }
        try city.turn()
        try carry()
    }

    private func turn(_ machine: any Machine) throws {
        guard let process = machine.process else {
            guard now >= machine.startsAt else { return }
            do {
                try machine.start()
                // What was committed before was perhaps never published.
                for link in links.values where link.publisher == machine.service {
                    link.lose(through: heads(of: machine.service))
                }
                if isProvable { try Judge(self).auditQuickly() }
            } catch let violation as Violation {
                throw violation
            } catch {
                coverage.reach(.bootRefused)
                machine.die(withPower: false, inCommit: false, until: now + 300)
            }
            return
        }
        do {
            try process.turn()
        } catch let death as Death {
            coverage.die(at: death.boundary)
            end(machine, withPower: false, inCommit: death.boundary == .committing)
        }
    }

    /// Whether the audit must find every store in order now.
    private var isProvable: Bool {
        restored == nil && rogue == nil && excused.isEmpty && diskTroubleUntil.isEmpty
            && machines.allSatisfy { $0.process != nil }
    }

    /// A process ends, and with it its ends of all sockets.
    private func end(
        _ machine: any Machine, withPower: Bool, inCommit: Bool = false, pause: Int64? = nil
    ) {
        machine.die(
            withPower: withPower, inCommit: inCommit,
            until: now + (pause ?? chance.draw(Int64(50)...2_500)))
        armed[machine.service] = nil
        lines[machine.service]?.requests.lose()
        if machine.service == .ingestion { edge.messages.lose() }
        for link in links.values where link.publisher == machine.service { link.losePublisher() }
        if let link = links[machine.service] { renew(link) }
    }

    func machine(_ service: ServiceName) -> any Machine {
        guard let machine = machines.first(where: { $0.service == service }) else {
            preconditionFailure("every service has a machine")
        }
        return machine
    }

    /// Carries answers to partners, and replies to whoever asked.
    private func carry() throws {
        while let (connection, frames) = edge.answers.take(at: now) {
            for partner in city.partners { try partner.hear(frames, over: connection) }
        }
        for service in ServiceName.allCases {
            while let (_, frames) = line(to: service).replies.take(at: now) {
                try city.caller.hear(frames)
            }
        }
    }

    // MARK: What processes see of the world

    /// The machines' time of day: a day passes whenever the city says so, and it may leap.
    var machineTime: Instant {
        City.epoch.advanced(
            byMilliseconds: now + machineDays * 86_400_000 + machineLeap * 3_600_000)
    }

    /// Ends the process if the schedule wants it to end here.
    func pass(_ boundary: Fault.Boundary, _ service: ServiceName) throws {
        if takesDeath(boundary, service) { throw Death(boundary: boundary) }
    }

    /// Whether the process is to end here; it is asked once.
    func takesDeath(_ boundary: Fault.Boundary, _ service: ServiceName) -> Bool {
        guard let death = armed[service] else { return false }
        // A boundary that is not come by would be waited for in vain.
        let isOverdue = boundary == .idle && now - death.since > 3_000
        guard death.boundary == boundary || isOverdue else { return false }
        armed[service] = nil
        return true
    }

    func isStalled(_ service: ServiceName) -> Bool { now < stalledUntil[service] ?? 0 }

    func line(to service: ServiceName) -> RequestLine {
        guard let line = lines[service] else { preconditionFailure("every service is asked") }
        return line
    }

    func arrival() -> Int64 { now + chance.draw(Int64(0)...20) }

    func arrival(over link: Link) -> Int64 {
        now < link.slowUntil ? now + chance.draw(Int64(200)...2_500) : arrival()
    }

    /// Publishes frames to whoever subscribes to `service`.
    func broadcast(_ frames: [[UInt8]], from service: ServiceName, isBlock: Bool) {
        for consumer in Self.consumers(of: service) {
            guard let link = links[consumer] else { continue }
            if isBlock { link.lastBlock = frames }
            if link.drops > 0 {
                link.drops -= 1
                link.lose(through: heads(of: service))
                continue
            }
            link.live.put(frames, arrival: arrival())
        }
    }

    /// Both sockets of a subscription are made anew.
    func renew(_ link: Link) {
        link.renewAll()
        link.lose(through: heads(of: link.publisher))
    }

    /// Where the log of `service` ends, as its disk has it.
    private func heads(of service: ServiceName) -> [UInt64] {
        (0..<scenario.partitions).map {
            witness.head(of: stream(of: service), partition: $0)
        }
    }

    func send(_ frames: [[UInt8]], from peer: UInt64, to service: ServiceName) {
        let line = line(to: service)
        if now < line.lossyUntil, chance.once(in: 2) { return }
        line.requests.put((peer, frames), arrival: arrival())
        if now < line.doublingUntil { line.requests.put((peer, frames), arrival: arrival()) }
    }

    func reply(_ reply: ReplyMessage, to route: Route, from service: ServiceName) {
        let line = line(to: service)
        if now < line.lossyUntil, chance.once(in: 2) { return }
        guard let frames = try? Exchange.frames(of: reply, requestID: route.requestID) else {
            preconditionFailure("a reply can be encoded")
        }
        line.replies.put((0, frames), arrival: arrival())
    }

    /// A consumer stopped: it must have had a reason.
    func stopped(_ service: ServiceName, _ reason: String) throws {
        guard excused.contains(service) else {
            throw Violation("I10", "\(service) stopped for no fault of its publisher: \(reason)")
        }
        if reason.contains("two processes") {
            coverage.reach(.stoppedTwoBoots)
        } else if reason.contains("lost events") {
            coverage.reach(.stoppedAhead)
        } else {
            coverage.reach(.stoppedForked)
        }
    }

    func note(_ report: Report, at place: ReceiptBook.Place) throws {
        try receipts.note(report, at: place)
        try witness.receipted(partition: place.partition, sequence: place.sequence)
    }
}

// MARK: - Faults

extension World {
    private func strike(_ fault: Fault.Kind) throws {
        switch fault {
        case .kill(let service, let boundary):
            armed[service] = (boundary, now)
        case .powerLoss(let service):
            end(machine(service), withPower: true)
        case .blackout:
            for machine in machines { end(machine, withPower: true) }
        case .stall(let service, let milliseconds):
            stalledUntil[service] = now + milliseconds
        case .diskFull(let service, let milliseconds):
            let disk = machine(service).disk
            disk.capacity = disk.bytesOnDisk
            diskTroubleUntil[service] = now + milliseconds
        case .diskErrors(let service, let milliseconds):
            var chance = Chance(seed: scenario.seed &+ UInt64(now), for: "disk")
            machine(service).disk.judge = { _, _ in
                chance.once(in: 12) ? .fail(.inputOutput) : .go
            }
            diskTroubleUntil[service] = now + milliseconds
        case .drop(let consumer, let messages):
            links[consumer]?.drops += messages
        case .repeated(let consumer):
            guard let link = links[consumer], let frames = link.lastBlock else { return }
            link.live.put(frames, arrival: arrival())
        case .deafFeed(let consumer):
            links[consumer]?.live.isDead = true
        case .deafPages(let consumer):
            links[consumer]?.questions.isDead = true
            links[consumer]?.pages.isDead = true
        case .slowPages(let consumer, let milliseconds):
            links[consumer]?.slowUntil = now + milliseconds
        case .requestsLost(let service, let milliseconds):
            line(to: service).lossyUntil = now + milliseconds
        case .requestsDoubled(let service, let milliseconds):
            line(to: service).doublingUntil = now + milliseconds
        case .cutPartners:
            cutPartners()
        case .overdraft:
            chance.pick(city.partners).overdraw()
        case .nonsense:
            chance.pick(city.partners).talkNonsense()
        case .restore(let service, let milliseconds):
            guard restore(service, for: milliseconds) else { return }
        case .rogue(let service, let milliseconds):
            guard letIn(service, for: milliseconds) else { return }
        case .clockLeap(let hours):
            machineLeap += hours
        }
        coverage.strike(fault)
    }

    private func cutPartners() {
        edge.messages.lose()
        edge.answers.lose()
        for partner in city.partners { partner.reconnect() }
    }

    /// Ends what has lasted long enough, and takes the backups that a later fault restores.
    private func endFaults() throws {
        for (service, until) in diskTroubleUntil where now >= until { mend(service) }
        if let wrong = restored, now >= wrong.until { putRight(wrong) }
        if var intruder = rogue {
            if now >= intruder.until {
                rogue = nil
                for consumer in Self.consumers(of: intruder.service) { startAgain(consumer) }
            } else if now >= intruder.next {
                intruder.next = now + 400
                rogue = intruder
                for consumer in Self.consumers(of: intruder.service) {
                    links[consumer]?.live.put(intruder.frames, arrival: arrival())
                }
            }
        }
        guard now >= nextBackup, restored == nil, rogue == nil else { return }
        nextBackup = now + chance.draw(Int64(300)...1_500)
        for service in [ServiceName.ingestion, .scoring] {
            let machine = machine(service)
            guard machine.process != nil, diskTroubleUntil[service] == nil else { continue }
            let backup = Backup(
                image: machine.disk.backup(),
                heads: heads(of: service))
            backups[service] = (backups[service] ?? []).suffix(3) + [backup]
        }
    }

    private func mend(_ service: ServiceName) {
        diskTroubleUntil[service] = nil
        let disk = machine(service).disk
        disk.capacity = nil
        disk.judge = nil
    }

    /// Replaces a store by its backup, if every consumer has gone further: else it could not know.
    private func restore(_ service: ServiceName, for milliseconds: Int64) -> Bool {
        let machine = machine(service)
        let cursors = Self.consumers(of: service).map { self.machine($0).process?.cursors }
        let isPassed = { (backup: Backup) in
            cursors.allSatisfy { cursors in
                guard let cursors else { return false }
                return zip(cursors, backup.heads).allSatisfy { $0.sequence > $1 }
            }
        }
        guard restored == nil, rogue == nil, machine.process != nil,
            diskTroubleUntil[service] == nil,
            let backup = (backups[service] ?? []).last(where: isPassed)
        else { return false }
        end(machine, withPower: false, pause: 200)
        restored = Restored(
            service: service,
            right: Dictionary(
                uniqueKeysWithValues: machines.map { ($0.service, $0.disk.backup()) }),
            witness: witness, receipts: receipts, since: now, until: now + milliseconds)
        machine.disk.restore(backup.image)
        if service == .ingestion { receipts = receipts.upTo(backup.heads) }
        forgetPromises(of: machine)
        return true
    }

    private func forgetPromises(of machine: any Machine) {
        machine.isRestored = true
        witness.forgetPromises(of: stream(of: machine.service))
        lines[machine.service]?.replies.lose()
        excused.formUnion(Self.consumers(of: machine.service))
        if machine.service == .ingestion { cutPartners() }
    }

    /// The operator has found the right disk: what was promised with the other one is void.
    private func putRight(_ wrong: Restored) {
        restored = nil
        for service in misled(by: wrong) {
            backups[service] = []
            let machine = machine(service)
            end(machine, withPower: false, pause: 200)
            if let image = wrong.right[service] { machine.disk.restore(image) }
            forgetPromises(of: machine)
            city.caller.forget(repliesOf: service, since: wrong.since)
        }
        if wrong.service == .ingestion {
            receipts = wrong.receipts
            for partner in city.partners { partner.forget(since: wrong.since) }
        }
        for consumer in Self.consumers(of: wrong.service) { startAgain(consumer) }
    }

    /// Whose disks must be replaced: the wrong one, and those that it misled.
    ///
    /// A consumer stops where histories differ. Where the wrong one happened to repeat what the
    /// consumer had applied, as it does if nothing but a day ended, nobody can tell them apart.
    private func misled(by wrong: Restored) -> [ServiceName] {
        var misled = [wrong.service]
        let stream = stream(of: wrong.service)
        for consumer in Self.consumers(of: wrong.service) {
            let isMisled = (0..<scenario.partitions).contains { partition in
                let cursor = witness.given(consumer, partition)
                // What scoring published beyond, it will publish again: it decides nothing.
                if cursor.sequence > wrong.witness.head(of: stream, partition: partition) {
                    return wrong.service == .ingestion
                }
                return cursor.sequence > 0
                    && cursor.chain
                        != wrong.witness.chain(
                            of: stream, partition: partition, at: cursor.sequence)
            }
            if isMisled { misled += [consumer] + Self.consumers(of: consumer) }
        }
        return misled
    }

    private func startAgain(_ service: ServiceName) {
        end(machine(service), withPower: false, pause: 600)
    }

    /// The operator resolves stops: a process that stopped is started again, and asks again.
    ///
    /// A publisher that was put right may still be behind what its consumer has applied; then the
    /// consumer stops once more.
    private func resolveStops() {
        guard restored == nil, rogue == nil, now >= nextRound else { return }
        nextRound = now + 1_500
        for consumer in excused.sorted(by: { $0.rawValue < $1.rawValue }) {
            guard let process = machine(consumer).process else { continue }
            if !process.stops.isEmpty {
                startAgain(consumer)
            } else if process.isLive {
                excused.remove(consumer)
            }
        }
    }

    /// A second process begins to publish the log of `service`, as it stands.
    private func letIn(_ service: ServiceName, for milliseconds: Int64) -> Bool {
        guard restored == nil, rogue == nil, let process = machine(service).process else {
            return false
        }
        let identity = process.identity
        let heads = (0..<identity.partitions).compactMap { partition -> EventLog.Head? in
            let sequence = witness.head(of: identity.stream, partition: partition)
            let chain =
                witness.chain(of: identity.stream, partition: partition, at: sequence)
                ?? Chain(log: identity.log, stream: identity.stream, partition: partition)
            return EventLog.Head(
                partition: partition, sequence: sequence, chain: chain, totals: ControlTotals())
        }
        guard
            let header = try? SLP.head(of: heads, identity: identity, boot: process.boot ^ 2)
                .serializedBytes() as [UInt8]
        else { preconditionFailure("a HEAD can be encoded") }
        rogue = Rogue(
            service: service,
            frames: [Array(SLP.headTopic(identity.stream).utf8), header, []],
            until: now + milliseconds, next: now)
        for consumer in Self.consumers(of: service) {
            excused.insert(consumer)
        }
        return true
    }

    /// From now on nothing goes wrong any more, and what went wrong is mended.
    private func calm() throws {
        faults = []
        armed = [:]
        stalledUntil = [:]
        for service in diskTroubleUntil.keys { mend(service) }
        if let wrong = restored { putRight(wrong) }
        if let intruder = rogue {
            rogue = nil
            for consumer in Self.consumers(of: intruder.service) { startAgain(consumer) }
        }
        for link in links.values {
            link.drops = 0
            link.slowUntil = 0
        }
        for line in lines.values {
            line.lossyUntil = 0
            line.doublingUntil = 0
        }
        isCalm = true
    }
}
