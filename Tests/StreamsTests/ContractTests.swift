import Foundation
import GRDB
import Messages
import Storage
import Streams
import TestKit
import Testing

/// What a service may expect of whatever carries its messages.
///
/// Every provider passes it, with one partition and with several.
@Suite(.serialized)
struct ContractTests {
    @Test(arguments: ContractCase.all)
    func `everything published is applied once and in order`(contract: ContractCase) async throws {
        try await onThread {
            let deployment = try Deployment(contract)
            let source = try deployment.startSource()
            let reader = try deployment.startReader("reader")
            for round in 0..<30 {
                let first = Int64(round * 10)
                try source.publish(first...first + 9, to: round % contract.partitions)
            }
            try reader.expectEverything(of: source, partitions: contract.partitions)
            #expect(try reader.records { try $0.total() } == 300)
            #expect(try reader.status().heads.reduce(0) { $0 + $1.points } == 600)
            try reader.stop()
            try source.stop()
        }
    }

    @Test(arguments: ContractCase.all)
    func `a consumer that starts late catches up`(contract: ContractCase) async throws {
        try await onThread {
            let deployment = try Deployment(contract)
            let source = try deployment.startSource()
            // Three megabytes, so that it takes several pages.
            for round in 0..<60 {
                let first = Int64(round * 20)
                try source.publish(
                    first...first + 19, to: round % contract.partitions, bytes: 2_500)
            }
            let reader = try deployment.startReader("reader")
            try source.publish(5_000...5_009)
            try reader.expectEverything(of: source, partitions: contract.partitions)
            try reader.stop()
            try source.stop()
        }
    }

    @Test(arguments: ContractCase.all)
    func `a consumer that starts before its publisher waits for it`(
        contract: ContractCase
    ) async throws {
        try await onThread {
            let deployment = try Deployment(contract)
            let reader = try deployment.startReader("reader")
            #expect(try reader.status().inputs.allSatisfy { $0.cursor == 0 })
            let source = try deployment.startSource()
            try source.publish(1...10)
            try reader.expectEverything(of: source, partitions: contract.partitions)
            try reader.stop()
            try source.stop()
        }
    }

    @Test(arguments: ContractCase.all)
    func `a consumer that is restarted goes on where it was`(contract: ContractCase) async throws {
        try await onThread {
            let deployment = try Deployment(contract)
            let source = try deployment.startSource()
            for round in 0..<4 {
                let first = Int64(round * 1_000)
                let reader = try deployment.startReader("reader")
                try source.publish(first...first + 99, to: round % contract.partitions)
                // It is stopped wherever it happens to be, the last time excepted.
                if round == 3 {
                    try reader.expectEverything(of: source, partitions: contract.partitions)
                }
                try reader.stop()
                try source.publish(first + 100...first + 119)
            }
            let reader = try deployment.startReader("reader")
            try reader.expectEverything(of: source, partitions: contract.partitions)
            try reader.stop()
            try source.stop()
        }
    }

    @Test(arguments: ContractCase.all)
    func `a publisher may be restarted in the midst`(contract: ContractCase) async throws {
        try await onThread {
            let deployment = try Deployment(contract)
            var source = try deployment.startSource()
            let reader = try deployment.startReader("reader")
            for round in 0..<4 {
                let first = Int64(round * 1_000)
                for part in 0..<10 {
                    let number = first + Int64(part * 10)
                    try source.publish(number...number + 9, to: part % contract.partitions)
                }
                if round == 1 {
                    try reader.expectEverything(of: source, partitions: contract.partitions)
                }
                try source.stop()
                source = try deployment.startSource()
            }
            try source.publish(9_000...9_009)
            try reader.expectEverything(of: source, partitions: contract.partitions)
            try reader.stop()
            try source.stop()
        }
    }

