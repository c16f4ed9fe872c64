import Testing

/// Style as a test: what the formatter does not see.
struct SourceTests {
    private static let columnsMax = 100

    @Test func `the repository was found`() {
        #expect(Repository.sources.count > 50)
        #expect(Repository.sources.contains { $0.path == "Tests/TidyTests/SourceTests.swift" })
    }

    @Test(arguments: Repository.sources)
    func `no line is wider than a hundred columns`(source: RepositoryFile) throws {
        for (number, line) in try source.lines() {
            #expect(line.count <= Self.columnsMax, "\(source):\(number)")
        }
    }

    @Test(arguments: Repository.texts)
    func `lines end where their text does, and the last one ends`(file: RepositoryFile) throws {
        let text = try file.text()
        #expect(text.isEmpty || text.hasSuffix("\n") && !text.hasSuffix("\n\n"))
        #expect(!text.contains("\r"))
        for (number, line) in try file.lines() {
            // Two spaces at an end are a line break in Markdown.
            let trimmed =
                file.path.hasSuffix(".md") && line.hasSuffix("  ") ? line.dropLast(2) : line
            #expect(trimmed.last?.isWhitespace != true, "\(file):\(number)")
            if !file.path.hasSuffix("Makefile") {
                #expect(!line.contains("\t"), "\(file):\(number)")
            }
        }
    }

    /// What is not done is not written down here; what is written down here is done.
    @Test(arguments: Repository.texts)
    func `nothing is left for later`(file: RepositoryFile) throws {
        // Put together here, or this file would be the first to be found.
        let words = ["TO" + "DO", "FIX" + "ME", "for " + "now,"]
        for (number, line) in try file.lines() {
            for word in words { #expect(!line.contains(word), "\(file):\(number)") }
        }
    }

    /// The compiler is told to trust us only where it says why it may.
    @Test(arguments: Repository.sources)
    func `whatever is unchecked says why it is safe`(source: RepositoryFile) throws {
        let lines = try source.lines().map(\.text)
        let mark = "@unchecked " + "Sendable"
        for index in lines.indices where lines[index].contains(mark) {
            let near = lines[max(0, index - 2)...min(lines.count - 1, index + 2)]
            #expect(
                near.contains { $0.contains("// Unchecked") || $0.contains("/// Unchecked") },
                "\(source):\(index + 1)")
        }
    }

    /// A handler that looks at a clock or at chance cannot be replayed.
    @Test(arguments: Repository.sources.filter { $0.path.hasSuffix("Domain.swift") })
    func `domains look at no clock and no chance`(source: RepositoryFile) throws {
        let forbidden = [
            "Date(", "ContinuousClock", "SystemRandomNumberGenerator", "UUID(", "MonotonicClock",
        ]
        for (number, line) in try source.lines() {
            for word in forbidden { #expect(!line.contains(word), "\(source):\(number)") }
        }
    }
}
