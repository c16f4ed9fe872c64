package import Messages

/// Asking services: over request/reply in earnest, by heart in tests.
package protocol ServiceCalls: AnyObject {
    /// Sends `request` to `service` and waits for what it replies.
    ///
    /// - Parameter key: of a command, 16 to 64 bytes: under the same key it happens once.
    ///
    /// Throws a `Failure` that says what to do.
    func call<R: Request>(_ service: ServiceName, _ request: R, key: [UInt8]?) throws -> R.Reply
}

extension ServiceCalls {
    /// Asks a question.
    package func ask<Q: Query>(_ service: ServiceName, _ query: Q) throws -> Q.Reply {
        try call(service, query, key: nil)
    }

    /// Gives an order under `key`.
    func order<C: Command>(
        _ service: ServiceName, _ command: C, key: CommandKey
    ) throws -> C.Reply {
        try call(service, command, key: key.bytes)
    }
}

/// What makes a command happen once however often it is sent: 16 to 64 bytes of the caller's own.
struct CommandKey: Equatable, Sendable {
    let bytes: [UInt8]

    static let byteCounts = 16...64

    /// A key that nobody has used.
    static func random() -> CommandKey {
        CommandKey(bytes: (0..<16).map { _ in .random(in: .min ... .max) })
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    /// Reads 32 to 128 hexadecimal digits.
    init?(hexadecimal text: String) {
        var bytes: [UInt8] = []
        var high: UInt8?
        for character in text {
            guard let digit = character.hexDigitValue, character.isASCII else { return nil }
            if let known = high {
                bytes.append(known << 4 | UInt8(digit))
                high = nil
            } else {
                high = UInt8(digit)
            }
        }
        guard high == nil, Self.byteCounts.contains(bytes.count) else { return nil }
        self.bytes = bytes
    }
}
