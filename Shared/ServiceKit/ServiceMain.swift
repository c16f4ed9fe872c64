import Foundation
import GRDB
import Logging
import Messages
import Metrics
import Model
import Observability
import ServiceLifecycle
import Storage
import Streams
import UnixSignals
import ZeroMQ

/// How every service starts and stops.
package enum ServiceMain {
    /// Runs `program` until it is told to stop; the whole of a service's `main`.
    package static func run<Program: ServiceProgram>(_ program: Program.Type) async -> Never {
        do {
            let settings = try await Settings(
                of: program.name, table: Setting.common + program.settings,
                arguments: CommandLine.arguments,
                environment: ProcessInfo.processInfo.environment)
            let level = Logger.Level(rawValue: settings.text("logLevel")) ?? .info
            LoggingSystem.bootstrap { JSONLogHandler(label: $0, level: level) }
            let registry = MetricsRegistry()
            MetricsSystem.bootstrap(registry)
            let logger = Logger(label: program.name)
            let running = RunningService(
                program, settings: settings, registry: registry, logger: logger)
            var configuration = ServiceGroupConfiguration(
                services: [
                    .init(
                        service: running, successTerminationBehavior: .gracefullyShutdownGroup,
                        failureTerminationBehavior: .gracefullyShutdownGroup)
                ], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
            configuration.maximumGracefulShutdownDuration = .seconds(20)
            configuration.maximumCancellationDuration = .seconds(5)
            try await ServiceGroup(configuration: configuration).run()
            exit(0)
        } catch let problem as ConfigurationProblem {
            complain(program.name, problem.description, code: 78)
        } catch let problem as SecretFileError {
            complain(program.name, problem.description, code: 78)
        } catch let problem as LogIdentityError {
            complain(program.name, problem.description, code: 78)
        } catch {
            complain(program.name, "\(error)", code: 1)
        }
    }

    private static func complain(_ name: String, _ what: String, code: Int32) -> Never {
        FileHandle.standardError.write(Data("\(name): \(what)\n".utf8))
        exit(code)
    }
}

/// A service between its start and its end, for the service group.
private struct RunningService<Program: ServiceProgram>: Service {
    let settings: Settings
    let registry: MetricsRegistry
    let logger: Logger

    init(
        _ program: Program.Type, settings: Settings, registry: MetricsRegistry, logger: Logger
    ) {
        self.settings = settings
        self.registry = registry
        self.logger = logger
    }

    func run() async throws {
        // Starting and stopping open stores, bind sockets and wait for threads: not on Swift's
        // pool.
        let started = try await onOwnThread { try start() }
        try? await gracefulShutdown()
        try await onOwnThread { started.stop() }
    }

    private func start() throws -> Started {
        let path = URL(filePath: settings.text("data")).standardizedFileURL.path(
            percentEncoded: false)
        let folder = DataFolder(path.hasSuffix("/") ? String(path.dropLast()) : path)
        for path in folder.folders {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
        }
        let store = try Store(
            path: folder.store(of: Program.name), migrations: Program.migrations)
        var generator = SystemRandomNumberGenerator()
        let identity = try store.writer.write { database in
            try LogIdentity.establish(
                stream: Program.stream, partitions: settings.number("partitions"),
                using: &generator, in: database)
        }
        let zeroMQ = try Context()
        let prepared = try Program.prepare(
            ServiceContext(
                settings: settings, folder: folder, store: store,
                secrets: Secrets(folder: folder), identity: identity, zeroMQ: zeroMQ,
                logger: logger))
        let writer = try Writer(
            identity: identity, database: store.writer, domain: prepared.domain,
            now: { Instant(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000)) })
        let endpoints = ZeroMQTransport.Endpoints(
            publish: folder.endpoint(of: Program.name, plane: "publish"),
            replay: folder.endpoint(of: Program.name, plane: "replay"),
            request: folder.endpoint(of: Program.name, plane: "request"))
        let transport = try ZeroMQTransport(
            context: zeroMQ, endpoints: endpoints,
            subscriptions: Program.inputs.map { input in
                ZeroMQTransport.Subscription(
                    stream: input.stream,
                    publish: folder.endpoint(of: input.service, plane: "publish"),
                    replay: folder.endpoint(of: input.service, plane: "replay"))
            }, logger: logger)
        let boot = UInt64.random(in: 1...UInt64.max)
        let engine = Engine(
            name: Program.name, boot: boot, writer: writer, database: store.writer,
            answering: prepared.answering, transport: transport,
            settings: .init(
                inputs: Program.inputs.map(\.stream),
                transactionEventsMax: Program.transactionEventsMax,
                gathering: Program.gathering,
                metricsText: { [registry] in registry.rendered() }),
            logger: logger)
        let companions = try prepared.companions(engine)
        try engine.start()
        var file = RunFile(
            service: Program.name, pid: ProcessInfo.processInfo.processIdentifier,
            boot: String(boot, radix: 16), stream: Program.stream.rawValue,
            endpoints: [
                "publish": endpoints.publish, "replay": endpoints.replay,
                "request": endpoints.request,
            ])
        for companion in companions {
            try companion.start()
            file.endpoints.merge(companion.endpoints) { $1 }
        }
        try file.write(to: folder)
        logger.info("up", metadata: ["data": "\(folder.path)", "boot": "\(file.boot)"])
        return Started { [file] in
            for companion in companions.reversed() { companion.stop() }
            engine.stop()
            file.remove(from: folder)
            do {
                try store.close()
            } catch {
                logger.error("the store did not close", metadata: ["error": "\(error)"])
            }
            logger.info("down")
        }
    }
}

/// How to end what was started.
private struct Started: Sendable {
    let stop: @Sendable () -> Void

    init(stop: @escaping @Sendable () -> Void) { self.stop = stop }
}

/// Runs `body` on a thread of its own and waits without blocking Swift's pool.
private func onOwnThread<Value: Sendable>(
    _ body: @escaping @Sendable () throws -> Value
) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        _ = OwnThread(named: "lifecycle") {
            continuation.resume(with: Result { try body() })
        }
    }
}
