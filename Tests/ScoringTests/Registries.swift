import Foundation
import Scoring

/// Registries for tests: the deployment's own, and small ones made of fragments of JSON.
enum Registries {
    static let folder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("deploy/methodologies").path

    static func deployed() throws -> MethodologyRegistry {
        try MethodologyRegistry.load(folder: folder)
    }

    /// A registry of `entries`, each made by `entry`.
    static func made(
        of entries: [String], behaviours: String = behaviours
    ) throws(MethodologyRefused) -> MethodologyRegistry {
        try MethodologyRegistry(
            methods: document(of: entries),
            behaviours: RegistryDocument(name: "behaviours.json", bytes: Array(behaviours.utf8)))
    }

    static func document(of entries: [String]) -> RegistryDocument {
        let text = """
            {"schema": "greenseason.methods.v1", "city_points_rule": {"points_per_whole_gram": 1},
             "methods": [\(entries.joined(separator: ",\n"))]}
            """
        return RegistryDocument(name: "methods.json", bytes: Array(text.utf8))
    }

    /// A sound version of 1 g a kilometre, with `changes` to its members, in JSON; nil removes one.
    static func entry(_ changes: [String: String?] = [:]) -> String {
        var members: [String: String?] = [
            "method": #""ride.km""#, "version": #""v1""#, "city": #""beijing""#,
            "status": #""active""#, "behaviour": #""cycling""#, "unit": #""km""#,
            "name_zh": #""骑行""#, "name_en": #""Ride""#,
            "formula": #"{"family": "linear", "milligrams_per_unit": "1000"}"#,
            "cap": #"{"quantity": "30", "per": "day", "basis": "ours"}"#,
            "valid_from": #""2022-08-10""#, "valid_to": "null",
            "points": #"{"rule": "per_whole_gram", "points_per_gram": 1}"#,
            "plausible_milligrams_per_unit": #"["0", "100000000"]"#,
            "evidence": #""order""#, "source": #""here""#, "confidence": #""high""#,
            "examples": #"[{"quantity": "0", "milligrams": 0}]"#,
        ]
        members.merge(changes) { $1 }
        let fields = members.compactMap { name, value in value.map { "\"\(name)\": \($0)" } }
        return "{\(fields.sorted().joined(separator: ", "))}"
    }

    static let behaviours = """
        {"schema": "greenseason.behaviours.v1", "behaviours": [
         {"code": "cycling", "units": {"km": {"quantity_max": "60"}, "trip": {}}},
         {"code": "recycling", "units": {"kg": {"quantity_max": "50"}}},
         {"code": "appliance", "units": {"unit": {}}}]}
        """
}

extension MethodologyRefused {
    var lines: [String] { problems.map(\.description) }
}
