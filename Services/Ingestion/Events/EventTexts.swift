import Model

/// Reads typed values out of an event's members, and says which one is wrong.
struct EventTexts {
    private let scanner: JSONScanner

    init(_ scanner: JSONScanner) { self.scanner = scanner }

    /// A text, or nil if the member is absent or null.
    func optional(
        _ value: JSONScanner.Value?, at field: String
    ) throws(Rejection) -> TextRange? {
        switch value {
        case .text(let text): return text
        case nil, .null: return nil
        case .other: throw Rejection(.invalidEvent, field: field, "it must be a string")
        }
    }

    func required(_ value: JSONScanner.Value?, at field: String) throws(Rejection) -> TextRange {
        guard let text = try optional(value, at: field) else {
            throw Rejection(.invalidEvent, field: field, "it is required")
        }
        return text
    }

    func identifier(_ value: JSONScanner.Value?, at field: String) throws(Rejection) -> TextRange {
        let text = try required(value, at: field)
        guard scanner.withBytes(of: text, Identifier.isLegal) else {
            throw Rejection(
                .invalidEvent, field: field,
                "it must have 1 to \(Identifier.bytesMax) bytes and no control characters")
        }
        return text
    }

    /// The text as a field's name, if it can be shown.
    func legal(_ text: TextRange) -> String? {
        scanner.withBytes(of: text) {
            Identifier.isLegal($0) ? String(decoding: $0, as: UTF8.self) : nil
        }
    }

    func equals(
        _ value: JSONScanner.Value?, _ word: StaticString, at field: String
    ) throws(Rejection) {
        let text = try required(value, at: field)
        guard scanner.isEqual(text, word) else {
            throw Rejection(.invalidEvent, field: field, "it must be \(word)")
        }
    }

    func instant(_ value: JSONScanner.Value?, at field: String) throws(Rejection) -> Instant {
        guard let instant = try optionalInstant(value, at: field) else {
            throw Rejection(.invalidEvent, field: field, "it is required")
        }
        return instant
    }

    func optionalInstant(
        _ value: JSONScanner.Value?, at field: String
    ) throws(Rejection) -> Instant? {
        guard let text = try optional(value, at: field) else { return nil }
        guard
            let instant = scanner.withBytes(
                of: text, { Instant(rfc3339: UnsafeRawBufferPointer($0)) })
        else {
            throw Rejection(.invalidEvent, field: field, "it is not an RFC 3339 time with offset")
        }
        return instant
    }

    func quantity(_ value: JSONScanner.Value?, at field: String) throws(Rejection) -> Quantity {
        let text = try required(value, at: field)
        guard let quantity = scanner.withBytes(of: text, { Quantity(decimal: $0) }) else {
            throw Rejection(
                .invalidEvent, field: field,
                "it must be a decimal of at most 12 digits before the point and 6 after it")
        }
        return quantity
    }

    func evidence(_ value: JSONScanner.Value?, at field: String) throws(Rejection) -> EvidenceKind {
        let text = try required(value, at: field)
        guard let kind = Self.kinds.first(where: { scanner.isEqual(text, $0.code) })?.kind else {
            throw Rejection(.invalidEvent, field: field, "it is no kind of evidence")
        }
        return kind
    }

    /// A text of at most `Identifier.bytesMax` bytes, or nil if the member is absent.
    func short(_ value: JSONScanner.Value?, at field: String) throws(Rejection) -> TextRange? {
        guard let text = try optional(value, at: field) else { return nil }
        guard text.count <= Identifier.bytesMax else {
            throw Rejection(
                .invalidEvent, field: field, "it may have at most \(Identifier.bytesMax) bytes")
        }
        return text
    }

    /// Whether a media type, absent for `application/json`, says JSON.
    func json(_ value: JSONScanner.Value?, at field: String) throws(Rejection) {
        guard let text = try optional(value, at: field) else { return }
        let isJSON = scanner.withBytes(of: text) { bytes in
            let type = bytes.prefix { $0 != UInt8(ascii: ";") && $0 != 0x20 && $0 != 0x09 }
                .map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }
            let parts = type.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty else { return false }
            return parts[1].elementsEqual("json".utf8)
                || (parts[1].count > 5 && parts[1].suffix(5).elementsEqual("+json".utf8))
        }
        guard isJSON else {
            throw Rejection(.invalidEvent, field: field, "it must be application/json or …+json")
        }
    }

    /// The codes as `EvidenceKind` spells them, in a form that compares without allocating.
    private static let kinds: [(code: [UInt8], kind: EvidenceKind)] = EvidenceKind.allCases.map {
        (Array($0.code.utf8), $0)
    }
}

extension JSONScanner {
    func isEqual(_ text: TextRange, _ word: [UInt8]) -> Bool {
        Int(text.count) == word.count && withBytes(of: text) { $0.elementsEqual(word) }
    }
}
