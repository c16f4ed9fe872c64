import Foundation
import Logging
package import GRDB
package import Messages
import Model
package import ServiceKit
import Storage
import Streams
import Synchronization
import ZeroMQ

/// Ingestion as a service: partners' events in, `behaviour` out.
package enum IngestionService: ServiceProgram {
    package static let name = "ingestion"
    package static let stream = StreamName.behaviour
    package static let inputs: [(stream: StreamName, service: String)] = []
    /// Few, because a receipt waits for the whole of its transaction.
    package static let transactionEventsMax = 4_000
    package static let settings = [
        Setting("clock", .choice(["system", "manual"]), "what tells the time; fixed at creation"),
        Setting("edge.host", .text("127.0.0.1"), "address on which partners are served"),
        Setting(
            "edge.port", .number(7_401, in: 0...32_767),
            "port on which partners are served; 0 takes a free one from 20000 to 31999"),
        Setting(
            "methodologies", .text("deploy/methodologies"),
            "folder of behaviours.json"),
    ]

    package static var migrations: DatabaseMigrator { IngestionStore.migrations }

    package static func prepare(_ context: ServiceContext) throws -> Prepared<IngestionDomain> {
        do {
            let settings = context.settings
            let catalogue = try BehaviourCatalogue(
                path: settings.text("methodologies") + "/behaviours.json")
            let secrets = try IngestionSecrets.establish(in: context.folder)
            let domain = try IngestionDomain(
                database: context.store.writer, catalogue: catalogue, secrets: secrets,
                clock: settings.text("clock") == "manual" ? .manual(initial: nil) : .system,
                partitions: context.identity.partitions)
            let edgeSettings = PartnerEdge.Settings(
                endpoint: "tcp://\(settings.text("edge.host")):\(settings.number("edge.port"))",
                keys: try PartnerEdge.Settings.establishKeys(in: context.folder),
                storeFolder: context.folder.path + "/stores")
            return Prepared(domain: domain, answering: IngestionAnswers(face: domain.face)) {
                engine in
                let edge = try PartnerEdge(
                    settings: edgeSettings, context: context.zeroMQ, directory: domain.directory,
                    catalogue: catalogue, secrets: secrets,
                    submit: { errand, completion in
                        engine.submit(
                            errand, weight: errand.weight, weightMax: Limits.eventsWaitingMax,
                            completion: completion)
                    })
                return [
                    Ticking(engine: engine),
                    RunningEdge(edge, keys: edgeSettings.keys, logger: context.logger),
                ]
            }
        } catch let error as CatalogueError {
            throw ConfigurationProblem("\(error)")
        } catch let error as IngestionStartError {
            throw ConfigurationProblem("\(error)")
        }
    }

    enum Limits {
        /// Events that may wait for the writer.
        ///
        /// Credit is what bounds them. This lies above all that credit promises, because what was
        /// promised is not refused.
        static let eventsWaitingMax = 64_000
        static let tickSeconds = 1.0
    }
}

extension IngestionErrand {
    /// How much of a transaction it is, in events.
    fileprivate var weight: Int {
        switch self {
        case .batch(let batch): max(1, batch.items.count)
        case .tick: 0
        }
    }
}

/// Reads this machine's clock and tells the domain: nothing else in a service looks at one.
private final class Ticking: Companion {
    let endpoints: [String: String] = [:]
    private let engine: Engine<IngestionDomain>
    private let ending = BlockingQueue<Void>()

    init(engine: Engine<IngestionDomain>) { self.engine = engine }

    func start() {
        _ = OwnThread(named: "clock") { [self] in
            while !ending.isClosed {
                let now = Instant(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
                // A tick that finds no room is made good by the next.
                _ = engine.submit(.tick(now), weight: 0, weightMax: .max) { _ in }
                ending.pause(seconds: IngestionService.Limits.tickSeconds)
            }
        }
    }

    func stop() { ending.close() }
}

/// The partners' edge as a part of the service; the service does not outlive it.
private final class RunningEdge: Companion {
    private let edge: PartnerEdge
    private let keys: CurveKeys
    private let logger: Logger
    private let endpoint = Mutex("")

    init(_ edge: PartnerEdge, keys: CurveKeys, logger: Logger) {
        self.edge = edge
        self.keys = keys
        self.logger = logger
    }

    var endpoints: [String: String] {
        ["edge": endpoint.withLock { $0 }, "edgeKey": keys.publicKey.z85]
    }

    func start() throws {
        let bound = try waiting(for: { [edge] in try await edge.start() })
        endpoint.withLock { $0 = bound }
        Task { [edge, logger] in
            do {
                try await edge.ended()
            } catch {
                logger.critical("the edge failed", metadata: ["error": "\(error)"])
                fatalError("the edge failed: \(error)")
            }
        }
    }

    func stop() {
        do {
            try waiting(for: { [edge] in try await edge.stop() })
        } catch {
            logger.error("the edge did not end in order", metadata: ["error": "\(error)"])
        }
    }

    /// Waits, on the lifecycle's own thread, for what the edge answers asynchronously.
    private func waiting<Value: Sendable>(
        for body: @escaping @Sendable () async throws -> Value
    ) throws -> Value {
        let answers = BlockingQueue<Result<Value, any Error>>()
        Task {
            do {
                answers.put(.success(try await body()), weight: 0)
            } catch {
                answers.put(.failure(error), weight: 0)
            }
        }
        guard let answer = answers.take(weightMax: 1)?.first else {
            preconditionFailure("nobody closes this queue")
        }
        return try answer.get()
    }
}