    @Test(arguments: ContractCase.all)
    func `several consumers each get everything`(contract: ContractCase) async throws {
        try await onThread {
            let deployment = try Deployment(contract)
            let source = try deployment.startSource()
            var readers: [Counter] = []
            for index in 0..<4 {
                readers.append(try deployment.startReader("reader-\(index)"))
                let first = Int64(index * 100)
                try source.publish(first...first + 49, to: index % contract.partitions)
            }
            for reader in readers {
                try reader.expectEverything(of: source, partitions: contract.partitions)
            }
            // Having applied the same, they have said the same.
            let heads = try readers.map { try $0.status().heads.map(\.points) }
            #expect(Set(heads).count == 1)
            for reader in readers { try reader.stop() }
            try source.stop()
        }
    }

    @Test(arguments: ContractCase.all)
    func `large events pass`(contract: ContractCase) async throws {
        try await onThread {
            let deployment = try Deployment(contract)
            let source = try deployment.startSource()
            let reader = try deployment.startReader("reader")
            let sizes = [65_535, 65_536, 70_000, 300_000, 1_048_500, 10]
            for (index, size) in sizes.enumerated() {
                let number = Int64(index)
                try source.publish(
                    number...number, to: index % contract.partitions, bytes: size)
            }
            try reader.expectEverything(of: source, partitions: contract.partitions)
            let late = try deployment.startReader("late")
            try late.expectEverything(of: source, partitions: contract.partitions)
            for reader in [reader, late] { try reader.stop() }
            try source.stop()
        }
    }

    @Test(arguments: ContractCase.all)
    func `a store that fails for a while delays everything and loses nothing`(
        contract: ContractCase
    ) async throws {
        try await onThread {
            let deployment = try Deployment(contract)
            let source = try deployment.startSource()
            let reader = try deployment.startReader(
                "reader", faults: CounterDomain.Faults(flushes: 3, applies: 1, rollbacks: 1))
            // More than may wait for a consumer that applies nothing.
            for index in 0..<7 {
                let number = Int64(index)
                try source.publish(
                    number...number, to: index % contract.partitions, bytes: 1_000_000)
            }
            try reader.expectEverything(of: source, partitions: contract.partitions)
            try reader.stop()
            try source.stop()
        }
    }

