import Foundation
import Greenctl
import Messages
import Model

extension FuzzTarget {
    /// A recorded day, line by line; every event in it is JSON.
    static let cityDay = FuzzTarget(
        "city-day", bytesMax: 2_048,
        seeds: {
            try SeedFiles.lines(SeedFiles.day, most: 40)
                + [
                    Array(try SeedFiles.bytes("Tests/Streams/midnight/day.jsonl").prefix(4_000)),
                    Array("{\"partner\":\"bike\",\"raw\":\"not \\u4e2d\\ud83d\\ude00 json\"}".utf8),
                ]
        },
        run: { bytes in
            let path = ScratchFolder.shared.write(bytes, to: "city/day.jsonl")
            var reader = try CityStepReader(path: path)
            while true {
                do throws(CityStepReader.Failure) {
                    guard let step = try reader.nextStep() else { return }
                    guard case .event(_, let event) = step else { continue }
                    require(isJSON(event), "an event that is not JSON")
                } catch {
                    require(!error.description.isEmpty, "a refusal without a reason")
                    return
                }
            }
        })

    /// Whether Foundation reads it, or cannot for reasons of its own: numbers that no Double holds,
    /// halves of surrogate pairs, and nesting are none of the reader's business.
    private static func isJSON(_ bytes: [UInt8]) -> Bool {
        if (try? JSONSerialization.jsonObject(with: Data(bytes))) != nil { return true }
        return String(decoding: bytes, as: UTF8.self).contains(/[0-9][eE]|[0-9]{300}|\\u[dD]/)
    }

    /// A city folder: partners, residents and bindings, loaded by `greenctl city load`.
    static let cityFolder = FuzzTarget(
        "city-folder", bytesMax: 2_048,
        seeds: {
            ["midnight", "caps-and-periods"].map { "Tests/Streams/\($0)/" }.compactMap { folder in
                try? ["partners.json", "residents.csv", "bindings.csv"].flatMap {
                    FuzzBytes.chunk(try SeedFiles.bytes(folder + $0))
                }
            }
        },
        run: { bytes in
            var input = FuzzBytes(bytes)
            let scratch = ScratchFolder.shared
            for name in ["partners.json", "residents.csv", "bindings.csv"] {
                scratch.write(input.chunk(), to: "city/\(name)")
            }
            let output = Nowhere()
            let code = Program.run(
                [
                    "city", "load", scratch.path + "/city", "--keys", scratch.path + "/new-keys",
                    "--json",
                ],
                in: Surroundings(
                    environment: ["GREENSEASON_DATA": scratch.path], output: output,
                    errors: output, isWatched: false, calls: { _ in AgreeableServices() },
                    simulator: { _ in preconditionFailure("no city is simulated here") }))
            require([0, 1, 78].contains(code), "exit code \(code)")
            let made =
                (try? FileManager.default.contentsOfDirectory(atPath: scratch.path + "/new-keys"))
                ?? []
            require(made.allSatisfy { $0.hasSuffix(".key") }, "keys are files of the keys' folder")
            let around = try FileManager.default.contentsOfDirectory(atPath: scratch.path)
            require(
                around.allSatisfy { !$0.hasSuffix(".key") }, "a key outside of the keys' folder")
            try? FileManager.default.removeItem(atPath: scratch.path + "/new-keys")
        })
}

private final class Nowhere: TextOutput {
    func write(_ text: String) {}
}

/// Services that carry everything out.
private final class AgreeableServices: ServiceCalls {
    func call<R: Request>(_ service: ServiceName, _ request: R, key: [UInt8]?) throws -> R.Reply {
        let reply: (any Sendable)? =
            switch request {
            case is ListPartners: Listing<PartnerRecord>(items: [])
            case let add as AddPartner:
                PartnerRecord(
                    id: add.id, sources: add.sources, behaviours: add.behaviours,
                    publicKey: add.publicKey)
            case let add as AddResident:
                ResidentID(rawValue: 1).map { ResidentRecord(key: add.key, resident: $0) }
            case let rows as ImportBindings:
                ImportBindings.Reply(
                    bound: rows.rows.count, unchanged: 0, residentsAdded: 0, subjects: [])
            default: nil
            }
        guard let reply = reply as? R.Reply else {
            throw Failure(.refused, "\(R.method) was not expected")
        }
        return reply
    }
}
