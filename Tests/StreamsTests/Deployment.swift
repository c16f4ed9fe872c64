import Foundation
import GRDB
import Logging
import Messages
import Model
import Storage
import Streams
import SwiftProtobuf
import TestKit
import Testing
import Wire
import ZeroMQ

/// The two ways in which messages travel; whatever holds for one holds for the other.
enum Provider: String, CaseIterable, Sendable {
    case inMemory = "in memory"
    case zeroMQ = "ZeroMQ"
}

/// What the contract is tested with.
struct ContractCase: Sendable, CustomTestStringConvertible {
    var provider: Provider
    var partitions: Int

    static let all = Provider.allCases.flatMap { provider in
        [1, 3].map { ContractCase(provider: provider, partitions: $0) }
    }

    var testDescription: String { "\(provider.rawValue), \(partitions) partition(s)" }
}

/// A few counters on one folder: `source` publishes, whoever else is started reads it.
///
/// To be used on one thread. Stores are files, so a service that is stopped can be started again.
final class Deployment {
    static let source = "source"

    let provider: Provider
    let partitions: Int
    let folder: TemporaryFolder
    let context: Context
    private let network = InMemoryNetwork()
    private var boots: UInt64 = 0
    private var running: [Counter] = []

    init(_ contract: ContractCase) throws {
        provider = contract.provider
        partitions = contract.partitions
        folder = try TemporaryFolder()
        context = try Context()
    }

    /// Ends what a failed test left running, for its threads hold sockets.
    deinit { for counter in running { try? counter.stop() } }

    func startSource() throws -> Counter { try start(Self.source, publishing: .behaviour) }

    func startReader(
        _ name: String, faults: CounterDomain.Faults = .init(), partitions: Int? = nil
    ) throws -> Counter {
        try start(
            name, publishing: .points, consuming: [.behaviour], faults: faults,
            partitions: partitions)
    }

    func storePath(of name: String) -> String { folder.file("\(name).sqlite") }

    func endpoints(of name: String) -> ZeroMQTransport.Endpoints {
        ZeroMQTransport.Endpoints(
            publish: folder.endpoint("\(name).p"), replay: folder.endpoint("\(name).r"),
            request: folder.endpoint("\(name).q"))
    }

    private func start(
        _ name: String, publishing stream: StreamName, consuming inputs: [StreamName] = [],
        faults: CounterDomain.Faults = .init(), partitions: Int? = nil
    ) throws -> Counter {
        running.removeAll { $0.isStopped }
        boots += 1
        let store = try Store(path: storePath(of: name), migrations: CounterRecords.migrations)
        var random = SystemRandomNumberGenerator()
        let identity = try store.writer.write {
            try LogIdentity.establish(
                stream: stream, partitions: partitions ?? self.partitions, using: &random, in: $0)
        }
        let domain = CounterDomain()
        domain.faults = faults
        let transport: any Transport
        let client: Counter.Client
        switch provider {
        case .inMemory:
            let member = InMemoryTransport(network: network)
            transport = member
            client = .inMemory(member)
        case .zeroMQ:
            let own = endpoints(of: name)
            let source = endpoints(of: Self.source)
            transport = try ZeroMQTransport(
                context: context, endpoints: own,
                subscriptions: inputs.map {
                    ZeroMQTransport.Subscription(
                        stream: $0, publish: source.publish, replay: source.replay)
                }, logger: silence)
            client = .zeroMQ(
                RequestClient(context: context, endpoint: own.request, caller: "test"))
        }
        let engine = Engine(
            name: name, boot: boots,
            writer: try Writer(
                identity: identity, database: store.writer, domain: domain,
                now: { Instant(milliseconds: 1_786_300_000_000) }),
            database: store.writer, answering: CounterAnswers(), transport: transport,
            settings: Engine<CounterDomain>.Settings(
                inputs: inputs, transactionEventsMax: 500, metricsText: { "# metrics\n" }),
            logger: silence)
        let counter = Counter(name: name, engine: engine, store: store, client: client)
        try engine.start()
        running.append(counter)
        return counter
    }
}

/// Failures are provoked here, and whoever runs tests need not read of them.
private let silence = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

