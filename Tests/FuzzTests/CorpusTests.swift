import Foundation
import FuzzTargets
import Testing

/// Every input that fuzzing found worth keeping, and every one that ever crashed something.
struct CorpusTests {
    private static let folder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fuzz")

    private static func inputs(_ kind: String, of target: FuzzTarget) throws -> [Data] {
        let folder = folder.appendingPathComponent("\(kind)/\(target.name)")
        guard FileManager.default.fileExists(atPath: folder.path) else { return [] }
        return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
            .map { try Data(contentsOf: folder.appendingPathComponent($0)) }
    }

    @Test(arguments: FuzzTarget.all)
    func `a target returns for its seeds, its corpus and all that ever crashed it`(
        target: FuzzTarget
    ) throws {
        let seeds = try target.seeds()
        #expect(!seeds.isEmpty)
        for seed in seeds { try target.run(seed) }
        for kind in ["Corpus", "Crashes"] {
            for input in try Self.inputs(kind, of: target) { try target.run(Array(input)) }
        }
    }

    @Test func `every folder of inputs belongs to a target`() throws {
        let names = Set(FuzzTarget.all.map(\.name))
        for kind in ["Corpus", "Crashes"] {
            let folder = Self.folder.appendingPathComponent(kind).path
            guard FileManager.default.fileExists(atPath: folder) else { continue }
            for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
                #expect(names.contains(name), "\(kind)/\(name)")
            }
        }
    }
}
