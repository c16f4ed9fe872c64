import Foundation
import Messages
import Streams
import TestKit
import Testing

/// Services killed without warning: an accepted event counts exactly once all the same.
@Suite(.serialized) struct CrashTests {
    static let killsMin = 12

    @Test func `services killed while a day is published come to the undisturbed dump`()
        async throws
    {
        let seed = UInt64.random(in: 0 ... .max)
        try await onThread {
            let calm = try Deployment()
            let city = try City.generated(seed: 7, residents: 400, events: 6_000, in: calm.path)
            try calm.start()
            try calm.replay(city.path)
            let expected = try calm.dump()
            try city.expectOracle(of: calm)
            for service in Deployment.services { calm.kill(service, signal: SIGTERM) }

            let stormy = try Deployment(withKeysOf: calm)
            try stormy.start()
            try stormy.order("city", "load", city.path)
            let publishing = try stormy.begin(
                "publish", city.path, "--rate", "150", "--patience", "120s",
                output: stormy.path + "/publish.out")
            defer { if publishing.isRunning { publishing.terminate() } }

            var generator = SplitMix64(seed: seed)
            var kills = 0
            while publishing.isRunning, kills < 24 {
                let service = Deployment.services.randomElement(using: &generator) ?? "ingestion"
                let before = try stormy.status(of: service)?.boot
                stormy.kill(service)
                if publishing.isRunning { kills += 1 }
                try stormy.start([service])
                // The next blow falls once this one was recovered from, and something happened.
                let head = try stormy.status(of: "ingestion")?.heads.first?.sequence ?? 0
                try wait(for: "the day to go on after killing \(service)") {
                    guard publishing.isRunning else { return true }
                    let status = try stormy.status(of: "ingestion")
                    let now = status?.heads.first?.sequence ?? 0
                    let boot = try stormy.status(of: service)?.boot
                    return now > head && boot != before
                }
            }
            try wait(for: "the day to be published", seconds: 240) { !publishing.isRunning }
            let complaints = try String(
                contentsOfFile: stormy.path + "/publish.out.err", encoding: .utf8)
            #expect(publishing.terminationStatus == 0, "seed \(seed): \(complaints)")
            #expect(kills >= Self.killsMin, "the day was over after \(kills) kills, seed \(seed)")
            try stormy.settle()
            #expect(try stormy.dump() == expected, "seed \(seed)")
            try stormy.order("audit", "--full")
        }
    }
}
