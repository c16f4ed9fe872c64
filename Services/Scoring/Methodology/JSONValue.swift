import Model

/// Any JSON, with whole numbers kept exact and all others only noticed.
///
/// A registry is read through it rather than through Codable types, so that what is wrong can be
/// said together with the method in which it is wrong.
enum JSONValue: Decodable, Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    /// A number that is not whole: amounts are written as decimals in quotes, so none is read.
    case fraction
    case text(String)
    case array([JSONValue])
    case object([String: JSONValue])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int64.self) {
            self = .integer(value)
        } else if let value = try? container.decode(String.self) {
            self = .text(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .array(value)
        } else if let value = try? container.decode([String: JSONValue].self) {
            self = .object(value)
        } else {
            _ = try container.decode(Double.self)
            self = .fraction
        }
    }
}

/// The members of a JSON object, read by name and by what they must be.
struct JSONMembers {
    private let members: [String: JSONValue]
    /// Where the object stands, with a point at the end: `formula.parameters.`.
    private let path: String

    /// A member that is missing or is not what it must be.
    struct Wrong: Error {
        var message: String
    }

    init(_ members: [String: JSONValue], at path: String = "") {
        self.members = members
        self.path = path
    }

    var names: [String] { members.keys.sorted() }

    /// Refuses members that nothing reads: a misspelt name must not pass for an absent one.
    func requireOnly(_ known: Set<String>) throws(Wrong) {
        if let unknown = names.first(where: { !known.contains($0) }) {
            throw Wrong(message: "\(path)\(unknown) means nothing to this program")
        }
    }

    func text(_ name: String) throws(Wrong) -> String {
        guard case .text(let value) = try member(name) else { throw wrong(name, "a text") }
        return value
    }

    /// A short name in printable ASCII without spaces: it enters stores, logs and fingerprints.
    func code(_ name: String) throws(Wrong) -> String {
        let value = try text(name)
        guard (1...64).contains(value.utf8.count),
            value.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else { throw wrong(name, "a name of 1 to 64 printable ASCII characters without spaces") }
        return value
    }

    func decimal(_ name: String) throws(Wrong) -> Ratio {
        guard let value = Ratio(decimal: try text(name)) else {
            throw wrong(name, "an exact decimal in quotes, such as \"0.558\"")
        }
        return value
    }

    func quantity(_ name: String) throws(Wrong) -> Quantity {
        guard let value = Quantity(decimal: try text(name)) else {
            throw wrong(name, "a decimal in quotes with at most 6 places, not negative")
        }
        return value
    }

    func day(_ name: String) throws(Wrong) -> LocalDay {
        guard let value = LocalDay(try text(name)) else {
            throw wrong(name, "a date such as \"2026-08-10\"")
        }
        return value
    }

    /// A whole number that is not negative.
    func count(_ name: String) throws(Wrong) -> Int64 {
        guard case .integer(let value) = try member(name), value >= 0 else {
            throw wrong(name, "a whole number, not negative")
        }
        return value
    }

    func object(_ name: String) throws(Wrong) -> JSONMembers {
        guard case .object(let value) = try member(name) else { throw wrong(name, "an object") }
        return JSONMembers(value, at: "\(path)\(name).")
    }

    func array(_ name: String) throws(Wrong) -> [JSONValue] {
        guard case .array(let value) = try member(name) else { throw wrong(name, "an array") }
        return value
    }

    func objects(_ name: String) throws(Wrong) -> [JSONMembers] {
        var objects: [JSONMembers] = []
        for (index, value) in try array(name).enumerated() {
            guard case .object(let members) = value else { throw wrong(name, "objects only") }
            objects.append(JSONMembers(members, at: "\(path)\(name)[\(index)]."))
        }
        return objects
    }

    /// Whether the member is there and not null.
    func has(_ name: String) -> Bool {
        if case .null = members[name, default: .null] { return false }
        return true
    }

    func wrong(_ name: String, _ expected: String) -> Wrong {
        Wrong(message: "\(path)\(name) must be \(expected)")
    }

    private func member(_ name: String) throws(Wrong) -> JSONValue {
        guard let value = members[name] else { throw Wrong(message: "\(path)\(name) is missing") }
        return value
    }
}
