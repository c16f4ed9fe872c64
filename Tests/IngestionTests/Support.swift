import Crypto
import Foundation
import GRDB
import Ingestion
import Messages
import Model
import Storage
import Streams
import StreamsTestKit
import Wire

/// What these tests stand on: a catalogue, keys, events as text, ingestion on a store in memory.

let catalogueText = """
    {"schema": "greenseason.behaviours.v1", "note": "for tests", "behaviours": [
      {"code": "metro", "interval": "required", "act_group": "ride_leg",
       "units": {"trip": {"quantity_max": "1"}, "km": {"quantity_max": "150"}}},
      {"code": "cycling", "interval": "required", "speed_kmh_max": "25",
       "units": {"trip": {"quantity_max": "1"}, "km": {"quantity_max": "60"}}},
      {"code": "clean_plate", "interval": "optional", "units": {"meal": {"quantity_max": "1"}}}
    ]}
    """

func testCatalogue() throws -> BehaviourCatalogue {
    try BehaviourCatalogue(json: Array(catalogueText.utf8))
}

func testSecrets(_ first: UInt8 = 1) -> IngestionSecrets {
    func key(_ byte: UInt8) -> SymmetricKey {
        SymmetricKey(data: [UInt8](repeating: byte, count: 32))
    }
    return IngestionSecrets(resident: key(first), subject: key(first + 1), event: key(first + 2))
}

/// 2026-08-10T12:00:00+08:00, a Monday.
let noon = Instant(milliseconds: 1_786_334_400_000)

/// A good ride, to be spoiled by tests.
let ride = """
    {"specversion":"1.0","id":"e1","source":"urn:partner:qingju",\
    "type":"cn.greenseason.behaviour.v1","time":"2026-08-10T08:12:31+08:00","subject":"s1",\
    "data":{"behaviour":"cycling","quantity":"3.42","unit":"km",\
    "startedAt":"2026-08-10T07:58:02+08:00","endedAt":"2026-08-10T08:12:31+08:00",\
    "evidence":{"kind":"operator_order","reference":"r1","vehicle":"v1"}}}
    """

struct NotThere: Error { var text: String }

extension String {
    /// This text with `old` exchanged for `new`; `old` must occur.
    func with(_ old: String, _ new: String) throws -> String {
        guard contains(old) else { throw NotThere(text: old) }
        return replacingOccurrences(of: old, with: new)
    }

    /// The ride under another id.
    func named(_ id: String) throws -> String { try with("\"id\":\"e1\"", "\"id\":\"\(id)\"") }
}

func array(_ events: [String]) -> String { "[" + events.joined(separator: ",") + "]" }

/// Ingestion, a step at a time, with a manual clock that stands at noon unless told otherwise.
final class TestIngestion {
    let store: Store
    let domain: IngestionDomain
    let writer: Writer<IngestionDomain>
    private var decoder: BatchDecoder
    private(set) var blocks: [Block] = []
    private var commandCount = 0

    init(
        on store: Store? = nil, clock: IngestionDomain.ClockChoice = .manual(initial: noon),
        partitions: Int = 1, sizes: DuplicateIndex.Sizes = .standard,
        secrets: IngestionSecrets = testSecrets(), catalogue given: BehaviourCatalogue? = nil
    ) throws {
        self.store = try store ?? Store.inMemory(migrations: IngestionStore.migrations)
        let catalogue = try given ?? testCatalogue()
        domain = try IngestionDomain(
            database: self.store.writer, catalogue: catalogue, secrets: secrets, clock: clock,
            partitions: partitions, duplicateSizes: sizes)
        var generator = SplitMix64(seed: 7)
        let identity = try self.store.writer.write {
            try LogIdentity.establish(
                stream: .behaviour, partitions: partitions, using: &generator, in: $0)
        }
        writer = try Writer(
            identity: identity, database: self.store.writer, domain: domain, now: { noon })
        decoder = BatchDecoder(catalogue: catalogue, secrets: secrets)
    }

    /// Ingestion with two partners and one resident bound to the first as `s1`.
    static func furnished(
        clock: IngestionDomain.ClockChoice = .manual(initial: noon), partitions: Int = 1,
        sizes: DuplicateIndex.Sizes = .standard
    ) throws -> TestIngestion {
        let ingestion = try TestIngestion(clock: clock, partitions: partitions, sizes: sizes)
        try ingestion.carryOut(
            AddPartner(
                id: "qingju", sources: ["urn:partner:qingju"],
                behaviours: ["cycling", "clean_plate"], publicKey: keyText("1")))
        try ingestion.carryOut(
            AddPartner(
                id: "map", sources: ["urn:partner:map"], behaviours: ["cycling", "metro"],
                publicKey: keyText("2")))
        try ingestion.bind("s1", of: "qingju", to: "resident-1")
        return ingestion
    }

