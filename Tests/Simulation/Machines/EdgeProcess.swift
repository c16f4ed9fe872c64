import Ingestion
import Model
import Streams
import StreamsTestKit

/// Ingestion's process: the partners' edge before the writer, as `PartnerEdge` runs it.
final class EdgeProcess<Work: Domain>: Process<Work>
where Work.Errand == IngestionErrand, Work.ErrandResult == IngestionResult {
    private var edge: PartnerProtocol
    /// Who sent the message of a connection last: routing ids are bytes to the edge.
    private var connections: [[UInt8]: UInt64] = [:]
    private var nextClockTick: Int64 = 0

    /// Ticks are no partner's: their ticket is none that the edge gives.
    private static var tickTicket: UInt64 { 0 }

    override init(_ world: World, _ blueprint: Blueprint<Work>, _ opened: Opened) throws {
        edge = PartnerProtocol(
            directory: opened.made.directory ?? PartnerDirectory(),
            decoder: BatchDecoder(
                catalogue: world.rules.catalogue, secrets: world.rules.secrets))
        try super.init(world, blueprint, opened)
    }

    override func listen() throws {
        if world.now >= nextClockTick {
            nextClockTick = world.now + 1_000
            submit(.tick(world.machineTime), ticket: Self.tickTicket)
        }
        while let message = world.edge.messages.take(at: world.now) {
            let routingID = withUnsafeBytes(of: message.connection) { Array($0) }
            connections[routingID] = message.connection
            switch edge.receive([routingID] + message.frames, from: message.partner, at: moment) {
            case .reply(let frames): answer(frames)
            case .submit(let batch, let ticket): submit(.batch(batch), ticket: ticket)
            case .ignore: break
            }
        }
        try super.listen()
    }

    override func finished(_ ticket: UInt64, with result: IngestionResult) throws {
        guard ticket != Self.tickTicket else { return }
        if case .unavailable = result { world.coverage.reach(.clockStopped) }
        answer(edge.finish(ticket, with: result, at: moment))
    }

    private var moment: PartnerProtocol.Moment {
        PartnerProtocol.Moment(uptime: world.now, instant: world.machineTime)
    }

    private func answer(_ frames: [[UInt8]]) {
        guard let routingID = frames.first, let connection = connections[routingID] else { return }
        world.edge.answers.put(
            (connection, Array(frames.dropFirst())), arrival: world.arrival())
    }
}
