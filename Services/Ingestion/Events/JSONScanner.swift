import Glibc

/// Reads JSON text (RFC 8259) strictly, in place, one value after the other.
///
/// Our own, because partners' messages need what no library here does: duplicate names are found,
/// every element of an array is judged by itself and its bytes are measured, and nothing is
/// allocated for what is only passed over. The bytes must be valid UTF-8, which the caller has
/// checked for the whole message at once.
///
/// Names and strings are answered as `TextRange`s over the bytes followed by `unescaped`.
struct JSONScanner {
    enum Limits {
        /// An event's own braces are level 1.
        static let levelsMax = 16
        /// Up to here a name is compared with each of its siblings; beyond, they go into a set.
        static let namesComparedMax = 24
    }

    private let bytes: UnsafeBufferPointer<UInt8>
    /// Where reading goes on.
    private(set) var index: Int
    /// The texts that had escapes, without them, one behind the other.
    private(set) var unescaped: [UInt8] = []
    /// Names of all objects that are open now, outermost first.
    private var names: [TextRange] = []

    /// - Parameter bytes: Valid UTF-8; the scanner must not outlive them.
    init(_ bytes: UnsafeBufferPointer<UInt8>, at index: Int = 0) {
        self.bytes = bytes
        self.index = index
    }

    /// What stands at `index`, or nil at the end.
    var next: UInt8? { index < bytes.count ? bytes[index] : nil }

    /// Goes back to where reading once was, outside of all objects.
    mutating func rewind(to index: Int) {
        self.index = index
        names.removeAll(keepingCapacity: true)
    }

    mutating func skipSpace() {
        while index < bytes.count {
            switch bytes[index] {
            case 0x20, 0x0A, 0x0D, 0x09: index += 1
            default: return
            }
        }
    }

    /// Passes `byte` if it is next.
    mutating func take(_ byte: UInt8) -> Bool {
        guard index < bytes.count, bytes[index] == byte else { return false }
        index += 1
        return true
    }

    // MARK: Values

    /// A value, as far as anyone here wants to know.
    enum Value: Equatable {
        case text(TextRange)
        case null
        /// Of another type, and passed over.
        case other
    }

    /// Reads the value that begins here; containers in it have `level` or more.
    mutating func value(level: Int) throws(JSONFault) -> Value {
        guard let byte = next else { throw .syntax }
        switch byte {
        case UInt8(ascii: "\""):
            return .text(try string())
        case UInt8(ascii: "{"):
            var object = try enterObject(level: level)
            while try nextName(in: &object) != nil { _ = try value(level: level + 1) }
            return .other
        case UInt8(ascii: "["):
            try passArray(level: level)
            return .other
        case UInt8(ascii: "n"):
            try pass("null")
            return .null
        case UInt8(ascii: "t"):
            try pass("true")
            return .other
        case UInt8(ascii: "f"):
            try pass("false")
            return .other
        default:
            try passNumber()
            return .other
        }
    }

    private mutating func passArray(level: Int) throws(JSONFault) {
        guard level <= Limits.levelsMax else { throw .tooDeep }
        index += 1
        skipSpace()
        if take(UInt8(ascii: "]")) { return }
        while true {
            skipSpace()
            _ = try value(level: level + 1)
            skipSpace()
            if take(UInt8(ascii: "]")) { return }
            guard take(UInt8(ascii: ",")) else { throw .syntax }
        }
    }

    private mutating func pass(_ word: StaticString) throws(JSONFault) {
        let count = word.utf8CodeUnitCount
        guard let base = bytes.baseAddress, bytes.count - index >= count,
            memcmp(base + index, word.utf8Start, count) == 0
        else { throw .syntax }
        index += count
    }

