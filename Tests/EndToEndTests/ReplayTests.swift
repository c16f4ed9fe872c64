import Foundation
import TestKit
import Testing

/// Recorded streams through the real processes, held against an oracle that shares nothing with
/// them.
@Suite(.serialized) struct ReplayTests {
    @Test(arguments: ["ordinary-day", "caps-and-periods", "midnight", "edges-of-validation"])
    func `a recorded stream comes to what the oracle says, to the milligram and the point`(
        name: String
    ) async throws {
        try await onThread {
            let deployment = try Deployment()
            try deployment.start()
            let city = City.recorded(name)
            try deployment.replay(city.path)
            try city.expectOracle(of: deployment)
            try deployment.order("audit", "--full")
        }
    }

    @Test func `the same stream twice changes nothing`() async throws {
        try await onThread {
            let deployment = try Deployment()
            // Under a clock that stands still: what was in the future stays there.
            let city = try City.recorded("ordinary-day")
                .inAnyOrder(named: "any-order", in: deployment.path)
            try deployment.start()
            try deployment.replay(city.path)
            let first = try deployment.dump()
            try deployment.replay(city.path)
            #expect(try deployment.dump() == first)
            try deployment.order("audit", "--full")
        }
    }

    @Test func `a shuffled stream comes to the same dump`() async throws {
        let seed = UInt64.random(in: 0 ... .max)
        try await onThread {
            let straight = try Deployment()
            let city = try City.recorded("ordinary-day")
                .inAnyOrder(named: "any-order", in: straight.path)
            try straight.start()
            try straight.replay(city.path)
            let expected = try straight.dump()
            for service in Deployment.services { straight.kill(service, signal: SIGTERM) }

            let other = try Deployment(withKeysOf: straight)
            let shuffled = try city.shuffled(seed: seed, named: "shuffled", in: other.path)
            try other.start()
            try other.replay(shuffled.path)
            #expect(try other.dump() == expected, "seed \(seed)")
            try shuffled.expectOracle(of: other)
        }
    }

    @Test func `split over more partners, every resident has the same totals`() async throws {
        try await onThread {
            let whole = try Deployment()
            let city = try City.recorded("ordinary-day")
                .inAnyOrder(named: "any-order", in: whole.path)
            try whole.start()
            try whole.replay(city.path)
            let expected = try CanonicalDump(whole.dump())
            for service in Deployment.services { whole.kill(service, signal: SIGTERM) }

            let other = try Deployment(withKeysOf: whole)
            let split = try city.splitOverTwiceThePartners(named: "split", in: other.path)
            try other.start()
            try other.replay(split.path)
            let found = try CanonicalDump(other.dump())
            #expect(found.periods == expected.periods)
            #expect(found.balances == expected.balances)
            #expect(found.lots == expected.lots)
            try split.expectOracle(of: other)
        }
    }
}
