import ArgumentParser
import Messages
import Model

/// How the operator names a resident: by ResidentID or by registration key.
///
/// Digits alone are a ResidentID; a key that looks like one is written `key:` and the key.
struct ResidentArgument: ExpressibleByArgument {
    private enum Name {
        case key(String)
        case id(ResidentID)
    }

    private let name: Name

    static let help: ArgumentHelp = "ResidentID or registration key (key:… if it is all digits)."

    init?(argument: String) {
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        if !argument.isEmpty, argument.utf8.allSatisfy({ digits.contains($0) }) {
            guard let id = ResidentID(argument) else { return nil }
            name = .id(id)
        } else {
            let key = argument.hasPrefix("key:") ? String(argument.dropFirst(4)) : argument
            guard !key.isEmpty else { return nil }
            name = .key(key)
        }
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
