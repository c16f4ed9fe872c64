/// Every published version of every method, active or not: sound, complete and unambiguous.
package struct MethodologyRegistry: Sendable {
    /// The file that the versions were read from.
    package let file: String
    /// Sorted by what they are called.
    package let versions: [MethodVersion]
    private let places: [MethodVersion.ID: Int]
    /// Active versions of a field, in the order of their first days.
    private let active: [MethodVersion.Field: [MethodVersion]]

    package static let schema = "greenseason.methods.v1"
    package static let methodsFile = "methods.json"
    package static let behavioursFile = "behaviours.json"

    /// Reads `methods.json` and `behaviours.json` of `folder`.
    ///
    /// Throws `MethodologyRefused` with everything that is wrong with them.
    package static func load(folder: String) throws(MethodologyRefused) -> MethodologyRegistry {
        try read(file: "\(folder)/\(methodsFile)", behaviours: "\(folder)/\(behavioursFile)")
    }

    /// Everything that is wrong with the methods in `file`; nothing if a service could start on it.
    ///
    /// - Parameter behaviours: the list of behaviours; nil: `behaviours.json` beside `file`.
    package static func check(file: String, behaviours: String? = nil) -> [MethodologyProblem] {
        let folder = file.split(separator: "/", omittingEmptySubsequences: false).dropLast()
        let beside = (folder + [Substring(behavioursFile)]).joined(separator: "/")
        do {
            _ = try read(file: file, behaviours: behaviours ?? beside)
            return []
        } catch {
            return error.problems
        }
    }

    private static func read(
        file: String, behaviours: String
    ) throws(MethodologyRefused) -> MethodologyRegistry {
        let documents: (methods: RegistryDocument, behaviours: RegistryDocument)
        do {
            documents = (try RegistryDocument(path: file), try RegistryDocument(path: behaviours))
        } catch {
            throw MethodologyRefused(problems: [error])
        }
        return try MethodologyRegistry(
            methods: documents.methods, behaviours: documents.behaviours)
    }

    package init(
        methods: RegistryDocument, behaviours: RegistryDocument
    ) throws(MethodologyRefused) {
        var problems: [MethodologyProblem] = []
        let versions: [MethodVersion]
        do {
            versions = try Self.versions(
                in: methods, behaviours: try BehaviourUnits(behaviours), problems: &problems)
        } catch {
            throw MethodologyRefused(problems: [error])
        }
        let active = Self.active(among: versions)
        for entries in active.values.map({ $0 }).sorted(by: { $0[0].id < $1[0].id }) {
            problems += Self.overlaps(in: entries, file: methods.name)
        }
        guard problems.isEmpty else { throw MethodologyRefused(problems: problems) }
        file = methods.name
        self.versions = versions.sorted { $0.id < $1.id }
        places = Dictionary(
            uniqueKeysWithValues: self.versions.enumerated().map { ($0.element.id, $0.offset) })
        self.active = active
    }

    package func version(_ id: MethodVersion.ID) -> MethodVersion? {
        places[id].map { versions[$0] }
    }

    /// The versions that `field` is scored by, each from its first day to its last.
    package func activeVersions(of field: MethodVersion.Field) -> [MethodVersion] {
        active[field] ?? []
    }

    package func hasActiveVersions(in city: String) -> Bool {
        active.keys.contains { $0.city == city }
    }

    private static func versions(
        in document: RegistryDocument, behaviours: BehaviourUnits,
        problems: inout [MethodologyProblem]
    ) throws(MethodologyProblem) -> [MethodVersion] {
        let members = try document.members(ofSchema: schema)
        let entries: [JSONMembers]
        let reader: MethodVersionReader
        do {
            entries = try members.objects("methods")
            let rule = "city_points_rule"
            reader = MethodVersionReader(
                behaviours: behaviours,
                cityPointsPerWholeGram: members.has(rule)
                    ? try members.object(rule).count("points_per_whole_gram") : nil)
        } catch {
            throw MethodologyProblem(file: document.name, message: error.message)
        }
        var versions: [MethodVersion] = []
        var known: Set<MethodVersion.ID> = []
        for entry in entries {
            // Until it is known, the entry's place in the file must do.
            var id: MethodVersion.ID?
            do throws(JSONMembers.Wrong) {
                let name = try MethodVersionReader.id(of: entry)
                id = name
                guard known.insert(name).inserted else {
                    throw JSONMembers.Wrong(message: "this version occurs twice")
                }
                versions.append(try reader.version(from: entry))
            } catch {
                problems.append(
                    MethodologyProblem(file: document.name, version: id, message: error.message))
            }
        }
        return versions
    }

    private static func active(
        among versions: [MethodVersion]
    ) -> [MethodVersion.Field: [MethodVersion]] {
        Dictionary(grouping: versions.filter(\.isActive), by: \.field).mapValues {
            $0.sorted { ($0.validFrom, $0.id) < ($1.validFrom, $1.id) }
        }
    }

    /// Versions of one field that apply on the same day; `entries` are in order of first days.
    private static func overlaps(
        in entries: [MethodVersion], file: String
    ) -> [MethodologyProblem] {
        zip(entries, entries.dropFirst()).compactMap { former, next in
            guard former.applies(on: next.validFrom) else { return nil }
            let field = next.field
            return MethodologyProblem(
                file: file, version: next.id,
                message: "overlaps \(former.id) on \(next.validFrom): one version at a time is "
                    + "active for \(field.behaviour) in \(field.unit), \(field.city)")
        }
    }
}
