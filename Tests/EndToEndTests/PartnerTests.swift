import Foundation
import TestKit
import Testing

/// A partner written from the protocol alone, in another language.
@Suite(.serialized) struct PartnerTests {
    @Test func `a Python partner publishes and gets its receipts`() async throws {
        try await onThread {
            let deployment = try Deployment()
            try deployment.start()
            let city = City.recorded("ordinary-day")
            try deployment.order("city", "load", city.path)
            let clock = try city.steps().last { $0.hasPrefix("{\"clock\"") } ?? ""
            try deployment.order(
                "clock", "set", String(clock.dropFirst("{\"clock\":\"".count).dropLast(2)))
            let events = try city.steps().compactMap { line -> String? in
                guard line.hasPrefix("{\"partner\":\"bike-one\",\"event\":") else { return nil }
                return String(
                    line.dropFirst("{\"partner\":\"bike-one\",\"event\":".count).dropLast())
            }
            let file = deployment.path + "/bike-one.jsonl"
            try events.joined(separator: "\n").appending("\n")
                .write(toFile: file, atomically: true, encoding: .utf8)

            let edge = try deployment.edge()
            let arguments = [
                // After `--`, because one key in 85 begins with a minus.
                Program.root + "Tests/EndToEnd/python_partner.py", "--", edge.endpoint, edge.key,
                deployment.path + "/partner-keys/bike-one.key", file,
            ]
            struct Summary: Decodable {
                var events: Int
                var statuses: [String: Int]
            }
            let first = try Program.run("/usr/bin/python3", arguments, in: deployment.path)
            #expect(first.status == 0, "\(first.complaints)")
            let summary = try first.decoded(as: Summary.self)
            #expect(summary.events == events.count)
            #expect(summary.statuses["accepted", default: 0] > events.count / 2)

            // Sent again, what was accepted is found to be a duplicate.
            let second = try Program.run("/usr/bin/python3", arguments, in: deployment.path)
            let again = try second.decoded(as: Summary.self)
            #expect(again.statuses["accepted"] == nil)
            #expect(
                again.statuses["duplicate", default: 0]
                    >= summary.statuses["accepted", default: 0])
            try deployment.settle()
            try deployment.order("audit", "--full")
        }
    }
}
