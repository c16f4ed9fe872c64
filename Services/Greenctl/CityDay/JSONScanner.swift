/// Walks over JSON (RFC 8259) without building it, to find where a value begins and ends.
///
/// Foundation would decode an event and write it anew; but what a partner publishes are its own
/// bytes, and what the edge compares and measures are bytes.
struct JSONScanner {
    /// Where the bytes stop being JSON.
    struct Fault: Error, Equatable {
        let reason: String
        /// Bytes from the start of the line.
        let offset: Int
    }

    /// Deeper values are refused, so that no line can exhaust the stack.
    static let nestingMax = 256

    private let bytes: ArraySlice<UInt8>
    var position: Int
    private var hasHighBytes = false

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    var isAtEnd: Bool { position == bytes.endIndex }
    var peek: UInt8? { isAtEnd ? nil : bytes[position] }

    func fault(_ reason: String) -> Fault {
        Fault(reason: reason, offset: position - bytes.startIndex)
    }

    mutating func skipSpace() {
        while let byte = peek, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D {
            position += 1
        }
    }

    /// Steps over `character`, with the space around it.
    mutating func expect(_ character: Unicode.Scalar) throws(Fault) {
        skipSpace()
        guard peek == UInt8(ascii: character) else { throw fault("expected \(character)") }
        position += 1
        skipSpace()
    }

    /// Steps over any value and answers where it stands.
    mutating func value() throws(Fault) -> Range<Int> {
        skipSpace()
        let start = position
        try skipValue(nesting: 0)
        return start..<position
    }

    /// Steps over a string and answers what it says, in UTF-8; a lone surrogate is refused.
    mutating func text() throws(Fault) -> [UInt8] {
        skipSpace()
        let start = position
        try skipString()
        return try unescape(bytes[(start + 1)..<(position - 1)])
    }

    /// Refuses what was walked over if it is not UTF-8.
    func checkText() throws(Fault) {
        guard hasHighBytes, String(validating: bytes, as: UTF8.self) == nil else { return }
        throw Fault(reason: "not UTF-8", offset: 0)
    }

    private mutating func skipValue(nesting: Int) throws(Fault) {
        guard nesting < Self.nestingMax else { throw fault("nested too deeply") }
        switch peek {
        case UInt8(ascii: "{"):
            try skipList(closing: UInt8(ascii: "}"), nesting: nesting, hasKeys: true)
        case UInt8(ascii: "["):
            try skipList(closing: UInt8(ascii: "]"), nesting: nesting, hasKeys: false)
        case UInt8(ascii: "\""): try skipString()
        case UInt8(ascii: "t"): try skipWord("true")
        case UInt8(ascii: "f"): try skipWord("false")
        case UInt8(ascii: "n"): try skipWord("null")
        default: try skipNumber()
        }
    }

    private mutating func skipList(
        closing: UInt8, nesting: Int, hasKeys: Bool
    ) throws(Fault) {
        position += 1
        skipSpace()
        if peek == closing {
            position += 1
            return
        }
        while true {
            skipSpace()
            if hasKeys {
                try skipString()
                try expect(":")
            }
            try skipValue(nesting: nesting + 1)
            skipSpace()
            if peek == closing {
                position += 1
                return
            }
            try expect(",")
        }
    }

    private mutating func skipString() throws(Fault) {
        guard peek == UInt8(ascii: "\"") else { throw fault("expected a string") }
        position += 1
        while let byte = peek {
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                return
            case UInt8(ascii: "\\"):
                position += 1
                try skipEscape()
            case 0..<0x20:
                throw fault("a control character in a string")
            default:
                if byte >= 0x80 { hasHighBytes = true }
                position += 1
            }
        }
        throw fault("a string without its end")
    }

    /// Steps over what follows a backslash.
    private mutating func skipEscape() throws(Fault) {
        switch peek {
        case UInt8(ascii: "u"):
            position += 1
            for _ in 0..<4 {
                guard let byte = peek, Self.digit(byte) != nil else {
                    throw fault("\\u needs four hexadecimal digits")
                }
                position += 1
            }
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"),
            UInt8(ascii: "f"), UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            position += 1
        default: throw fault("no such escape")
        }
    }

    private mutating func skipWord(_ word: String) throws(Fault) {
        for byte in word.utf8 {
            guard peek == byte else { throw fault("expected a value") }
            position += 1
        }
    }

    private mutating func skipNumber() throws(Fault) {
        if peek == UInt8(ascii: "-") { position += 1 }
        if peek == UInt8(ascii: "0") { position += 1 } else { try skipDigits() }
        if peek == UInt8(ascii: ".") {
            position += 1
            try skipDigits()
        }
        if peek == UInt8(ascii: "e") || peek == UInt8(ascii: "E") {
            position += 1
            if peek == UInt8(ascii: "+") || peek == UInt8(ascii: "-") { position += 1 }
            try skipDigits()
        }
    }

    private mutating func skipDigits() throws(Fault) {
        let start = position
        while let byte = peek, (0x30...0x39).contains(byte) { position += 1 }
        guard position > start else { throw fault("expected a value") }
    }

    /// What a string says, given what stands between its quotes.
    private func unescape(_ string: ArraySlice<UInt8>) throws(Fault) -> [UInt8] {
        guard string.contains(UInt8(ascii: "\\")) else { return Array(string) }
        var said: [UInt8] = []
        var place = string.startIndex
        while place < string.endIndex {
            guard string[place] == UInt8(ascii: "\\") else {
                said.append(string[place])
                place += 1
                continue
            }
            let letter = string[place + 1]
            place += 2
            switch letter {
            case UInt8(ascii: "b"): said.append(0x08)
            case UInt8(ascii: "f"): said.append(0x0C)
            case UInt8(ascii: "n"): said.append(0x0A)
            case UInt8(ascii: "r"): said.append(0x0D)
            case UInt8(ascii: "t"): said.append(0x09)
            case UInt8(ascii: "u"):
                var units = [Self.unit(string[place..<(place + 4)])]
                place += 4
                let isPair =
                    UTF16.isLeadSurrogate(units[0]) && string[place...].starts(with: [0x5C, 0x75])
                if isPair {
                    units.append(Self.unit(string[(place + 2)..<(place + 6)]))
                    place += 6
                }
                guard let text = String(validating: units, as: UTF16.self) else {
                    throw Fault(reason: "half a surrogate pair", offset: place - bytes.startIndex)
                }
                said.append(contentsOf: text.utf8)
            default: said.append(letter)
            }
        }
        return said
    }

    private static func unit(_ digits: ArraySlice<UInt8>) -> UInt16 {
        digits.reduce(0) { $0 << 4 | UInt16(digit($1) ?? 0) }
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }
}
