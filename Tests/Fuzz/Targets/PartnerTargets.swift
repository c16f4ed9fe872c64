import Foundation
import GRDB
import Ingestion
import Messages
import Model
import Streams

extension FuzzTarget {
    /// A partner's side of the edge: frames of any kind, in any order, receipts late or never.
    static let partnerMessage = FuzzTarget(
        "partner-message", bytesMax: 2_048,
        seeds: {
            let events = try SeedFiles.events(most: 6)
            let body = Array("[".utf8) + Array(events.joined(separator: [0x2C])) + [0x5D]
            return [
                PartnerScript.message(verb: 0, "r1", Array("{}".utf8))
                    + PartnerScript.message(verb: 1, "r2", Array(Furnishing.ride.utf8)) + [2]
                    + PartnerScript.message(verb: 2, "r3", Array("{}".utf8)),
                PartnerScript.message(verb: 1, "r1", body) + [3]
                    + PartnerScript.message(verb: 1, "r2", Array("{} trailing".utf8)) + [4, 200],
                [1, 3] + FuzzBytes.chunk("GSP1") + FuzzBytes.chunk("PING") + FuzzBytes.chunk(""),
                [5] + PartnerScript.message(verb: 1, "late", body) + [6, 128, 2],
            ]
        },
        run: { bytes in
            var script = PartnerScript()
            var input = FuzzBytes(bytes)
            while !input.isEmpty { script.step(&input) }
            script.finishAll()
        })

    /// A body decoded and decided about, twice: the second time every accepted event is known.
    static let partnerBatch = FuzzTarget(
        "partner-batch", bytesMax: 2_048,
        seeds: {
            let events = try SeedFiles.events(most: 20)
            return [
                Array(Furnishing.ride.utf8),
                Array("[".utf8) + Array(events.prefix(8).joined(separator: [0x2C])) + [0x5D],
                Array("[\(Furnishing.ride),\(Furnishing.ride)]".utf8),
            ]
        },
        run: { bytes in
            var decoder = BatchDecoder(
                catalogue: Furnishing.catalogue, secrets: Furnishing.secrets)
            let batch: PartnerBatch
            do {
                batch = try decoder.decode(
                    bytes, of: Furnishing.partner, arrived: Furnishing.noon)
            } catch {
                return
            }
            let writer = try ingestion(on: ingestionStore.copy())
            guard
                case .receipts(let first)? = try writer.commit([.errand(.batch(batch), 1)])
                    .results.first?.1,
                case .receipts(let second)? = try writer.commit([.errand(.batch(batch), 2)])
                    .results.first?.1
            else { violated("a batch without receipts") }
            require(first.count == batch.items.count, "a receipt for each event")
            for (receipt, repeated) in zip(first, second) {
                switch receipt {
                case .accepted(let partition, let sequence),
                    .duplicate(let partition, let sequence):
                    require(
                        repeated == .duplicate(partition: partition, sequence: sequence),
                        "what was accepted is found again")
                case .rejected:
                    // Perhaps for another reason: something else may have taken its id meanwhile.
                    guard case .rejected = repeated else {
                        violated("what was rejected counts when it is sent again")
                    }
                }
            }
        })

    static let ingestionStore: StoreTemplate = {
        do {
            return try StoreTemplate(IngestionStore.migrations) { queue in
                let writer = try ingestion(on: queue)
                func order(_ command: some Command, _ number: UInt8) throws {
                    let message = CommandMessage(
                        method: type(of: command).method, caller: "fuzz",
                        key: Array(repeating: number, count: 16), body: try JSON.encode(command))
                    let reply = try writer.commit([.command(message, 1)]).replies[0].1
                    require(reply.status == .ok, "\(reply.code): \(reply.message)")
                }
                try order(
                    AddPartner(
                        id: Furnishing.partner, sources: [Furnishing.source, "urn:partner:alpha"],
                        behaviours: ["cycling", "clean_plate"],
                        publicKey: Furnishing.publicKey), 1)
                try order(
                    ImportBindings(rows: [
                        .init(
                            partner: Furnishing.partner, subject: Furnishing.subject,
                            resident: Furnishing.registrationKey),
                        .init(
                            partner: Furnishing.partner, subject: "a-one", resident: "resident-2"),
                    ]), 2)
            }
        } catch {
            violated("the store is furnished: \(error)")
        }
    }()

