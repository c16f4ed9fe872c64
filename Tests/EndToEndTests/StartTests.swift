import Foundation
import TestKit
import Testing

/// What whoever launches services sees when something is wrong: one line, and the right exit code.
@Suite(.serialized) struct StartTests {
    @Test func `a second start on the same folder is refused with one line`() async throws {
        try await onThread {
            let deployment = try Deployment()
            try deployment.start(["scoring"])
            let second = try Program.run(
                try Program.path(of: "scoring"), ["--data", deployment.path],
                in: deployment.path)
            #expect(second.status == 1)
            #expect(second.complaints.contains("already running"))
            #expect(second.complaints.split(separator: "\n").count == 1)
        }
    }

    @Test(arguments: [
        ("ingestion", ["--colour", "green"], "there is no option --colour"),
        ("scoring", ["--partitions", "1O0"], "--partitions cannot be read"),
        ("rewards", ["--partitions", "0"], "--partitions lies between 1 and 64"),
        ("credit-profile", ["stray"], "the argument stray belongs to no option"),
    ])
    func `an unknown or malformed setting is refused with code 78`(
        service: String, arguments: [String], complaint: String
    ) async throws {
        try await onThread {
            let deployment = try Deployment()
            let output = try Program.run(
                try Program.path(of: service), ["--data", deployment.path] + arguments,
                in: deployment.path)
            #expect(output.status == 78)
            #expect(output.complaints.contains(complaint), "\(output.complaints)")
            #expect(output.complaints.split(separator: "\n").count == 1)
        }
    }

    @Test func `a broken registry stops scoring with one line`() async throws {
        try await onThread {
            let deployment = try Deployment()
            let folder = deployment.path + "/methodologies"
            try FileManager.default.copyItem(
                atPath: Program.root + "deploy/methodologies", toPath: folder)
            let file = folder + "/methods.json"
            let text = try String(contentsOfFile: file, encoding: .utf8)
            try text.replacing("\"48700\"", with: "\"4870000\"")
                .write(toFile: file, atomically: true, encoding: .utf8)
            let output = try Program.run(
                try Program.path(of: "scoring"),
                ["--data", deployment.path, "--methodologies", folder], in: deployment.path)
            #expect(output.status == 78)
            #expect(output.complaints.contains("cycling.km"), "\(output.complaints)")
            #expect(output.complaints.split(separator: "\n").count == 1)
        }
    }

    @Test func `a service told to stop ends in order and starts again where it was`() async throws {
        try await onThread {
            let deployment = try Deployment()
            try deployment.start()
            let city = City.recorded("midnight")
            try deployment.replay(city.path)
            let before = try deployment.dump()
            try deployment.order("stop")
            try wait(for: "every service to end") {
                deployment.running.values.allSatisfy { !$0.isRunning }
            }
            #expect(deployment.running.values.allSatisfy { $0.terminationStatus == 0 })
            #expect(try deployment.dump() == before)
            try deployment.start()
            try deployment.settle()
            #expect(try deployment.dump() == before)
        }
    }
}
