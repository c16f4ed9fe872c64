import Streams

/// Which fields a message has; enough of a schema to make random messages of it.
indirect enum WireSchema {
    case varint
    case fixed64
    case text
    case message([UInt64: WireSchema])

    private static let header: [UInt64: WireSchema] = [
        1: .varint, 2: .varint, 3: .varint, 4: .varint,
        13: .message([:]), 14: .message([1: .varint]),
    ]

    static let points = WireSchema.message(
        header.merging([
            5: .varint,
            10: .message([
                1: .text, 2: .text, 3: .text, 4: .varint, 5: .varint, 6: .varint, 7: .varint,
                8: .varint, 9: .varint,
            ]),
            11: .message([1: .text, 2: .varint, 3: .text]),
        ]) { $1 })

    static let behaviour = WireSchema.message(
        header.merging([
            5: .fixed64, 6: .fixed64,
            10: .message([1: .text, 2: .text, 3: .varint, 4: .varint, 5: .varint]),
        ]) { $1 })
}

/// Makes messages as no sensible program would: in any order, twice, long-winded, with strangers.
struct WireMaker {
    private var random: SplitMix64

    init(seed: UInt64) { random = SplitMix64(seed: seed) }

    mutating func message(_ schema: WireSchema) -> [UInt8] {
        guard case .message(let fields) = schema else { return [] }
        var bytes: [UInt8] = []
        let known = fields.sorted { $0.key < $1.key }
        for _ in 0..<Int.random(in: 0...6, using: &random) {
            if !isRare, let (number, kind) = known.randomElement(using: &random) {
                append(kind, as: number, to: &bytes)
            } else {
                appendStranger(to: &bytes, depth: 0)
            }
        }
        return bytes
    }

    private var isRare: Bool {
        mutating get { Int.random(in: 0..<12, using: &random) == 0 }
    }

    private mutating func append(_ kind: WireSchema, as field: UInt64, to bytes: inout [UInt8]) {
        switch kind {
        case .varint:
            appendTag(field, 0, to: &bytes)
            appendVarint(number(), to: &bytes)
        case .fixed64:
            appendTag(field, 1, to: &bytes)
            for _ in 0..<8 { bytes.append(.random(in: 0...255, using: &random)) }
        case .text:
            let texts = ["", "bus", "green_bag_return", "骑行", "e\u{301}", "\u{0}"]
            var text = Array((texts.randomElement(using: &random) ?? "").utf8)
            if isRare, isRare { text.append(0xC3) }
            appendTag(field, 2, to: &bytes)
            appendVarint(UInt64(text.count), to: &bytes)
            bytes += text
        case .message:
            let body = message(kind)
            appendTag(field, 2, to: &bytes)
            appendVarint(UInt64(body.count), to: &bytes)
            bytes += body
        }
    }

    /// A field of any number, known or not, of any wire type.
    private mutating func appendStranger(to bytes: inout [UInt8], depth: Int) {
        let numbers: [UInt64] = [1, 2, 3, 5, 10, 11, 13, 14, 15, 16, 99, 2_048, (1 << 29) - 1]
        let field = numbers.randomElement(using: &random) ?? 1
        let type = UInt64.random(in: 0...5, using: &random)
        switch type {
        case 1, 5:
            appendTag(field, type, to: &bytes)
            for _ in 0..<(type == 1 ? 8 : 4) { bytes.append(.random(in: 0...255, using: &random)) }
        case 2:
            let count = Int.random(in: 0...5, using: &random)
            appendTag(field, type, to: &bytes)
            appendVarint(UInt64(count), to: &bytes)
            for _ in 0..<count { bytes.append(.random(in: 0...255, using: &random)) }
        case 3 where depth < 4:
            appendTag(field, 3, to: &bytes)
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                appendStranger(to: &bytes, depth: depth + 1)
            }
            appendTag(isRare ? field + 1 : field, 4, to: &bytes)
        case 4 where isRare:
            appendTag(field, 4, to: &bytes)
        default:
            appendTag(field, 0, to: &bytes)
            appendVarint(number(), to: &bytes)
        }
    }

    private mutating func number() -> UInt64 {
        switch Int.random(in: 0..<4, using: &random) {
        case 0: .random(in: 0...300, using: &random)
        case 1: .random(in: 0...UInt64(UInt32.max) + 9, using: &random)
        case 2: UInt64.max - .random(in: 0...300, using: &random)
        default: .random(in: 0...UInt64.max, using: &random)
        }
    }

    private mutating func appendTag(_ field: UInt64, _ type: UInt64, to bytes: inout [UInt8]) {
        appendVarint(field << 3 | type, to: &bytes)
    }

    /// Seldom with more bytes than needed.
    private mutating func appendVarint(_ value: UInt64, to bytes: inout [UInt8]) {
        var rest = value
        var padding = isRare ? Int.random(in: 0...11, using: &random) : 0
        while rest >= 0x80 || padding > 0 {
            if rest < 0x80 { padding -= 1 }
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    /// Changes a byte or some, leaves one out, puts one in, or cuts the end off.
    mutating func spoil(_ bytes: inout [UInt8]) {
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            guard !bytes.isEmpty else { return }
            let place = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<5, using: &random) {
            case 0: bytes[place] = .random(in: 0...255, using: &random)
            case 1: bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &random)
            case 2: bytes.remove(at: place)
            case 3: bytes.insert(.random(in: 0...255, using: &random), at: place)
            default: bytes.removeSubrange(place...)
            }
        }
    }
}
