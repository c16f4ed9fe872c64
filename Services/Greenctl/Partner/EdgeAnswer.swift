import Foundation

/// What the edge says back, as it stands in the bodies of its answers.
///
/// `RECEIPTS`, the only frequent one, is walked over and not built: of each receipt just its place
/// and the places of its status and code are noted.
enum EdgeAnswer {
    struct Credit: Decodable, Equatable {
        var events: Int
        var bytes: Int

        /// More than any edge gives; what lies beyond it, or below 0, is taken for the nearest.
        ///
        /// Sums with what is under way then stay far from the bounds of an integer.
        static let range = 0...1 << 40

        init(events: Int, bytes: Int) {
            self.events = events
            self.bytes = bytes
        }

        init(from decoder: any Decoder) throws {
            let values = try decoder.container(keyedBy: CodingKeys.self)
            func amount(_ key: CodingKeys) throws -> Int {
                let said = try values.decode(Int.self, forKey: key)
                return min(max(said, Self.range.lowerBound), Self.range.upperBound)
            }
            self.init(events: try amount(.events), bytes: try amount(.bytes))
        }

        private enum CodingKeys: CodingKey {
            case events
            case bytes
        }
    }

    struct Welcome: Decodable {
        struct Limits: Decodable {
            var batchEventsMax: Int
            var messageBytesMax: Int
        }

        var credit: Credit
        var limits: Limits
    }

    struct Pong: Decodable {
        var credit: Credit
    }

    struct Refusal: Decodable {
        var code: String
        var message: String
        var retryable: Bool
        var retryAfterMs: Int64?
    }

    /// Where a receipt stands in its body; ranges of strings include their quotes.
    struct ReceiptPlace: Equatable {
        var whole: Range<Int>
        var status: Range<Int>
        var code: Range<Int>?
    }

    struct Receipts: Equatable {
        var places: [ReceiptPlace] = []
        var credit: Credit?
    }

    static func decode<Body: Decodable>(_ type: Body.Type, from body: [UInt8]) -> Body? {
        // Not being an answer of this kind is what the caller asks about.
        try? JSONDecoder().decode(type, from: Data(body))
    }

    /// The places of the receipts in `body`, in order.
    static func receipts(in body: [UInt8]) throws(JSONScanner.Fault) -> Receipts {
        var scanner = JSONScanner(body[...])
        var receipts = Receipts()
        receipts.places.reserveCapacity(body.count / 100)
        try scanner.forEachMember { scanner, key throws(JSONScanner.Fault) in
            switch Member(body[key]) {
            case .receipts:
                try scanner.forEachElement { scanner throws(JSONScanner.Fault) in
                    receipts.places.append(try receipt(&scanner, in: body))
                }
            case .credit:
                receipts.credit = decode(Credit.self, from: Array(body[try scanner.value()]))
            default:
                _ = try scanner.value()
            }
        }
        return receipts
    }

    private static func receipt(
        _ scanner: inout JSONScanner, in body: [UInt8]
    ) throws(JSONScanner.Fault) -> ReceiptPlace {
        let start = scanner.position
        var status: Range<Int>?
        var code: Range<Int>?
        try scanner.forEachMember { scanner, key throws(JSONScanner.Fault) in
            let value = try scanner.value()
            switch Member(body[key]) {
            case .status: status = value
            case .code: code = value
            default: break
            }
        }
        guard let status else { throw scanner.fault("a receipt without a status") }
        return ReceiptPlace(whole: start..<scanner.position, status: status, code: code)
    }

    /// The members that matter, told apart by their quoted names.
    private enum Member {
        case receipts, credit, status, code, other

        private static let names: [(StaticString, Member)] = [
            ("\"status\"", .status), ("\"code\"", .code), ("\"receipts\"", .receipts),
            ("\"credit\"", .credit),
        ]

        init(_ key: ArraySlice<UInt8>) {
            for (name, member) in Self.names
            where key.elementsEqual(
                UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
            {
                self = member
                return
            }
            self = .other
        }
    }
}

extension JSONScanner {
    /// Walks over an object: `visit` gets the place of each key and must step over its value.
    mutating func forEachMember(
        _ visit: (inout JSONScanner, Range<Int>) throws(Fault) -> Void
    ) throws(Fault) {
        try forEach("{", "}") { scanner throws(Fault) in
            guard scanner.peek == UInt8(ascii: "\"") else { throw scanner.fault("expected a name") }
            let key = try scanner.value()
            try scanner.expect(":")
            try visit(&scanner, key)
        }
    }

    /// Walks over an array: `visit` must step over each element.
    mutating func forEachElement(
        _ visit: (inout JSONScanner) throws(Fault) -> Void
    ) throws(Fault) {
        try forEach("[", "]", visit)
    }

    private mutating func forEach(
        _ opening: Unicode.Scalar, _ closing: Unicode.Scalar,
        _ visit: (inout JSONScanner) throws(Fault) -> Void
    ) throws(Fault) {
        try expect(opening)
        if peek == UInt8(ascii: closing) {
            position += 1
            return
        }
        while true {
            try visit(&self)
            skipSpace()
            if peek == UInt8(ascii: closing) {
                position += 1
                return
            }
            try expect(",")
        }
    }
}
