import GRDB
package import Greenctl
package import SimulatedDisk
import Storage
package import Streams

/// What the simulator does with a machine, whichever service runs on it.
package protocol Machine: AnyObject {
    var service: ServiceName { get }
    var disk: SimulatedDisk { get }
    /// The process that runs on it; nil while it is down.
    var process: (any Running)? { get }
    /// When a process that died starts again.
    var startsAt: Int64 { get set }
    /// Whether its disk is another one than it promised things with.
    var isRestored: Bool { get set }

    /// Starts the process. Throws what the disk throws, or a `Violation`.
    func start() throws
    /// The process dies; with the power, what was not synced is left to chance.
    func die(withPower: Bool, inCommit: Bool, until: Int64)
}

/// A process at work, whichever service it is.
package protocol Running: AnyObject {
    var boot: UInt64 { get }
    var identity: LogIdentity { get }
    /// Whether nothing waits to be applied.
    var isIdle: Bool { get }
    /// Where it has come to in what it reads, by partition; empty if it reads nothing.
    var cursors: [Streams.Cursor] { get }
    /// Why what it reads stands still, if it does.
    var stops: [String] { get }
    /// Why its last transaction failed, if it did.
    var failure: String? { get }
    /// Whether everything it reads is live.
    var isLive: Bool { get }

    /// Does a turn of everything. Throws `Death`, or a `Violation`.
    func turn() throws
}

/// The end of a process, at a boundary that the schedule chose.
struct Death: Error {
    var boundary: Fault.Boundary
}

/// One service's machine: a disk, and a process that comes and goes.
package final class ServiceMachine<Work: Domain>: Machine {
    package let service: ServiceName
    package let disk = SimulatedDisk()
    package var startsAt: Int64 = 0
    package var isRestored = false
    package var process: (any Running)? { running }
    private var running: Process<Work>?
    private let blueprint: Blueprint<Work>
    private unowned let world: World
    private var chance: Chance
    private var diedInCommit = false

    package init(_ blueprint: Blueprint<Work>, in world: World) {
        service = blueprint.service
        self.blueprint = blueprint
        self.world = world
        let place = ServiceName.allCases.firstIndex(of: blueprint.service) ?? 0
        chance = Chance(seed: world.scenario.seed &+ UInt64(place) << 56, for: "machine")
    }

    package func start() throws {
        let pool = try Store.connect(path: disk.path("\(service.rawValue).sqlite"))
        let store = try Store(writer: pool, migrations: blueprint.migrations)
        try store.writer.writeWithoutTransaction { try blueprint.prepare($0) }
        try Store.gatherWAL(of: pool)
        let identity = try store.writer.write { database in
            try LogIdentity.establish(
                stream: blueprint.stream, partitions: world.scenario.partitions, using: &chance,
                in: database)
        }
        let made = try blueprint.make(store.writer, identity.partitions)
        let writer = try Writer(
            identity: identity, database: store.writer, domain: made.domain,
            now: { City.epoch })
        let unknown = try store.writer.read {
            try world.witness.booted(identity, in: $0, isRestored: isRestored)
        }
        isRestored = false
        if diedInCommit { world.coverage.reach(unknown > 0 ? .commitSurvivedDeath : .commitLost) }
        diedInCommit = false
        world.coverage.reach(.booted)
        let opened = Process<Work>.Opened(
            store: store, writer: writer, made: made, boot: chance.next() | 1, disk: disk)
        let process = try blueprint.process(world, blueprint, opened)
        if blueprint.input != nil { try world.witness.began(service, at: process.cursors) }
        try process.connect()
        running = process
    }

    package func die(withPower: Bool, inCommit: Bool, until: Int64) {
        if withPower { disk.losePower(using: &chance) } else { disk.kill() }
        diedInCommit = inCommit
        running = nil
        startsAt = until
    }
}
