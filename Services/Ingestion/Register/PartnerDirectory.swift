import Synchronization

/// The partners as the edge's thread knows them: who holds which key, and what each may report.
///
/// In memory, because libzmq asks for every handshake; the writer's thread replaces it after a
/// commit that changed it.
package final class PartnerDirectory: Sendable {
    package struct Entry: Sendable, Equatable {
        package var id: String
        /// 40 characters of Z85.
        package var publicKey: String
        package var sources: [String]
        package var behaviours: [String]

        package init(id: String, publicKey: String, sources: [String], behaviours: [String]) {
            self.id = id
            self.publicKey = publicKey
            self.sources = sources
            self.behaviours = behaviours
        }
    }

    private struct Entries {
        var byID: [String: Entry] = [:]
        var idByKey: [String: String] = [:]
    }

    private let entries: Mutex<Entries>

    package init(_ entries: [Entry] = []) {
        self.entries = Mutex(Self.index(entries))
    }

    package func replace(with entries: [Entry]) {
        let replacement = Self.index(entries)
        self.entries.withLock { $0 = replacement }
    }

    package func partner(holding publicKey: String) -> String? {
        entries.withLock { $0.idByKey[publicKey] }
    }

    package subscript(id: String) -> Entry? {
        entries.withLock { $0.byID[id] }
    }

    private static func index(_ entries: [Entry]) -> Entries {
        var result = Entries()
        for entry in entries {
            result.byID[entry.id] = entry
            result.idByKey[entry.publicKey] = entry.id
        }
        return result
    }
}