/// A service that counts, at work.
final class Counter {
    enum Client {
        case inMemory(InMemoryTransport)
        case zeroMQ(RequestClient)
    }

    let name: String
    private let engine: Engine<CounterDomain>
    private var store: Store?
    private let client: Client

    init(name: String, engine: Engine<CounterDomain>, store: Store, client: Client) {
        self.name = name
        self.engine = engine
        self.store = store
        self.client = client
    }

    var isStopped: Bool { store == nil }

    /// Ends its threads and gives its store and endpoints back.
    func stop() throws {
        guard let store else { return }
        engine.stop()
        try store.close()
        self.store = nil
    }

    func read<Value>(_ body: (Database) throws -> Value) throws -> Value {
        guard let store else { preconditionFailure("\(name) is stopped") }
        return try store.writer.read(body)
    }

    func records<Value>(_ body: (CounterRecords) throws -> Value) throws -> Value {
        try read { try body(CounterRecords(database: $0)) }
    }

    /// Publishes, and returns when it is committed.
    @discardableResult
    func publish(
        _ numbers: ClosedRange<Int64>, to partition: Int = 0, bytes: Int = 0,
        isUnknown: Bool = false
    ) throws -> [UInt64] {
        let done = BlockingQueue<[UInt64]>()
        let accepted = engine.submit(
            CounterDomain.Errand(
                partition: partition, numbers: numbers, bytes: bytes, isUnknown: isUnknown),
            weight: numbers.count, weightMax: .max
        ) { done.put($0, weight: 1) }
        #expect(accepted)
        return try #require(done.take(weightMax: 1)?.first)
    }

    /// What it published in a partition, as its own log has it.
    func published(in partition: Int) throws -> [Int64] {
        try read { database in
            var numbers: [Int64] = []
            for block in try EventLog.blocks(
                after: 0, partition: partition, bytesMax: .max, in: database)
            {
                try BlockBody.forEachEvent(in: block.body) {
                    numbers.append(try BehaviourEvent(serializedBytes: $0).resident)
                }
            }
            return numbers
        }
    }

    func call<Body: Request>(_ request: Body, key: [UInt8]? = nil) throws -> Body.Reply {
        switch client {
        case .zeroMQ(let client): return try client.call(request, key: key)
        case .inMemory(let transport):
            let body = try JSON.encode(request)
            let exchanged =
                Body.self is any Command.Type
                ? transport.exchange(
                    .command(
                        CommandMessage(
                            method: Body.method, caller: "test",
                            key: key ?? Array(repeating: .random(in: 0...255), count: 16),
                            body: body)))
                : transport.exchange(.query(QueryMessage(method: Body.method, body: body)))
            let reply = try #require(exchanged)
            switch reply.status {
            case .ok: return try JSON.decode(Body.Reply.self, from: reply.body)
            case .refused: throw RequestFailure.refused(code: reply.code, message: reply.message)
            case .conflict: throw RequestFailure.conflict(message: reply.message)
            case .invalid: throw RequestFailure.invalid(code: reply.code, message: reply.message)
            case .busy: throw RequestFailure.busy
            case .unavailable: throw RequestFailure.unavailable(message: reply.message)
            }
        }
    }

    func status() throws -> ServiceStatus { try call(ShowStatus()) }

    /// Waits until it has applied everything that `source` published, and checks that it is that.
    func expectEverything(of source: Counter, partitions: Int) throws {
        for partition in 0..<partitions {
            let numbers = try source.published(in: partition)
            try wait(
                until: "\(name) has \(numbers.count) events of partition \(partition)",
                state: { "\(try status())" },
                { try records { try $0.sequences(in: partition) }.count >= numbers.count })
            #expect(try records { try $0.numbers(in: partition) } == numbers)
            #expect(
                try records { try $0.sequences(in: partition) }
                    == Array(0..<numbers.count).map { Int64($0) + 1 })
        }
        try wait(
            until: "\(name) is live", state: { "\(try status())" },
            { try status().inputs.allSatisfy { $0.state == "live" && $0.cursor == $0.head } })
    }

    func expectStop(of partition: Int = 0) throws {
        try wait(
            until: "\(name) stops partition \(partition)", state: { "\(try status())" },
            { try status().inputs[partition].state.hasPrefix("stopped: ") })
    }
}
