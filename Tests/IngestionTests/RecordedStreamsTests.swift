import Foundation
import Ingestion
import Messages
import Model
import Storage
import Testing

/// The recorded days of `Tests/Streams`, whose receipts were worked out by hand.
@Suite struct RecordedStreamsTests {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    private struct Day {
        struct Step: Decodable {
            var clock: String?
            var partner: String?
            var raw: String?
        }

        struct Partner: Decodable {
            var id: String
            var sources: [String]
            var behaviours: [String]
        }

        struct Expected: Decodable { var receipts: [[String]] }

        let folder: URL

        init(_ name: String) {
            folder = root.appending(path: "Tests/Streams/\(name)")
        }

        func decode<Value: Decodable>(_ type: Value.Type, from file: String) throws -> Value {
            try JSONDecoder().decode(type, from: Data(contentsOf: folder.appending(path: file)))
        }

        func lines(of file: String) throws -> [String] {
            try String(contentsOf: folder.appending(path: file), encoding: .utf8)
                .split(separator: "\n").map(String.init)
        }

        /// The event of a line as it stands there: decoding it would lose what is wrong with it.
        func event(of line: String) throws -> String? {
            guard let start = line.range(of: "\"event\":") else { return nil }
            return String(line[start.upperBound...].dropLast())
        }
    }

    @Test(arguments: ["edges-of-validation", "caps-and-periods", "midnight"])
    func `a recorded day gets the receipts it must get`(name: String) throws {
        let day = Day(name)
        let catalogue = try BehaviourCatalogue(
            path: Self.root.path + "/deploy/methodologies/behaviours.json")
        let ingestion = try TestIngestion(clock: .manual(initial: nil), catalogue: catalogue)
        for (index, partner) in try day.decode([Day.Partner].self, from: "partners.json")
            .enumerated()
        {
            try ingestion.carryOut(
                AddPartner(
                    id: partner.id, sources: partner.sources, behaviours: partner.behaviours,
                    publicKey: keyText("\(index)")))
        }
        for line in try day.lines(of: "bindings.csv").dropFirst() {
            let cells = line.split(separator: ",").map(String.init)
            try ingestion.bind(cells[1], of: cells[0], to: cells[2])
        }
        var expected = try day.decode(Day.Expected.self, from: "expected.json").receipts[...]
        for line in try day.lines(of: "day.jsonl") {
            let step = try JSONDecoder().decode(Day.Step.self, from: Data(line.utf8))
            if let clock = step.clock {
                let instant = try #require(Instant(rfc3339: clock))
                try ingestion.carryOut(MoveClock(move: .set(instant)))
            } else if let raw = step.raw {
                try expectWhole(raw, in: ingestion)
            } else if let event = try day.event(of: line), let partner = step.partner {
                let receipts = try ingestion.publish("[\(event)]", from: partner)
                #expect(receipts.map(\.words) == [expected.popFirst()], "\(line.prefix(400))")
            }
        }
        #expect(expected.isEmpty)
    }

    /// Of the recorded bodies that are no events, the empty array alone is good.
    private func expectWhole(_ raw: String, in ingestion: TestIngestion) throws {
        do throws(BodyFault) {
            #expect(try ingestion.decode(raw).items.isEmpty)
            #expect(raw == "[]")
        } catch {
            #expect(raw != "[]", "\(error)")
        }
    }
}

extension Receipt {
    /// As the recorded days write it.
    fileprivate var words: [String] {
        switch self {
        case .accepted: ["accepted"]
        case .duplicate: ["duplicate"]
        case .rejected(let rejection): ["rejected", rejection.code.rawValue]
        }
    }
}
