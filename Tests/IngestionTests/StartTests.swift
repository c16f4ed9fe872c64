import Foundation
import Ingestion
import Model
import ServiceKit
import Storage
import TestKit
import Testing

/// What ingestion reads when it starts: the catalogue and its keys.
@Suite struct StartTests {
    @Test func `a catalogue is read from its file`() throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/behaviours.json"
        try Data(catalogueText.utf8).write(to: URL(fileURLWithPath: path))
        let catalogue = try BehaviourCatalogue(path: path)
        #expect(catalogue.behaviours.map(\.code) == ["metro", "cycling", "clean_plate"])
        #expect(catalogue.behaviours.map(\.intervalRequired) == [true, true, false])
        let metro = try #require(catalogue.behaviours.first)
        #expect(metro.units.map(\.name) == ["km", "trip"])
        #expect(metro.units.map(\.maximum) == [150, 1].map { Quantity(rawValue: $0 * 1_000_000) })
        #expect(catalogue.index(of: "cycling") == 1)
        #expect(catalogue.index(of: "flying") == nil)
    }

    @Test(arguments: [
        ("{", "{{"), ("behaviours.v1", "behaviours.v2"), ("\"code\": \"metro\"", "\"code\": \"\""),
        ("\"code\": \"metro\"", "\"code\": \"cycling\""), ("\"required\"", "\"sometimes\""),
        ("\"150\"", "150"), ("\"150\"", "\"-1\""), ("\"150\"", "\"0\""), ("\"150\"", "\"1e2\""),
        ("{\"meal\": {\"quantity_max\": \"1\"}}", "{}"),
    ])
    func `a broken catalogue is one clear error`(old: String, new: String) throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/behaviours.json"
        try Data(try catalogueText.with(old, new).utf8).write(to: URL(fileURLWithPath: path))
        do {
            _ = try BehaviourCatalogue(path: path)
            Issue.record("it was read")
        } catch {
            #expect(error.description.hasPrefix(path))
            #expect(!error.description.contains("\n"))
        }
    }

    @Test func `a missing catalogue is named`() {
        do {
            _ = try BehaviourCatalogue(path: "/nowhere/behaviours.json")
            Issue.record("it was read")
        } catch {
            #expect(error.description.contains("/nowhere/behaviours.json"))
        }
    }

    private func dataFolder(_ folder: TemporaryFolder) throws -> DataFolder {
        try FileManager.default.createDirectory(
            atPath: "\(folder.path)/keys", withIntermediateDirectories: true)
        return DataFolder(folder.path)
    }

    @Test func `keys are made once, for the owner's eyes alone, and read again`() throws {
        let folder = try TemporaryFolder()
        let data = try dataFolder(folder)
        let secrets = try IngestionSecrets.establish(in: data)
        #expect(try IngestionSecrets.establish(in: data).fingerprint == secrets.fingerprint)
        let otherFolder = try TemporaryFolder()
        let other = try IngestionSecrets.establish(in: try dataFolder(otherFolder))
        #expect(other.fingerprint != secrets.fingerprint)
        let files = try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/keys")
        #expect(files.sorted() == ["event.secret", "resident.secret", "subject.secret"])
        for file in files {
            let attributes = try FileManager.default.attributesOfItem(
                atPath: "\(folder.path)/keys/\(file)")
            #expect((attributes[.posixPermissions] as? Int) == 0o600)
        }
    }

    @Test func `a key that others can read, or that is none, is refused`() throws {
        let folder = try TemporaryFolder()
        let data = try dataFolder(folder)
        _ = try IngestionSecrets.establish(in: data)
        let path = data.key("subject.secret")
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: path)
        #expect(throws: SecretFileError.self) { try IngestionSecrets.establish(in: data) }
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        _ = try IngestionSecrets.establish(in: data)
        let text = try String(contentsOfFile: path, encoding: .utf8)
        for broken in [
            "", "00", text + "0", text.uppercased() + "0",
            text.replacingOccurrences(of: "\n", with: "g"),
        ] {
            let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
            try file.truncate(atOffset: 0)
            try file.write(contentsOf: Data(broken.utf8))
            try file.close()
            #expect(throws: SecretFileError.self) { try IngestionSecrets.establish(in: data) }
        }
    }

    @Test func `subjects are derived the same way for ever`() {
        let secrets = testSecrets()
        #expect(secrets.subject(of: 1, for: "qingju") == "fpaelvat2qvzcvyqidbj3awkqogxujyl")
        #expect(secrets.subject(of: 1, for: "qingju") != secrets.subject(of: 1, for: "map"))
        #expect(secrets.subject(of: 1, for: "qingju") != secrets.subject(of: 2, for: "qingju"))
    }
}