    private mutating func passNumber() throws(JSONFault) {
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")) { try passDigits() }
        if take(UInt8(ascii: ".")) { try passDigits() }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            try passDigits()
        }
    }

    private mutating func passDigits() throws(JSONFault) {
        let first = index
        while index < bytes.count, bytes[index] &- UInt8(ascii: "0") <= 9 { index += 1 }
        if index == first { throw .syntax }
    }

    // MARK: Objects

    /// An object being read, member by member.
    struct Object {
        fileprivate let firstName: Int
        fileprivate var isFirst = true
        /// Only for objects of very many members.
        fileprivate var seen: Set<[UInt8]> = []
    }

    /// Enters the object that begins here.
    mutating func enterObject(level: Int) throws(JSONFault) -> Object {
        guard take(UInt8(ascii: "{")) else { throw .syntax }
        guard level <= Limits.levelsMax else { throw .tooDeep }
        return Object(firstName: names.count)
    }

    /// The name of the next member, with its value up next; nil once the object has been left.
    mutating func nextName(in object: inout Object) throws(JSONFault) -> TextRange? {
        skipSpace()
        if take(UInt8(ascii: "}")) {
            names.removeLast(names.count - object.firstName)
            return nil
        }
        if !object.isFirst {
            guard take(UInt8(ascii: ",")) else { throw .syntax }
            skipSpace()
        }
        object.isFirst = false
        let name = try string()
        try remember(name, in: &object)
        skipSpace()
        guard take(UInt8(ascii: ":")) else { throw .syntax }
        skipSpace()
        return name
    }

    private mutating func remember(
        _ name: TextRange, in object: inout Object
    ) throws(JSONFault) {
        let count = names.count - object.firstName
        if count < Limits.namesComparedMax {
            for other in names[object.firstName...] where equal(name, other) {
                throw .duplicateName
            }
        } else {
            if object.seen.isEmpty {
                for other in names[object.firstName...] { object.seen.insert(copy(of: other)) }
            }
            guard object.seen.insert(copy(of: name)).inserted else { throw .duplicateName }
        }
        names.append(name)
    }

    // MARK: Texts

    /// Reads the string that begins here.
    mutating func string() throws(JSONFault) -> TextRange {
        guard take(UInt8(ascii: "\"")) else { throw .syntax }
        let start = index
        while index < bytes.count {
            let byte = bytes[index]
            if byte == UInt8(ascii: "\"") {
                index += 1
                return TextRange(start: start, count: index - 1 - start)
            }
            if byte == UInt8(ascii: "\\") { return try stringWithEscapes(from: start) }
            if byte < 0x20 { throw .syntax }
            index += 1
        }
        throw .syntax
    }

    private mutating func stringWithEscapes(from start: Int) throws(JSONFault) -> TextRange {
        let first = unescaped.count
        var isWhole = true
        unescaped.append(contentsOf: bytes[start..<index])
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            switch byte {
            case UInt8(ascii: "\""):
                // Told only now: whether the string ends at all is the graver question.
                if !isWhole { throw .loneSurrogate }
                return TextRange(
                    start: bytes.count + first, count: unescaped.count - first)
            case UInt8(ascii: "\\"):
                if try !appendEscaped() { isWhole = false }
            case ..<0x20:
                throw .syntax
            default:
                unescaped.append(byte)
            }
        }
        throw .syntax
    }

    /// Reads what follows a backslash; answers false if that is half a surrogate pair.
    private mutating func appendEscaped() throws(JSONFault) -> Bool {
        guard let byte = next else { throw .syntax }
        index += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): unescaped.append(byte)
        case UInt8(ascii: "b"): unescaped.append(0x08)
        case UInt8(ascii: "f"): unescaped.append(0x0C)
        case UInt8(ascii: "n"): unescaped.append(0x0A)
        case UInt8(ascii: "r"): unescaped.append(0x0D)
        case UInt8(ascii: "t"): unescaped.append(0x09)
        case UInt8(ascii: "u"):
            var unit = try hexadecimal()
            if (0xD800..<0xDC00).contains(unit) {
                guard bytes.count - index >= 6, bytes[index] == UInt8(ascii: "\\"),
                    bytes[index + 1] == UInt8(ascii: "u")
                else { return false }
                let second = index
                index += 2
                let low = try hexadecimal()
                guard (0xDC00..<0xE000).contains(low) else {
                    index = second
                    return false
                }
                unit = 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(unit) else { return false }
            unescaped.append(contentsOf: scalar.utf8)
        default:
            throw .syntax
        }
        return true
    }

    private mutating func hexadecimal() throws(JSONFault) -> UInt32 {
        guard bytes.count - index >= 4 else { throw .syntax }
        var value: UInt32 = 0
        for _ in 0..<4 {
            let byte = bytes[index]
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
            default: throw .syntax
            }
            value = value << 4 | UInt32(digit)
            index += 1
        }
        return value
    }

    /// Lends the bytes of `text`.
    func withBytes<Answer>(
        of text: TextRange, _ body: (UnsafeBufferPointer<UInt8>) -> Answer
    ) -> Answer {
        let bounds = text.bounds
        if bounds.isEmpty { return body(UnsafeBufferPointer(start: nil, count: 0)) }
        if bounds.upperBound <= bytes.count {
            return body(UnsafeBufferPointer(rebasing: bytes[bounds]))
        }
        let start = bounds.lowerBound - bytes.count
        return unescaped.withUnsafeBufferPointer {
            body(UnsafeBufferPointer(rebasing: $0[start..<start + bounds.count]))
        }
    }

    func isEqual(_ text: TextRange, _ word: StaticString) -> Bool {
        guard Int(text.count) == word.utf8CodeUnitCount else { return false }
        return withBytes(of: text) { bytes in
            bytes.baseAddress.map { memcmp($0, word.utf8Start, bytes.count) == 0 } ?? true
        }
    }

    private func equal(_ left: TextRange, _ right: TextRange) -> Bool {
        guard left.count == right.count else { return false }
        return withBytes(of: left) { left in
            withBytes(of: right) { right in
                guard let one = left.baseAddress, let other = right.baseAddress else { return true }
                return memcmp(one, other, left.count) == 0
            }
        }
    }

    private func copy(of text: TextRange) -> [UInt8] { withBytes(of: text) { Array($0) } }

    // MARK: Elements that are not JSON

    /// Passes a value by its brackets and quotes alone; answers false if it has no end.
    ///
    /// So one broken element of an array is delimited, and its neighbours are still read.
    mutating func passDelimited() -> Bool {
        switch next {
        case UInt8(ascii: "\""): return passDelimitedString()
        case UInt8(ascii: "{"), UInt8(ascii: "["): return passDelimitedContainer()
        default: return passDelimitedWord()
        }
    }

    private mutating func passDelimitedContainer() -> Bool {
        var closers: [UInt8] = []
        while index < bytes.count {
            let byte = bytes[index]
            switch byte {
            case UInt8(ascii: "\""):
                guard passDelimitedString() else { return false }
                continue
            case UInt8(ascii: "{"):
                closers.append(UInt8(ascii: "}"))
            case UInt8(ascii: "["):
                closers.append(UInt8(ascii: "]"))
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                guard closers.popLast() == byte else { return false }
            default:
                break
            }
            index += 1
            if closers.isEmpty { return true }
        }
        return false
    }

    private mutating func passDelimitedWord() -> Bool {
        let first = index
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: ","), UInt8(ascii: ":"), UInt8(ascii: "\""), UInt8(ascii: "{"),
                UInt8(ascii: "}"), UInt8(ascii: "["), UInt8(ascii: "]"), 0x20, 0x0A, 0x0D, 0x09:
                return index > first
            default:
                index += 1
            }
        }
        return index > first
    }

    private mutating func passDelimitedString() -> Bool {
        index += 1
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "\""):
                index += 1
                return true
            case UInt8(ascii: "\\"):
                index += 2
            default:
                index += 1
            }
        }
        index = bytes.count
        return false
    }
}

/// What is wrong with a JSON text.
enum JSONFault: Error, Equatable {
    /// It is not JSON.
    case syntax
    /// Containers are nested beyond `JSONScanner.Limits.levelsMax`.
    case tooDeep
    /// Two members of one object have the same name.
    case duplicateName
    /// A string names half a surrogate pair, which is no character.
    case loneSurrogate

    var message: String {
        switch self {
        case .syntax: "not JSON"
        case .tooDeep: "nested deeper than 16 levels"
        case .duplicateName: "a name occurs twice in one object"
        case .loneSurrogate: "a string holds half a surrogate pair"
        }
    }
}
