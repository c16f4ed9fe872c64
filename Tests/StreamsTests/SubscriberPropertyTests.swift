import Foundation
import Streams
import Testing

/// Whatever the network does: what is delivered is the log from its beginning, in order, once; and
/// when faults stop, everything arrives.
struct SubscriberPropertyTests {
    static let seedsPerBatch: UInt64 = 250

    /// A fixed set that every run covers; `STREAMS_SEED` replays one run of it.
    @Test(arguments: 0..<8)
    func `everything arrives once and in order`(batch: UInt64) throws {
        var tally = SubscriberSimulation.Tally()
        let first = batch * Self.seedsPerBatch
        let replayed = ProcessInfo.processInfo.environment["STREAMS_SEED"].flatMap(UInt64.init)
        let seeds = replayed.map { $0..<$0 + 1 } ?? first..<first + Self.seedsPerBatch
        for seed in seeds {
            var simulation = SubscriberSimulation(seed: seed)
            do {
                try simulation.run()
            } catch {
                Issue.record("seed \(seed): \(error)")
                return
            }
            tally.events += simulation.tally.events
            tally.restarts += simulation.tally.restarts
            tally.renewals += simulation.tally.renewals
        }
        #expect(tally.events > 0)
        if replayed == nil {
            #expect(tally.restarts > 100)
            #expect(tally.renewals > 100)
        }
    }

    @Test(arguments: 0..<40)
    func `without faults nothing is asked for but to acknowledge`(seed: UInt64) throws {
        var simulation = SubscriberSimulation(seed: seed, faulty: false)
        try simulation.run()
        // The start asks once or twice a partition; then once every two seconds, for at most 42.
        #expect(simulation.tally.fetches <= 3 * 24)
        #expect(simulation.tally.renewals == 0)
    }
}
