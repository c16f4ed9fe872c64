import Foundation
import Testing

/// Documents that can be followed: their links lead somewhere, and what they tell to type exists.
struct DocumentTests {
    private static let columnsMax = 400

    @Test(arguments: Repository.documents)
    func `every relative link leads to a file, and every anchor to a heading`(
        document: RepositoryFile
    ) throws {
        let folder = document.folders.joined(separator: "/")
        for (number, line) in try document.lines() {
            for match in line.matches(of: /\]\(([^)\s]+)\)/) {
                let link = String(match.1)
                if link.contains("://") || link.hasPrefix("mailto:") { continue }
                let parts = link.split(separator: "#", omittingEmptySubsequences: false)
                let target = parts[0].isEmpty ? document.path : "\(folder)/\(parts[0])"
                let path = URL(fileURLWithPath: "/" + target).standardized.path.dropFirst()
                #expect(Repository.exists(String(path)), "\(document):\(number): \(link)")
                if parts.count > 1, path.hasSuffix(".md"), Repository.exists(String(path)) {
                    let anchors = try anchors(of: RepositoryFile(path: String(path)))
                    #expect(
                        anchors.contains(String(parts[1])), "\(document):\(number): \(link)")
                }
            }
        }
    }

    @Test(arguments: Repository.documents)
    func `no line of a document runs away`(document: RepositoryFile) throws {
        for (number, line) in try document.lines() {
            #expect(line.count <= Self.columnsMax, "\(document):\(number)")
        }
    }

    @Test(arguments: Repository.documents)
    func `every make target that is told of exists`(document: RepositoryFile) throws {
        let makefile = try RepositoryFile(path: "Makefile").lines().map(\.text)
        var targets: Set<Substring> = []
        for line in makefile {
            guard let match = line.firstMatch(of: /^([a-z][a-z -]*):/) else { continue }
            targets.formUnion(match.1.split(separator: " "))
        }
        for (number, line) in try document.lines() {
            for match in line.matches(of: /(?:`|^\s*|\$ )make ([a-z][a-z-]*)/) {
                #expect(targets.contains(match.1), "\(document):\(number): make \(match.1)")
            }
        }
    }

    /// The names that a heading can be linked by, as GitHub makes them.
    private func anchors(of document: RepositoryFile) throws -> Set<String> {
        Set(
            try document.lines().compactMap { _, line in
                guard line.hasPrefix("#") else { return nil }
                let title = line.drop { $0 == "#" || $0 == " " }.lowercased()
                return String(
                    title.compactMap { letter in
                        if letter == " " { return "-" }
                        return letter.isLetter || letter.isNumber || letter == "-" || letter == "_"
                            ? letter : nil
                    })
            })
    }
}
