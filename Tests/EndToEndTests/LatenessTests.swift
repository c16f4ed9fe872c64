import Foundation
import Messages
import TestKit
import Testing

/// Consumers that come late, or stand still for a while.
@Suite(.serialized) struct LatenessTests {
    /// Resident memory of a service that is 20,000 events behind and catches up.
    static let residentBytesMax = 200 << 20

    @Test func `scoring started twenty thousand events late catches up, and nobody waited`()
        async throws
    {
        try await onThread {
            let deployment = try Deployment()
            let city = try City.generated(
                seed: 11, residents: 2_000, events: 21_000, in: deployment.path)
            try deployment.start(["ingestion", "rewards", "credit-profile"])
            try deployment.order("city", "load", city.path)
            // Every receipt arrives though nothing downstream of ingestion runs.
            try deployment.order("publish", city.path, "--json")
            #expect(try deployment.status(of: "ingestion")?.heads.first?.sequence ?? 0 > 20_000)

            try deployment.start(["scoring"])
            try deployment.settle()
            for service in Deployment.services {
                #expect(try deployment.residentBytes(of: service) < Self.residentBytesMax)
            }
            try city.expectOracle(of: deployment)
            try deployment.order("audit", "--full")
        }
    }

    @Test func `scoring that stood still catches up, and nobody waited`() async throws {
        try await onThread {
            let deployment = try Deployment()
            let city = try City.generated(
                seed: 12, residents: 500, events: 5_000, in: deployment.path)
            try deployment.start()
            try deployment.order("city", "load", city.path)
            deployment.signal("scoring", SIGSTOP)
            try deployment.order("publish", city.path, "--json")
            deployment.signal("scoring", SIGCONT)
            try deployment.settle()
            try city.expectOracle(of: deployment)
            try deployment.order("audit", "--full")
        }
    }
}
