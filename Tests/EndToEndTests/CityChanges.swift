import Foundation
import Streams

/// Streams made of other streams: what a replay must not depend on.
extension City {
    /// The steps of a recorded day, taken apart as far as these changes need.
    private struct Step {
        var line: String
        var isClock: Bool
        var partner: String
        var source: String
        var id: String

        init(_ line: String) throws {
            self.line = line
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            isClock = object?["clock"] != nil
            partner = object?["partner"] as? String ?? ""
            let event = object?["event"] as? [String: Any]
            source = event?["source"] as? String ?? ""
            id = event?["id"] as? String ?? ""
        }
    }

    /// The same events in whatever order they can arrive: the clock stands at the day's end from
    /// the beginning, and conflicts, where the first in order wins, are left out.
    func inAnyOrder(named name: String, in folder: String) throws -> City {
        let steps = try steps().map(Step.init)
        var lines: [String: Set<String>] = [:]
        for step in steps where !step.isClock {
            lines["\(step.source) \(step.id)", default: []].insert(step.line)
        }
        let clock = steps.last { $0.isClock }.map { [$0.line] } ?? []
        let events = steps.filter {
            !$0.isClock && lines["\($0.source) \($0.id)"]?.count == 1
        }
        return try with(steps: clock + events.map(\.line), named: name, in: folder)
    }

    /// The same steps, the clock's first and the others in an order drawn from `seed`.
    func shuffled(seed: UInt64, named name: String, in folder: String) throws -> City {
        var generator = SplitMix64(seed: seed)
        let steps = try steps()
        let clock = steps.filter { $0.hasPrefix("{\"clock\"") }
        let events = steps.filter { !$0.hasPrefix("{\"clock\"") }
        return try with(
            steps: clock + events.shuffled(using: &generator), named: name, in: folder)
    }

    /// Every second event of each partner is reported by another partner of the same subjects and
    /// behaviours, under a source of its own.
    func splitOverTwiceThePartners(named name: String, in folder: String) throws -> City {
        var turns: [String: Int] = [:]
        let steps = try steps().map { line -> String in
            let step = try Step(line)
            guard !step.isClock, !step.id.isEmpty else { return line }
            // The copies of one event must go one way.
            let key = "\(step.source) \(step.id)"
            let turn = turns[key] ?? turns.count
            turns[key] = turn
            guard turn.isMultiple(of: 2) else { return line }
            return
                line
                .replacing(
                    "\"partner\":\"\(step.partner)\"", with: "\"partner\":\"\(step.partner)-two\""
                )
                .replacing("\"source\":\"urn:partner:", with: "\"source\":\"urn:partner:two:")
        }
        let split = try with(steps: steps, named: name, in: folder)
        try split.doublePartners()
        return split
    }

    private func doublePartners() throws {
        let file = path + "/partners.json"
        let partners =
            try JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: file)))
            as? [[String: Any]] ?? []
        let doubled = partners.map { partner -> [String: Any] in
            var second = partner
            second["id"] = "\(partner["id"] ?? "")-two"
            second["sources"] = (partner["sources"] as? [String] ?? []).map {
                $0.replacing("urn:partner:", with: "urn:partner:two:")
            }
            return second
        }
        try JSONSerialization.data(withJSONObject: partners + doubled)
            .write(to: URL(filePath: file))
        let bindings = try String(contentsOfFile: path + "/bindings.csv", encoding: .utf8)
            .split(separator: "\n")
        let second = bindings.dropFirst().map { line in
            let comma = line.firstIndex(of: ",") ?? line.endIndex
            return line[..<comma] + "-two" + line[comma...]
        }
        try (bindings.map(String.init) + second.map(String.init)).joined(separator: "\n")
            .appending("\n")
            .write(toFile: path + "/bindings.csv", atomically: true, encoding: .utf8)
    }
}
