import GRDB
import SimulatedDisk
import Streams
import Testing

/// Real services on disks that fail: what is promised holds, and what is lost is noticed.
struct PowerLossTests {
    /// Seeds in runs, so that both cores have some.
    static let runs = (0..<8 as Range<UInt64>).map { $0 * 20..<($0 + 1) * 20 }

    private func tally(
        _ seeds: some Sequence<UInt64>, synchronous: String? = nil,
        promise: TwoServices.Promise = .durable, lying: Bool = false
    ) -> TwoServices.Tally {
        var tally = TwoServices.Tally()
        for seed in seeds {
            do {
                var services = try TwoServices(
                    seed: seed, synchronous: synchronous, promise: promise)
                services.publisher.disk.lies = lying
                try services.run(steps: 12)
                tally.add(services.tally)
            } catch {
                Issue.record("seed \(seed): \(error)")
            }
        }
        return tally
    }

    @Test(arguments: runs)
    func `what was acknowledged survives every death and every loss of power`(
        seeds: Range<UInt64>
    ) {
        let tally = tally(seeds)
        #expect(tally.regressions == 0 && tally.verdicts.isEmpty)
        #expect(tally.commits > 200 && tally.appliedBlocks > 100, "\(tally)")
        #expect(tally.deaths > 100 && tally.powerLosses > 100, "\(tally)")
    }

    @Test func `a store that does not wait for its disk loses events, and its consumer stops`() {
        let tally = tally(1_000..<1_060, synchronous: "NORMAL", promise: .whole)
        #expect(tally.regressions > 0 && tally.ruins == 0, "\(tally)")
        #expect(tally.ahead > 0 && tally.overtaken > 0, "\(tally)")
        #expect(tally.verdicts == ["ahead", "forked"])
    }

    @Test func `a disk that lies is found in the same way, or by its ruins`() {
        let tally = tally(2_000..<2_060, promise: .nothing, lying: true)
        #expect(tally.regressions > 0, "\(tally)")
        #expect(tally.ahead > 0 && tally.overtaken > 0, "\(tally)")
        #expect(tally.verdicts == ["ahead", "forked"])
    }

    @Test(arguments: [false, true])
    func `a store restored from an older backup stops its consumer`(overtaking: Bool) throws {
        for seed in 3_000..<3_020 as Range<UInt64> {
            var services = try TwoServices(seed: seed, promise: .whole)
            for _ in 0..<3 { try services.publish() }
            let image = services.publisher.disk.backup()
            for _ in 0..<8 { try services.publish() }
            try services.follow()
            try services.restorePublisher(image)
            #expect(services.tally.regressions == 1)
            while overtaking, services.isPublisherBehind { try services.publish() }
            try services.follow()
            try services.proveStopped()
            let tally = services.tally
            #expect(overtaking ? tally.ahead == 0 : tally.ahead > 0, "seed \(seed)")
            #expect(overtaking ? tally.overtaken > 0 : tally.overtaken == 0, "seed \(seed)")
        }
    }

    @Test func `the same seed gives the same story`() throws {
        for seed in [7, 1_007, 2_007] as [UInt64] {
            let lying = seed > 2_000
            let synchronous = seed > 1_000 ? "NORMAL" : nil
            let tallies = (0..<2).map { _ in
                tally(
                    CollectionOfOne(seed), synchronous: synchronous, promise: .nothing,
                    lying: lying)
            }
            #expect(tallies[0] == tallies[1])
        }
    }
}
