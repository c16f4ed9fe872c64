import GRDB
import Messages
import SimulatedDisk
import Streams
import StreamsTestKit
import Testing

/// Commits that fail and do not kill: nothing has happened, and the same work succeeds later.
struct FailureTests {
    private typealias Publisher = SimulatedProcess<ReportsDomain>

    private var random = SplitMix64(seed: 11)

    private func publisher(
        _ random: inout SplitMix64, checkpointPages: Int? = nil
    ) throws -> Publisher {
        let publisher = Publisher(
            .behaviour, checkpointPages: checkpointPages, migrations: ReportsDomain.migrations,
            domain: { _ in ReportsDomain() })
        try publisher.start(using: &random)
        return publisher
    }

    private func job(_ numbers: ClosedRange<Int64>) -> Writer<ReportsDomain>.Job {
        .errand(
            ReportsDomain.Errand(
                reports: numbers.map {
                    ReportsDomain.Report(
                        number: $0, resident: $0, unit: String(repeating: "u", count: 2_000))
                }), 1)
    }

    private func log(_ publisher: Publisher) throws -> [[Block]] {
        let identity = try publisher.running.identity
        return try publisher.read { try ReportsDomain.proven(identity, in: $0) }
    }

    private func blocks(_ log: [[Block]]) -> [Int] { log.map(\.count) }

    @Test(arguments: [SimulatedDisk.Failure.inputOutput, .full], [nil, 3])
    func `whatever fails in a commit, nothing has happened and the same jobs succeed`(
        failure: SimulatedDisk.Failure, checkpointPages: Int?
    ) throws {
        var random = random
        var failures = 0
        for operation in [SimulatedDisk.Operation.write, .sync, .read, .open] {
            var failing = 1
            while true {
                let publisher = try publisher(&random, checkpointPages: checkpointPages)
                _ = try publisher.running.commit([job(1...2)])
                let before = try log(publisher)
                let heads = try publisher.running.heads
                var left = failing
                publisher.disk.judge = { asked, _ in
                    guard asked == operation else { return .go }
                    left -= 1
                    return left == 0 ? .fail(failure) : .go
                }
                let isDone = (try? publisher.running.commit([job(3...8)])) != nil
                publisher.disk.judge = nil
                if !isDone {
                    failures += 1
                    #expect(try log(publisher) == before, "\(operation) \(failing)")
                    // Only what has been asked to go on has looked at the store again.
                    let commit = try publisher.running.commit([job(3...8)])
                    #expect(commit.results.first?.1.count == 6)
                    #expect(commit.blocks.first?.first == (heads.first?.sequence ?? 0) + 1)
                }
                let after = try log(publisher)
                #expect(blocks(after) == [2, 2])
                // What succeeded after a failure is as safe as anything else.
                publisher.losePower(using: &random)
                try publisher.start(using: &random)
                #expect(try log(publisher) == after, "\(operation) \(failing)")
                if left > 0 { break }
                failing += 1
            }
        }
        // A commit of a few pages is one write, for what lies side by side goes at once, and one
        // sync.
        #expect(failures >= 2)
    }

    @Test func `a failed commit may come back with the next process, and only whole`() throws {
        var random = random
        var returned = 0
        for _ in 0..<60 {
            let publisher = try publisher(&random)
            _ = try publisher.running.commit([job(1...2)])
            publisher.disk.judge = { operation, _ in
                operation == .sync ? .fail(.inputOutput) : .go
            }
            #expect(throws: DatabaseError.self) {
                try publisher.running.commit([job(3...8)])
            }
            publisher.disk.judge = nil
            if random.once(in: 2) {
                publisher.kill()
            } else {
                publisher.losePower(using: &random)
            }
            try publisher.start(using: &random)
            let log = try log(publisher)
            #expect(blocks(log) == [1, 1] || blocks(log) == [2, 2])
            if blocks(log) == [2, 2] { returned += 1 }
            // What a start has found is published, so it must not go away any more.
            publisher.losePower(using: &random)
            try publisher.start(using: &random)
            #expect(try self.log(publisher) == log)
        }
        #expect(returned > 0 && returned < 60)
    }

    @Test func `a disk that is full for a while costs nothing but time`() throws {
        var random = random
        for spare in stride(from: 0, through: 60_000, by: 3_000) {
            let publisher = try publisher(&random)
            _ = try publisher.running.commit([job(1...2)])
            publisher.disk.capacity = publisher.disk.bytesOnDisk + spare
            var next: Int64 = 3
            let error = #expect(throws: DatabaseError.self) {
                while true {
                    _ = try publisher.running.commit([job(next...next + 3)])
                    next += 4
                }
            }
            #expect(error?.resultCode == .SQLITE_FULL)
            for _ in 0..<3 {
                #expect(throws: DatabaseError.self) {
                    try publisher.running.commit([job(next...next + 3)])
                }
            }
            publisher.disk.capacity = nil
            _ = try publisher.running.commit([job(next...next + 3)])
            let after = try log(publisher)
            publisher.losePower(using: &random)
            try publisher.start(using: &random)
            #expect(try log(publisher) == after)
        }
    }

    @Test func `a store that cannot even be read stays stale until it can`() throws {
        var random = random
        let publisher = try publisher(&random)
        _ = try publisher.running.commit([job(1...2)])
        publisher.disk.judge = { _, _ in .fail(.inputOutput) }
        for _ in 0..<3 {
            #expect(throws: DatabaseError.self) {
                try publisher.running.commit([job(3...8)])
            }
        }
        publisher.disk.judge = nil
        _ = try publisher.running.commit([job(3...8)])
        #expect(blocks(try log(publisher)) == [2, 2])
    }
}