    /// The same store, as a new process would find it.
    func restarted(
        sizes: DuplicateIndex.Sizes = .standard,
        clock: IngestionDomain.ClockChoice = .manual(initial: nil)
    ) throws -> TestIngestion {
        try TestIngestion(
            on: store, clock: clock, partitions: writer.identity.partitions, sizes: sizes)
    }

    func decode(_ body: String) throws(BodyFault) -> PartnerBatch {
        try decoder.decode(Array(body.utf8), of: "nobody", arrived: noon)
    }

    func batch(
        _ body: String, from partner: String = "qingju", arrived: Instant = noon
    ) throws -> PartnerBatch {
        try decoder.decode(Array(body.utf8), of: partner, arrived: arrived)
    }

    @discardableResult
    func commit(_ jobs: [Writer<IngestionDomain>.Job]) throws -> Writer<IngestionDomain>.Commit {
        let commit = try writer.commit(jobs)
        blocks += commit.blocks
        return commit
    }

    func result(
        _ body: String, from partner: String = "qingju", arrived: Instant = noon
    ) throws -> IngestionResult {
        let batch = try batch(body, from: partner, arrived: arrived)
        let results = try commit([.errand(.batch(batch), 1)]).results
        guard let result = results.first else { throw NotThere(text: "a result") }
        return result.1
    }

    func publish(
        _ body: String, from partner: String = "qingju", arrived: Instant = noon
    ) throws -> [Receipt] {
        guard case .receipts(let receipts) = try result(body, from: partner, arrived: arrived)
        else { throw NotThere(text: "receipts") }
        return receipts
    }

    func tick(_ instant: Instant) throws { try commit([.errand(.tick(instant), 1)]) }

    func reply(to command: some Command) throws -> ReplyMessage {
        commandCount += 1
        let key = Array("key-of-command-\(1_000_000 + commandCount)".utf8)
        let message = CommandMessage(
            method: type(of: command).method, caller: "tests", key: key,
            body: try JSON.encode(command))
        guard let reply = try commit([.command(message, 1)]).replies.first else {
            throw NotThere(text: "a reply")
        }
        return reply.1
    }

    @discardableResult
    func carryOut<Order: Command>(_ command: Order) throws -> Order.Reply {
        let reply = try reply(to: command)
        guard reply.status == .ok else { throw NotThere(text: "\(reply.code): \(reply.message)") }
        return try JSON.decode(Order.Reply.self, from: reply.body)
    }

    func ask<Question: Query>(_ query: Question) throws -> ReplyMessage {
        let message = QueryMessage(method: Question.method, body: try JSON.encode(query))
        return try store.writer.read {
            try IngestionAnswers(face: domain.face).answer(message, in: $0)
        }
    }

    func answer<Question: Query>(to query: Question) throws -> Question.Reply {
        let reply = try ask(query)
        guard reply.status == .ok else { throw NotThere(text: "\(reply.code): \(reply.message)") }
        return try JSON.decode(Question.Reply.self, from: reply.body)
    }

    func bind(_ subject: String?, of partner: String, to resident: String) throws {
        try carryOut(
            ImportBindings(rows: [.init(partner: partner, subject: subject, resident: resident)]))
    }

    func records<Value>(_ body: (IngestionRecords) throws -> Value) throws -> Value {
        try store.writer.read { try body(IngestionRecords($0)) }
    }

    /// Everything in the log so far, of one partition.
    func events(of partition: Int = 0) throws -> [BehaviourEvent] {
        try blocks.filter { $0.partition == partition }.events(as: BehaviourEvent.self)
    }

    func daysEnded(in partition: Int = 0) throws -> [String] {
        try events(of: partition).compactMap { event in
            guard case .dayEnded(let ended) = event.payload else { return nil }
            return LocalDay(ended.day).description
        }
    }
}

func keyText(_ character: String) -> String { String(repeating: character, count: 40) }

func accepted(_ sequence: UInt64, partition: Int = 0) -> Receipt {
    .accepted(partition: partition, sequence: sequence)
}

func duplicate(_ sequence: UInt64, partition: Int = 0) -> Receipt {
    .duplicate(partition: partition, sequence: sequence)
}

extension Receipt {
    /// Code and field of a rejection, or nil.
    var trouble: Trouble? {
        guard case .rejected(let rejection) = self else { return nil }
        return Trouble(rejection.code, rejection.field)
    }
}

struct Trouble: Equatable, Sendable {
    var code: RejectionCode
    var field: String?

    init(_ code: RejectionCode, _ field: String?) {
        self.code = code
        self.field = field
    }
}
