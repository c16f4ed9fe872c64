import Foundation
import Messages

/// How measures become scores and scores a level: `greenseason.profile.v1`, loaded at start.
///
///     {"schema": "greenseason.profile.v1", "version": "v1", "window_days": 365,
///      "dimensions": [{"code": "volume", "name_zh": "减排总量", "name_en": "Volume",
///                      "measure": "grams", "steps": [{"at_least": 0, "score": 0}, …]}, …],
///      "levels": [{"code": "seedling", "name_zh": "种子", "name_en": "Seedling",
///                  "at_least": 0}, …]}
///
/// Each measure has one dimension. Steps and levels begin at 0 and ascend; a measure gets the score
/// of the last step that it reaches, a sum of scores the last level.
package struct ProfileTable: Sendable, Equatable {
    package static let schema = "greenseason.profile.v1"

    package var version: String
    /// How many local days count, the last one that ended included.
    package var windowDays: Int32
    package var dimensions: [Dimension]
    package var levels: [Level]

    /// What is measured over the window.
    package enum Measure: String, Sendable, CaseIterable, Decodable {
        /// Whole grams avoided.
        case grams
        /// Days on which anything was avoided.
        case activeDays = "active_days"
        /// Different behaviours that avoided anything.
        case behaviours
        /// Of a thousand behaviours, those with evidence that is hard to forge.
        case strongEvidence = "strong_evidence_per_mille"
        /// Awards taken back.
        case reversals
    }

    package struct Dimension: Sendable, Equatable {
        package var code: String
        package var nameZh: String
        package var nameEn: String
        package var measure: Measure
        package var steps: [Step]
    }

    package struct Step: Sendable, Equatable {
        package var atLeast: Int64
        /// 0 to 200.
        package var score: Int32
    }

    package struct Level: Sendable, Equatable {
        package var code: String
        package var nameZh: String
        package var nameEn: String
        package var atLeast: Int64
    }

    package enum Limits {
        package static let scoreMax: Int32 = 200
        package static let windowDays: ClosedRange<Int32> = 1...3_660
        package static let stepsMax = 100
        package static let textCharactersMax = 100
        package static let fileBytesMax = 1_048_576
    }

    /// Reads the file at `path`; throws one line that names the file and what is wrong with it.
    package init(path: String) throws(ProfileTableError) {
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw ProfileTableError("\(path): cannot be read")
        }
        do {
            try self.init(document: Array(bytes))
        } catch {
            throw ProfileTableError("\(path): \(error)")
        }
    }

    /// Reads and checks a document; throws one line that says what is wrong with it, and where.
    package init(document: [UInt8]) throws(ProfileTableError) {
        guard document.count <= Limits.fileBytesMax else {
            throw ProfileTableError("the document exceeds \(Limits.fileBytesMax / 1_024) KiB")
        }
        let wire: Wire
        do {
            wire = try JSON.decode(Wire.self, from: document)
        } catch let error as DecodingError {
            throw ProfileTableError(error.line)
        } catch {
            throw ProfileTableError("the document is not JSON")
        }
        guard wire.schema == Self.schema else {
            throw ProfileTableError("schema: \(Self.schema) is expected")
        }
        try Self.check([wire.version], at: "version")
        guard Limits.windowDays.contains(wire.windowDays) else {
            throw ProfileTableError(
                "window_days: \(Limits.windowDays.lowerBound) to "
                    + "\(Limits.windowDays.upperBound) are expected")
        }
        version = wire.version
        windowDays = wire.windowDays
        dimensions = []
        for (index, dimension) in wire.dimensions.enumerated() {
            dimensions.append(try Self.dimension(dimension, at: "dimensions[\(index)]"))
        }
        for measure in Measure.allCases {
            let count = dimensions.count { $0.measure == measure }
            guard count == 1 else {
                throw ProfileTableError(
                    "dimensions: \(measure.rawValue) is measured \(count) times, not once")
            }
        }
        guard Set(dimensions.map(\.code)).count == dimensions.count else {
            throw ProfileTableError("dimensions: a code appears twice")
        }
        try Self.check(wire.levels.map(\.atLeast), at: "levels")
        levels = []
        for (index, level) in wire.levels.enumerated() {
            try Self.check([level.code, level.nameZh, level.nameEn], at: "levels[\(index)]")
            levels.append(
                Level(
                    code: level.code, nameZh: level.nameZh, nameEn: level.nameEn,
                    atLeast: level.atLeast))
        }
        guard Set(levels.map(\.code)).count == levels.count else {
            throw ProfileTableError("levels: a code appears twice")
        }
    }

    private static func dimension(
        _ wire: Wire.Dimension, at place: String
    ) throws(ProfileTableError) -> Dimension {
        try check([wire.code, wire.nameZh, wire.nameEn], at: place)
        try check(wire.steps.map(\.atLeast), at: "\(place).steps")
        guard let measure = Measure(rawValue: wire.measure) else {
            let known = Measure.allCases.map(\.rawValue).joined(separator: ", ")
            throw ProfileTableError("\(place).measure: one of \(known) is expected")
        }
        for (index, step) in wire.steps.enumerated()
        where !(0...Limits.scoreMax).contains(step.score) {
            throw ProfileTableError(
                "\(place).steps[\(index)].score: 0 to \(Limits.scoreMax) is expected")
        }
        return Dimension(
            code: wire.code, nameZh: wire.nameZh, nameEn: wire.nameEn, measure: measure,
            steps: wire.steps.map { Step(atLeast: $0.atLeast, score: $0.score) })
    }

    private static func check(
        _ thresholds: [Int64], at place: String
    ) throws(ProfileTableError) {
        guard thresholds.first == 0, thresholds.count <= Limits.stepsMax,
            zip(thresholds, thresholds.dropFirst()).allSatisfy({ $0 < $1 })
        else {
            throw ProfileTableError(
                "\(place): at_least begins at 0 and ascends, in at most \(Limits.stepsMax)")
        }
    }

    private static func check(_ texts: [String], at place: String) throws(ProfileTableError) {
        for text in texts where !(1...Limits.textCharactersMax).contains(text.count) {
            throw ProfileTableError(
                "\(place): codes and names have 1 to \(Limits.textCharactersMax) characters")
        }
    }

    private struct Wire: Decodable {
        struct Step: Decodable {
            var atLeast: Int64
            var score: Int32

            enum CodingKeys: String, CodingKey {
                case atLeast = "at_least"
                case score
            }
        }

        struct Dimension: Decodable {
            var code: String
            var nameZh: String
            var nameEn: String
            var measure: String
            var steps: [Step]

            enum CodingKeys: String, CodingKey {
                case code
                case nameZh = "name_zh"
                case nameEn = "name_en"
                case measure
                case steps
            }
        }

        struct Level: Decodable {
            var code: String
            var nameZh: String
            var nameEn: String
            var atLeast: Int64

            enum CodingKeys: String, CodingKey {
                case code
                case nameZh = "name_zh"
                case nameEn = "name_en"
                case atLeast = "at_least"
            }
        }

        var schema: String
        var version: String
        var windowDays: Int32
        var dimensions: [Dimension]
        var levels: [Level]

        enum CodingKeys: String, CodingKey {
            case schema
            case version
            case windowDays = "window_days"
            case dimensions
            case levels
        }
    }
}

/// What is wrong with a scoring table, in one line.
package struct ProfileTableError: Error, Equatable, CustomStringConvertible {
    package var description: String

    init(_ description: String) { self.description = description }
}

extension DecodingError {
    /// Where the document is not what it should be, in one line: `levels[1].at_least: …`.
    fileprivate var line: String {
        func path(_ context: Context, _ last: (any CodingKey)? = nil) -> String {
            var text = ""
            for key in context.codingPath + (last.map { [$0] } ?? []) {
                if let index = key.intValue {
                    text += "[\(index)]"
                } else {
                    text += (text.isEmpty ? "" : ".") + key.stringValue
                }
            }
            return text.isEmpty ? "the document" : text
        }
        switch self {
        case .keyNotFound(let key, let context): return "\(path(context, key)): is missing"
        case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
            return "\(path(context)): \(type == String.self ? "text" : "\(type)") is expected"
        case .dataCorrupted(let context):
            return context.codingPath.isEmpty
                ? "the document is not JSON, or has a fraction where a whole number is expected"
                : "\(path(context)): the value is out of range"
        @unknown default: return "the document is not a scoring table"
        }
    }
}
