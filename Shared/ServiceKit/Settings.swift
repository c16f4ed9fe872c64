import Configuration
import Foundation

/// The settings of one service as they came out: options over environment over file over defaults.
///
/// Every key is read and checked at the start, so a service never runs on a value that nobody
/// meant: swift-configuration's readers with defaults would take `1O0` for the default in silence.
package struct Settings: Sendable {
    private let texts: [String: String]
    private let numbers: [String: Int]

    package func text(_ key: String) -> String {
        guard let value = texts[key] else { preconditionFailure("\(key) is not a text setting") }
        return value
    }

    package func number(_ key: String) -> Int {
        guard let value = numbers[key] else {
            preconditionFailure("\(key) is not a number setting")
        }
        return value
    }

    /// Reads the settings in `table` for `service`.
    ///
    /// Throws `ConfigurationProblem` for what is unknown, malformed or out of range.
    package init(
        of service: String, table: [Setting], arguments: [String], environment: [String: String]
    ) async throws {
        let prefix = service.replacing("-", with: "_").uppercased()
        try Self.refuseUnknown(options: arguments.dropFirst(), table: table)
        try Self.refuseUnknown(variables: environment.keys, prefix: prefix, table: table)

        let commonKeys = Set(Setting.common.map(\.key)).union(["config.filePath"])
        let scope = service.replacing("-", with: ".")
        let variables = EnvironmentVariablesProvider(environmentVariables: environment)
            .mapKeys { key in
                let isCommon = commonKeys.contains(key.components.joined(separator: "."))
                let scoped = isCommon ? key : key.prepending(ConfigKey(scope))
                return scoped.prepending("greenseason")
            }
        let options = CommandLineArgumentsProvider(arguments: arguments)
        var providers: [any ConfigProvider] = [options, variables]
        let outer = ConfigReader(providers: providers)
        if let path = outer.string(forKey: "config.filePath") {
            try Self.refuseUnknown(file: path, table: table)
            do {
                providers.append(
                    try await FileProvider<JSONSnapshot>(config: outer.scoped(to: "config")))
            } catch {
                throw ConfigurationProblem("\(path): \(error)")
            }
        }
        let reader = ConfigReader(providers: providers)
        var texts: [String: String] = [:]
        var numbers: [String: Int] = [:]
        for setting in table {
            let key = ConfigKey(setting.key)
            do {
                switch setting.standard {
                case .text(let standard):
                    texts[setting.key] =
                        Self.has(key, reader) ? try reader.requiredString(forKey: key) : standard
                case .choice(let words):
                    let word =
                        Self.has(key, reader) ? try reader.requiredString(forKey: key) : words[0]
                    guard words.contains(word) else {
                        throw ConfigurationProblem(
                            "\(setting.option) is one of \(words.joined(separator: ", ")), "
                                + "not \(word)")
                    }
                    texts[setting.key] = word
                case .number(let standard, let range):
                    let number =
                        Self.has(key, reader) ? try reader.requiredInt(forKey: key) : standard
                    guard range.contains(number) else {
                        throw ConfigurationProblem(
                            "\(setting.option) lies between \(range.lowerBound) and "
                                + "\(range.upperBound), not at \(number)")
                    }
                    numbers[setting.key] = number
                }
            } catch let problem as ConfigurationProblem {
                throw problem
            } catch {
                throw ConfigurationProblem("\(setting.option) cannot be read: \(error)")
            }
        }
        self.texts = texts
        self.numbers = numbers
    }

    private static func has(_ key: ConfigKey, _ reader: ConfigReader) -> Bool {
        // Whatever its type, a value that exists reads as a text, a number or both.
        reader.string(forKey: key) != nil || reader.int(forKey: key) != nil
    }

    private static func refuseUnknown(options: ArraySlice<String>, table: [Setting]) throws {
        let known = Set(table.map(\.option)).union(["--config-file-path"])
        var isValue = false
        for argument in options {
            if argument.hasPrefix("--") {
                let name = argument.prefix { $0 != "=" }
                guard known.contains(String(name)) else {
                    throw ConfigurationProblem(
                        "there is no option \(name); known are "
                            + known.sorted().joined(separator: ", "))
                }
                isValue = !argument.contains("=")
            } else {
                guard isValue else {
                    throw ConfigurationProblem("the argument \(argument) belongs to no option")
                }
                isValue = false
            }
        }
    }

    private static func refuseUnknown(
        variables: some Sequence<String>, prefix: String, table: [Setting]
    ) throws {
        let common = Set(Setting.common.map(\.variable)).union(["CONFIG_FILE_PATH"])
        let own = Set(table.map { "\(prefix)_\($0.variable)" })
        let others = Set(ServiceNames.all).subtracting([prefix]).map { $0 + "_" }
        for variable in variables.sorted() where variable.hasPrefix("GREENSEASON_") {
            let name = String(variable.dropFirst("GREENSEASON_".count))
            guard
                common.contains(name) || own.contains(name)
                    || others.contains(where: name.hasPrefix)
            else {
                throw ConfigurationProblem("there is no setting \(variable)")
            }
        }
    }

    private static func refuseUnknown(file path: String, table: [Setting]) throws {
        guard let contents = FileManager.default.contents(atPath: path) else {
            throw ConfigurationProblem("\(path) cannot be read")
        }
        guard let object = try? JSONSerialization.jsonObject(with: contents) as? [String: Any]
        else { throw ConfigurationProblem("\(path) is not a JSON object") }
        let known = Set(table.map(\.key))
        func check(_ object: [String: Any], under prefix: String) throws {
            for (name, value) in object {
                if let inner = value as? [String: Any] {
                    try check(inner, under: prefix + name + ".")
                } else if !known.contains(prefix + name) {
                    throw ConfigurationProblem("\(path): there is no setting \(prefix + name)")
                }
            }
        }
        try check(object, under: "")
    }
}

/// Whose settings an environment may hold besides one's own.
enum ServiceNames {
    static let all = ["INGESTION", "SCORING", "REWARDS", "CREDIT_PROFILE", "GATEWAY"]
}