    static func ingestion(on database: DatabaseQueue) throws -> Writer<IngestionDomain> {
        try Writer(.behaviour, on: database, domain: ingestionDomain(on: database))
    }

    static func ingestionDomain(on database: DatabaseQueue) throws -> IngestionDomain {
        try IngestionDomain(
            database: database, catalogue: Furnishing.catalogue, secrets: Furnishing.secrets,
            clock: .manual(initial: Furnishing.noon), partitions: 1,
            duplicateSizes: DuplicateIndex.Sizes(
                firstSlots: 64, lastSlots: 1_024, idsPerRowMax: 64))
    }
}

/// Plays an input to `PartnerProtocol` as the edge's thread would.
private struct PartnerScript {
    private var edge: PartnerProtocol
    private var waiting: [(ticket: UInt64, batch: PartnerBatch)] = []
    private var now: Int64 = 1_000
    private static let routingID: [UInt8] = [0, 1, 2, 3, 4]

    init() {
        let entry = PartnerDirectory.Entry(
            id: Furnishing.partner, publicKey: Furnishing.publicKey,
            sources: [Furnishing.source], behaviours: ["cycling"])
        edge = PartnerProtocol(
            directory: PartnerDirectory([entry]),
            decoder: BatchDecoder(catalogue: Furnishing.catalogue, secrets: Furnishing.secrets))
    }

    /// Input that says: a well-formed message of verb HELLO, PUBLISH or PING.
    static func message(verb: UInt8, _ id: String, _ body: [UInt8]) -> [UInt8] {
        [0, verb] + FuzzBytes.chunk(id) + FuzzBytes.chunk(body)
    }

    mutating func step(_ input: inout FuzzBytes) {
        switch input.byte() % 8 {
        case 0:
            let verbs = ["HELLO", "PUBLISH", "PING"]
            let verb = verbs[Int(input.byte()) % verbs.count]
            receive([Array("GSP1".utf8), Array(verb.utf8), input.chunk(), input.chunk()])
        case 1:
            receive((0..<input.byte() % 8).map { _ in input.chunk() })
        case 2:
            if !waiting.isEmpty { finish(waiting.removeFirst()) }
        case 3:
            if let last = waiting.popLast() { check(edge.refuse(last.ticket)) }
        case 4:
            now += Int64(input.byte()) * 500
        case 5:
            edge.throttle(to: Int(input.byte()) * 1_000 / 255)
        case 6:
            if let last = waiting.popLast() {
                check(edge.finish(last.ticket, with: .unavailable, at: moment))
            }
        default:
            if input.byte() == 255 { edge.close() }
        }
        require(edge.pendingCount == waiting.count, "what waits is counted")
    }

    mutating func finishAll() {
        while let next = waiting.popLast() { finish(next) }
        require(edge.pendingCount == 0, "all is answered")
    }

    private var moment: PartnerProtocol.Moment {
        PartnerProtocol.Moment(uptime: now, instant: Furnishing.noon)
    }

    private mutating func receive(_ frames: [[UInt8]]) {
        switch edge.receive(
            [Self.routingID] + frames, from: Furnishing.partner, at: moment)
        {
        case .reply(let reply): check(reply)
        case .submit(let batch, let ticket):
            require(batch.items.count <= PartnerLimits.batchEventsMax, "too many events")
            waiting.append((ticket, batch))
        case .ignore: violated("a registered partner is answered")
        }
    }

    private mutating func finish(_ next: (ticket: UInt64, batch: PartnerBatch)) {
        let receipts = next.batch.items.enumerated().map { number, item -> Receipt in
            switch item {
            case .refused(let refused): .rejected(refused.rejection)
            case .report: .accepted(partition: 0, sequence: UInt64(number) + 1)
            }
        }
        check(edge.finish(next.ticket, with: .receipts(receipts), at: moment))
    }

    /// A reply is GSP/1, and its body is JSON for whoever reads it.
    private func check(_ reply: [[UInt8]]) {
        require(reply.count == 5 && reply[0] == Self.routingID, "a reply has five frames")
        require(reply[1] == Array("GSP1".utf8), "a reply is GSP/1")
        do {
            _ = try JSONSerialization.jsonObject(with: Data(reply[4]))
        } catch {
            violated("a reply that is not JSON: \(String(decoding: reply[4], as: UTF8.self))")
        }
    }
}
