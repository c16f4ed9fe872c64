/// One thing about a service that whoever runs it may decide.
///
/// `edge.endpoint` of ingestion is `--edge-endpoint` on its command line,
/// `GREENSEASON_INGESTION_EDGE_ENDPOINT` in the environment and `{"edge": {"endpoint": …}}` in its
/// file. Settings that all services have lack the service's name in the environment.
package struct Setting: Sendable {
    package enum Value: Sendable, Equatable {
        case text(String)
        case number(Int, in: ClosedRange<Int>)
        /// One of these words; the first is the default.
        case choice([String])
    }

    package let key: String
    package let standard: Value
    package let help: String

    package init(_ key: String, _ standard: Value, _ help: String) {
        self.key = key
        self.standard = standard
        self.help = help
    }

    /// What every service can be told.
    package static let common: [Setting] = [
        Setting("data", .text("./data"), "folder of stores, keys, sockets and logs"),
        Setting(
            "partitions", .number(1, in: 1...64),
            "partitions of the deployment, fixed when its stores are created"),
        Setting(
            "logLevel", .choice(["info", "trace", "debug", "notice", "warning", "error"]),
            "least severe entries that are logged"),
    ]

    /// `--edge-endpoint`.
    var option: String { "--" + words.joined(separator: "-") }

    /// `EDGE_ENDPOINT`.
    var variable: String { words.map { $0.uppercased() }.joined(separator: "_") }

    private var words: [String] {
        key.split(separator: ".").flatMap { part -> [String] in
            var words: [String] = [""]
            for character in part {
                if character.isUppercase { words.append("") }
                words[words.count - 1] += character.lowercased()
            }
            return words
        }
    }
}

/// A setting, a file or a registry that a service cannot start with: one line, exit code 78.
package struct ConfigurationProblem: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