    @Test(arguments: ContractCase.all)
    func `commands and queries are answered`(contract: ContractCase) async throws {
        try await onThread {
            let deployment = try Deployment(contract)
            let source = try deployment.startSource()
            let reader = try deployment.startReader("reader")
            let key = Array("0123456789abcdef".utf8)
            let wanted = Spend(amount: 4)
            #expect(throws: RequestFailure.refused(code: "too_little", message: "there are only 0"))
            {
                try reader.call(wanted, key: key)
            }
            try source.publish(1...10)
            try reader.expectEverything(of: source, partitions: contract.partitions)

            #expect(try reader.call(wanted, key: key) == Spend.Reply(left: 6))
            #expect(try reader.call(wanted, key: key) == Spend.Reply(left: 6))
            #expect(try reader.call(ShowTotal()) == ShowTotal.Reply(total: 6))
            #expect(
                throws: RequestFailure.conflict(
                    message: "this key was used for another request; take a new key")
            ) {
                try reader.call(Spend(amount: 5), key: key)
            }
            #expect(throws: RequestFailure.self) { try reader.call(UnknownQuery()) }
            #expect(try reader.call(ShowMetrics()).text == "# metrics\n")
            #expect(try reader.call(ListDeadLetters()).items.isEmpty)
            let status = try reader.status()
            #expect(status.service == "reader")
            #expect(status.stream == "points")
            #expect(status.inputs.count == contract.partitions)
            #expect(status.heads.map(\.sequence).reduce(0, +) == 11)
            try reader.stop()
            try source.stop()
        }
    }

    @Test(arguments: ContractCase.all)
    func `what can never be applied is laid aside, and the rest goes on`(
        contract: ContractCase
    ) async throws {
        try await onThread {
            let deployment = try Deployment(contract)
            let source = try deployment.startSource()
            let reader = try deployment.startReader("reader")
            try source.publish(-2...1)
            try wait(until: "all is applied", { try reader.status().inputs[0].cursor == 4 })
            let letters = try reader.call(ListDeadLetters()).items
            #expect(letters.map(\.sequence) == [1, 2])
            #expect(
                letters.map(\.reason) == ["nobody counts backwards", "nobody counts backwards"])
            #expect(try reader.status().deadLetters == 2)
            #expect(try reader.records { try $0.numbers(in: 0) } == [0, 1])
            try reader.stop()
            try source.stop()
        }
    }

    @Test(arguments: ContractCase.all)
    func `an unknown event that must not be skipped stops its partition alone`(
        contract: ContractCase
    ) async throws {
        try await onThread {
            let deployment = try Deployment(contract)
            let source = try deployment.startSource()
            let reader = try deployment.startReader("reader")
            try source.publish(1...5)
            try source.publish(0...0, isUnknown: true)
            for round in 1...20 { try source.publish(Int64(round)...Int64(round)) }
            try reader.expectStop()
            #expect(try reader.records { try $0.numbers(in: 0) } == [1, 2, 3, 4, 5])
            if contract.partitions > 1 {
                try source.publish(7...9, to: 1)
                try wait(
                    until: "the other partition goes on",
                    { try reader.records { try $0.numbers(in: 1) } == [7, 8, 9] })
            }
            #expect(try reader.call(Spend(amount: 1)).left == reader.records { try $0.total() })
            try reader.stop()
            try source.stop()
        }
    }

    @Test(arguments: ContractCase.all)
    func `a consumer divided otherwise than its publisher stops`(
        contract: ContractCase
    ) async throws {
        try await onThread {
            let deployment = try Deployment(contract)
            let source = try deployment.startSource()
            let reader = try deployment.startReader(
                "reader", partitions: contract.partitions + 1)
            try reader.expectStop()
            try reader.stop()
            try source.stop()
        }
    }

    // MARK: Forks

    @Test(arguments: ContractCase.all, [true, false])
    func `a publisher with another log stops its consumer, which still answers`(
        contract: ContractCase, isRestarted: Bool
    ) async throws {
        try await onThread {
            let deployment = try Deployment(contract)
            var source = try deployment.startSource()
            var reader = try deployment.startReader("reader")
            try source.publish(1...20)
            try reader.expectEverything(of: source, partitions: contract.partitions)
            if isRestarted { try reader.stop() }
            try source.stop()
            try FileManager.default.removeItem(
                atPath: deployment.storePath(of: Deployment.source))
            source = try deployment.startSource()
            try source.publish(101...130)
            if isRestarted { reader = try deployment.startReader("reader") }
            try reader.expectStop()
            try source.publish(131...140)
            #expect(try reader.call(ShowTotal()).total == 20)
            #expect(try reader.records { try $0.numbers(in: 0) } == Array(1...20))
            try reader.stop()
            try source.stop()
        }
    }

    /// An older copy has lost events: it ends before the consumer's cursor, or, once it has
    /// written others in their place, goes another way.
    @Test(arguments: ContractCase.all, [0, 5, 40])
    func `a publisher restored from an older copy stops its consumer`(
        contract: ContractCase, others: Int64
    ) async throws {
        try await onThread {
            let deployment = try Deployment(contract)
            let path = deployment.storePath(of: Deployment.source)
            let copy = path + ".old"
            var source = try deployment.startSource()
            let reader = try deployment.startReader("reader")
            try source.publish(1...10)
            try source.stop()
            try FileManager.default.copyItem(atPath: path, toPath: copy)
            source = try deployment.startSource()
            try source.publish(11...30)
            try reader.expectEverything(of: source, partitions: contract.partitions)
            try source.stop()

            try FileManager.default.removeItem(atPath: path)
            try FileManager.default.moveItem(atPath: copy, toPath: path)
            source = try deployment.startSource()
            if others > 0 { try source.publish(501...500 + others) }
            try reader.expectStop()
            #expect(try reader.call(ShowTotal()).total == 30)
            #expect(try reader.records { try $0.numbers(in: 0) } == Array(1...30))
            try reader.stop()
            try source.stop()
        }
    }
}

private struct UnknownQuery: Query {
    static let method = "counter.unknown"
    typealias Reply = String
}
