import Testing

/// The rooms of the house, and which doors between them are closed.
struct RoomTests {
    private static let services: Set<String> = [
        "Ingestion", "Scoring", "Rewards", "CreditProfile", "Greenctl",
    ]

    /// The modules that a source imports.
    private func imports(of source: RepositoryFile) throws -> [(number: Int, module: String)] {
        try source.lines().compactMap { number, line in
            var words = line.split(separator: " ")
            while let first = words.first, first.hasPrefix("@") || Self.access.contains(first) {
                words.removeFirst()
            }
            guard words.first == "import", let module = words.last?.split(separator: ".").first
            else { return nil }
            return (number, String(module))
        }
    }

    private static let access: Set<Substring> = [
        "public", "package", "internal", "private", "fileprivate",
    ]

    @Test(arguments: Repository.sources.filter { $0.path.hasPrefix("Services/") })
    func `services know each other by their messages alone`(source: RepositoryFile) throws {
        let own = source.folders[1]
        if own == "Greenctl" { return }
        for (number, module) in try imports(of: source) {
            #expect(module == own || !Self.services.contains(module), "\(source):\(number)")
        }
    }

    @Test(arguments: Repository.sources.filter { $0.path.hasPrefix("Shared/") })
    func `what is shared knows no service`(source: RepositoryFile) throws {
        for (number, module) in try imports(of: source) {
            #expect(!Self.services.contains(module), "\(source):\(number)")
        }
    }

    /// Behind the seam: the streams' transport, the programs that wire it, the partner's edge.
    @Test(arguments: Repository.sources.filter { !$0.path.hasPrefix("Tests/") })
    func `ZeroMQ stays behind its seam`(source: RepositoryFile) throws {
        let rooms = [
            "Shared/ZeroMQ/", "Shared/Streams/Transport/", "Shared/ServiceKit/",
            "Services/Ingestion/", "Services/Greenctl/",
        ]
        let mayUse = rooms.contains { source.path.hasPrefix($0) }
        for (number, module) in try imports(of: source)
        where module == "ZeroMQ" || module == "CZeroMQ" {
            #expect(mayUse, "\(source):\(number)")
            #expect(
                module == "ZeroMQ" || source.path.hasPrefix("Shared/ZeroMQ/"),
                "\(source):\(number)")
        }
    }

    @Test(arguments: Repository.sources.filter { $0.path.hasPrefix("Shared/") })
    func `the words and the wires know no store`(source: RepositoryFile) throws {
        let rooms = ["Shared/Storage/", "Shared/Streams/", "Shared/ServiceKit/"]
        let mayUse = rooms.contains { source.path.hasPrefix($0) }
        for (number, module) in try imports(of: source) where module.hasPrefix("GRDB") {
            #expect(mayUse, "\(source):\(number)")
        }
    }

    @Test func `each folder of tests has tests and is in the manifest`() throws {
        let manifest = try RepositoryFile(path: "Package.swift").text()
        let folders = Set(
            Repository.sources.filter { $0.folders.first == "Tests" && $0.folders.count > 1 }
                .map { $0.folders[1] }
        ).filter { $0.hasSuffix("Tests") }
        #expect(folders.count > 5)
        for folder in folders {
            let sources = Repository.sources.filter { $0.path.hasPrefix("Tests/\(folder)/") }
            #expect(try sources.contains { try $0.text().contains("@Test") }, "\(folder)")
            #expect(manifest.contains("of: \"\(folder.dropLast("Tests".count))\""), "\(folder)")
        }
    }
}
