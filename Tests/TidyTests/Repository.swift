import Foundation

/// A text file of the repository, as git would show it.
struct RepositoryFile: Sendable, CustomStringConvertible {
    /// From the repository's root: `Shared/Model/Time.swift`.
    let path: String

    var description: String { path }

    var folders: [String] { path.split(separator: "/").dropLast().map(String.init) }

    func text() throws -> String {
        try String(contentsOfFile: "\(Repository.root)/\(path)", encoding: .utf8)
    }

    /// Its lines, numbered from 1.
    func lines() throws -> [(number: Int, text: Substring)] {
        try text().split(separator: "\n", omittingEmptySubsequences: false).enumerated().map {
            ($0.offset + 1, $0.element)
        }
    }
}

/// What people wrote here, found from where this file is.
enum Repository {
    static let root: String = {
        var url = URL(fileURLWithPath: #filePath)
        for _ in 0..<3 { url.deleteLastPathComponent() }
        return url.path
    }()

    /// Folders in which nobody writes: what is built, and what is measured.
    private static let notWritten: Set<String> = [
        ".build", ".build-fuzz", ".git", "data", ".swiftpm",
    ]

    static let files: [RepositoryFile] = {
        guard let enumerator = FileManager.default.enumerator(atPath: root) else { return [] }
        var files: [RepositoryFile] = []
        for case let path as String in enumerator {
            if notWritten.contains(path) {
                enumerator.skipDescendants()
            } else {
                files.append(RepositoryFile(path: path))
            }
        }
        return files.sorted { $0.path < $1.path }
    }()

    /// Swift written by hand.
    static let sources = files.filter {
        $0.path.hasSuffix(".swift") && !$0.path.hasPrefix("Shared/Messages/Generated/")
    }

    static let documents = files.filter { $0.path.hasSuffix(".md") }

    /// Everything that is read as text.
    static let texts = files.filter { file in
        [".swift", ".md", ".sh", ".py", ".proto", ".h", ".modulemap", "/Makefile"].contains {
            "/\(file.path)".hasSuffix($0)
        } && !file.path.hasPrefix("Shared/Messages/Generated/")
    }

    static func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: "\(root)/\(path)")
    }
}
