/// One thing that is wrong with a registry, said in one line.
package struct MethodologyProblem: Error, Hashable, Sendable {
    package var file: String
    /// nil where the whole file is meant.
    package var version: MethodVersion.ID?
    package var message: String

    package init(file: String, version: MethodVersion.ID? = nil, message: String) {
        self.file = file
        self.version = version
        self.message = message
    }
}

extension MethodologyProblem: CustomStringConvertible {
    /// `methods.json: cycling.km mee-edc-2021: cap.per is "week"; it can be day, month or year`.
    package var description: String {
        let line = [file, version?.description, message].compactMap { $0 }.joined(separator: ": ")
        return line.split(whereSeparator: \.isNewline).joined(separator: " ")
    }
}

/// A registry that cannot be used: the start is refused with it.
package struct MethodologyRefused: Error, Equatable {
    /// At least one, in the order of the file.
    package var problems: [MethodologyProblem]
}

extension MethodologyRefused: CustomStringConvertible {
    /// The first problem, and how many more there are, in one line.
    package var description: String {
        let first = problems.first?.description ?? "the registry is refused"
        guard problems.count > 1 else { return first }
        return "\(first) (and \(problems.count - 1) more: greenctl methodology check lists them)"
    }
}
