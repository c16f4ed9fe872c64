import ArgumentParser
import Foundation
import Messages
import Storage
import Streams

struct StreamCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stream", abstract: "What services published, read from their stores.",
        subcommands: [Tail.self, Verify.self])

    struct Tail: OperatorCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prints a service's last events, a JSON line each.")

        @Argument(help: "ingestion, scoring, rewards or credit-profile.") var service: ServiceName
        @Option(help: ArgumentHelp("Begin at this sequence.", valueName: "sequence"))
        var from: UInt64?
        @Option(help: "Without --from, how many of the last events.") var last: UInt64 = 10
        @Option(help: "Which partition.") var partition = 0
        @Flag(help: "Go on printing what is published, until interrupted.") var follow = false
        @OptionGroup var common: CommonOptions

        private static let pageBytesMax = 1 << 20
        private static let pauseSeconds = 0.2

        func perform(at desk: Desk) throws {
            let store = try desk.store(of: service)
            let identity = try store.read { try LogIdentity.load(from: $0) }
            guard let identity else {
                throw Failure(.refused, "\(service.rawValue) has not made its log yet: start it")
            }
            guard (0..<identity.partitions).contains(partition) else {
                throw Failure(
                    .refused, "--partition takes 0 to \(identity.partitions - 1) in this deployment"
                )
            }
            let head = try store.read {
                try EventLog.heads(of: identity, in: $0)[partition].sequence
            }
            var next = max(1, from ?? (head > last ? head - last + 1 : 1))
            while true {
                let blocks = try store.read {
                    try EventLog.blocks(
                        holding: next, partition: partition, bytesMax: Self.pageBytesMax, in: $0)
                }
                for block in blocks {
                    desk.write(try EventText.lines(of: block, stream: identity.stream, from: next))
                    next = block.last + 1
                }
                if !blocks.isEmpty { continue }
                guard follow else { return }
                Thread.sleep(forTimeInterval: Self.pauseSeconds)
            }
        }
    }

    struct Verify: OperatorCommand {
        static let configuration = CommandConfiguration(
            abstract: "Recomputes the chain of a service's log, or of all logs.",
            discussion: "Exits with 1 if a block is damaged, and names the first.")

        @Argument(help: "ingestion, scoring, rewards or credit-profile.") var service: ServiceName?
        @OptionGroup var common: CommonOptions

        func perform(at desk: Desk) throws {
            var results: [LogCheck.Result] = []
            for service in service.map({ [$0] }) ?? ServiceName.allCases {
                guard let log = try LogCheck(store: desk.store(of: service)).run() else {
                    throw Failure(
                        .refused, "\(service.rawValue) has not made its log yet: start it")
                }
                results += log
            }
            try desk.show(results) { results in
                var table = Table("LOG", ">BLOCKS", ">EVENTS", "CHAIN", "VERDICT")
                for log in results {
                    table.add(
                        "\(log.stream)/\(log.partition)", Wording.count(log.blocks),
                        Wording.count(log.sequence), String(log.chain.prefix(16)),
                        log.damage.map { "✗ " + $0 } ?? "✓ holds")
                }
                return table.lines
            }
            if let damaged = results.first(where: { $0.damage != nil }) {
                throw Failure(
                    .refused,
                    "\(damaged.stream)/\(damaged.partition) is damaged: \(damaged.damage ?? ""); "
                        + "restore its store from the last backup")
            }
        }
    }
}

extension Desk {
    /// A service's store, opened to look and never to touch, whether the service is up or not.
    func store(of service: ServiceName) throws -> StoreReader {
        let path = folder.store(of: service.rawValue)
        guard FileManager.default.fileExists(atPath: path) else {
            throw Failure(
                .configuration,
                "there is no store of \(service.rawValue) at \(path): name the data folder with "
                    + "--data, or start the service once")
        }
        do {
            return try StoreReader(path: path)
        } catch {
            throw Failure(.configuration, "\(path) cannot be opened: \(error)")
        }
    }
}
