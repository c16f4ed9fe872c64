import ArgumentParser
import Messages
import Model

/// How the operator names a resident: by registration key, or as `id:` and the ResidentID.
struct ResidentArgument: ExpressibleByArgument {
    private enum Name {
        case key(String)
        case id(ResidentID)
    }

    private let name: Name

    static let help: ArgumentHelp = "Registration key, or id: and the ResidentID."

    init?(argument: String) {
        guard argument.hasPrefix("id:") else {
            guard !argument.isEmpty else { return nil }
            name = .key(argument)
            return
        }
        guard let id = ResidentID(String(argument.dropFirst(3))) else { return nil }
        name = .id(id)
    }

    /// The resident meant; a key is looked up in the register.
    func resolve(at desk: Desk) throws -> ResidentID {
        switch name {
        case .id(let id): id
        case .key(let key): try desk.services.ask(.ingestion, FindResident(key: key)).resident
        }
    }
}

/// The key of a command that moves something, so that it can be repeated without happening twice.
struct KeyOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Key of this order, 32 to 128 hexadecimal digits: the same key never acts twice.",
            valueName: "hex"))
    var key: CommandKey?

    /// The given key, or one that nobody has used.
    var value: CommandKey { key ?? .random() }
}

extension CommandKey: ExpressibleByArgument {
    init?(argument: String) { self.init(hexadecimal: argument) }
}

extension Instant {
    /// A time the operator wrote: RFC 3339, or a local day for its midnight.
    static func written(_ text: String) throws -> Instant {
        if let instant = Instant(rfc3339: text) { return instant }
        if let day = LocalDay(text) { return day.start }
        throw ValidationError(
            "\(text) is not a time: write 2026-08-10T08:00:00+08:00, or 2026-08-10 for midnight")
    }
}
