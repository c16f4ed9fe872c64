import CreditProfile
import Foundation
import Model
import Testing

/// The scoring table: checked whole before anybody is scored by it.
@Suite struct ProfileTableTests {
    @Test func `steps and levels are reached exactly at their thresholds`() throws {
        let table = try ProfileTable(document: Array(TableDocument().text.utf8))
        var measures = Measures()
        #expect(table.profile(of: measures).score == 200)
        #expect(table.profile(of: measures).level == "seedling")
        measures.milligrams.rawValue = 99_999
        #expect(table.profile(of: measures).dimensions[0].score == 0)
        measures.milligrams.rawValue = 100_000
        #expect(table.profile(of: measures).dimensions[0].score == 50)
        measures.milligrams.rawValue = -5_000
        #expect(table.profile(of: measures).dimensions[0].measure == 0)
        measures.activeDays = 2
        #expect(table.profile(of: measures).score == 300)
        #expect(table.profile(of: measures).level == "tree")
        measures.reversals = 1
        #expect(table.profile(of: measures).score == 160)
    }

    @Test(arguments: [
        WrongTable(
            "{",
            "the document is not JSON, or has a fraction where a whole number is expected"
        ),
        WrongTable("{}", "schema: is missing"),
        WrongTable(TableDocument(schema: "x").text, "schema: greenseason.profile.v1 is expected"),
        WrongTable(
            TableDocument(version: #""""#).text, "version: codes and names have 1 to 100 characters"
        ),
        WrongTable(TableDocument(version: "7").text, "version: text is expected"),
        WrongTable(TableDocument(windowDays: "0").text, "window_days: 1 to 3660 are expected"),
        WrongTable(
            TableDocument(volume: "[]").text,
            "dimensions[0].steps: at_least begins at 0 and ascends, in at most 100"
        ),
        WrongTable(
            TableDocument(volume: #"[{"at_least": 1, "score": 0}]"#).text,
            "dimensions[0].steps: at_least begins at 0 and ascends, in at most 100"
        ),
        WrongTable(
            TableDocument(
                volume: #"[{"at_least": 0, "score": 0}, {"at_least": 0, "score": 1}]"#
            ).text,
            "dimensions[0].steps: at_least begins at 0 and ascends, in at most 100"
        ),
        WrongTable(
            TableDocument(volume: #"[{"at_least": 0, "score": 201}]"#).text,
            "dimensions[0].steps[0].score: 0 to 200 is expected"
        ),
        WrongTable(
            TableDocument(volume: #"[{"at_least": 0}]"#).text,
            "dimensions[0].steps[0].score: is missing"
        ),
        WrongTable(
            TableDocument(evidenceMeasure: "luck").text,
            "dimensions[3].measure: one of grams, active_days, behaviours, "
                + "strong_evidence_per_mille, reversals is expected"
        ),
        WrongTable(
            TableDocument(evidenceMeasure: "grams").text,
            "dimensions: grams is measured 2 times, not once"
        ),
        WrongTable(
            TableDocument(levels: "[]").text,
            "levels: at_least begins at 0 and ascends, in at most 100"
        ),
    ])
    func `a table that is wrong is refused in one line`(wrong: WrongTable) throws {
        do {
            _ = try ProfileTable(document: Array(wrong.document.utf8))
            Issue.record("the table passed")
        } catch {
            #expect(error.description == wrong.line)
        }
    }

    @Test func `a file is named by what is wrong with it`() throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("profile-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appendingPathComponent("v1.json").path
        do {
            _ = try ProfileTable(path: path)
            Issue.record("there is no file")
        } catch {
            #expect(error.description == "\(path): cannot be read")
        }
        try Data("{}".utf8).write(to: URL(fileURLWithPath: path))
        do {
            _ = try ProfileTable(path: path)
            Issue.record("the file is no table")
        } catch {
            #expect(error.description == "\(path): schema: is missing")
        }
        try Data(TableDocument().text.utf8).write(to: URL(fileURLWithPath: path))
        #expect(try ProfileTable(path: path).levels.count == 2)
    }
}

/// A document that is no scoring table, and the line that says why.
struct WrongTable: Sendable, CustomTestStringConvertible {
    var document: String
    var line: String

    init(_ document: String, _ line: String) {
        self.document = document
        self.line = line
    }

    var testDescription: String { line }
}
