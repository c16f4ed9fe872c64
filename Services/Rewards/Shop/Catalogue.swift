import Messages
package import Model

/// The rewards that can be had, as one document (`greenseason.catalogue.v1`) states them.
///
///     {"schema": "greenseason.catalogue.v1", "version": "beijing-2026-08", "items": [
///         {"code": "park-ticket", "name_zh": "市属公园门票", "name_en": "City park ticket",
///          "kind": "voucher", "points": 4000, "stock": 100, "valid_days": 180}]}
///
/// `kind` is `voucher` or `donation`; `stock` is how many were ever given, sold ones included, or
/// null without limit; `valid_days` counts the day of the order and is 0 for a donation.
package struct Catalogue: Sendable, Equatable {
    package static let schema = "greenseason.catalogue.v1"

    package var version: String
    package var items: [Item]

    package struct Item: Sendable, Equatable {
        package var code: String
        package var nameZh: String
        package var nameEn: String
        package var kind: RewardKind
        package var points: Points
        /// nil: without limit.
        package var stock: Int64?
        package var validDays: Int32
    }

    package enum Limits {
        package static let documentBytesMax = 524_288
        package static let itemsMax = 1_000
        package static let codeCharactersMax = 64
        package static let nameCharactersMax = 100
        package static let pointsMax: Int64 = 1_000_000_000
        package static let stockMax: Int64 = 1_000_000_000
        package static let validDaysMax = 3_650
    }

    /// Reads and checks a document; throws one line that says what is wrong with it, and where.
    package init(document: String) throws(CatalogueError) {
        let bytes = Array(document.utf8)
        guard bytes.count <= Limits.documentBytesMax else {
            throw CatalogueError("the document exceeds \(Limits.documentBytesMax / 1_024) KiB")
        }
        let wire: Wire
        do {
            wire = try JSON.decode(Wire.self, from: bytes)
        } catch let error as DecodingError {
            throw CatalogueError(error.line)
        } catch {
            throw CatalogueError("the document is not JSON")
        }
        guard wire.schema == Self.schema else {
            throw CatalogueError("schema: \(Self.schema) is expected")
        }
        guard Self.isCode(wire.version) else {
            throw CatalogueError("version: \(Self.codeRule)")
        }
        guard (1...Limits.itemsMax).contains(wire.items.count) else {
            throw CatalogueError("items: 1 to \(Limits.itemsMax) are expected")
        }
        version = wire.version
        items = []
        var codes: Set<String> = []
        for (index, item) in wire.items.enumerated() {
            guard codes.insert(item.code).inserted else {
                throw CatalogueError("items[\(index)].code: \(item.code) appears twice")
            }
            items.append(try Item(item, at: "items[\(index)]"))
        }
    }

    fileprivate static let codeRule =
        "1 to \(Limits.codeCharactersMax) letters, digits, '-', '_' or '.' are expected"

    fileprivate static func isCode(_ text: String) -> Bool {
        (1...Limits.codeCharactersMax).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                switch $0 {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
                    UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }

    private struct Wire: Decodable {
        var schema: String
        var version: String
        var items: [WireItem]
    }

    fileprivate struct WireItem: Decodable {
        var code: String
        var nameZh: String
        var nameEn: String
        var kind: String
        var points: Int64
        var stock: Int64?
        var validDays: Int64

        enum CodingKeys: String, CodingKey {
            case code
            case nameZh = "name_zh"
            case nameEn = "name_en"
            case kind
            case points
            case stock
            case validDays = "valid_days"
        }

        init(from decoder: any Decoder) throws {
            let values = try decoder.container(keyedBy: CodingKeys.self)
            code = try values.decode(String.self, forKey: .code)
            nameZh = try values.decode(String.self, forKey: .nameZh)
            nameEn = try values.decode(String.self, forKey: .nameEn)
            kind = try values.decode(String.self, forKey: .kind)
            points = try values.decode(Int64.self, forKey: .points)
            // Unlimited stock is said, never left out: a misspelt key must not give it away.
            stock =
                try values.decodeNil(forKey: .stock)
                ? nil : values.decode(Int64.self, forKey: .stock)
            validDays = try values.decode(Int64.self, forKey: .validDays)
        }
    }
}

extension Catalogue.Item {
    fileprivate init(_ wire: Catalogue.WireItem, at place: String) throws(CatalogueError) {
        guard Catalogue.isCode(wire.code) else {
            throw CatalogueError("\(place).code: \(Catalogue.codeRule)")
        }
        let names = 1...Catalogue.Limits.nameCharactersMax
        guard names.contains(wire.nameZh.count), names.contains(wire.nameEn.count) else {
            throw CatalogueError(
                "\(place): names have 1 to \(Catalogue.Limits.nameCharactersMax) characters")
        }
        guard let kind = RewardKind(rawValue: wire.kind) else {
            throw CatalogueError("\(place).kind: voucher or donation is expected")
        }
        guard (1...Catalogue.Limits.pointsMax).contains(wire.points) else {
            throw CatalogueError("\(place).points: 1 to \(Catalogue.Limits.pointsMax) are expected")
        }
        guard wire.stock.map({ (0...Catalogue.Limits.stockMax).contains($0) }) ?? true else {
            throw CatalogueError(
                "\(place).stock: 0 to \(Catalogue.Limits.stockMax), or null, is expected")
        }
        let days: ClosedRange<Int64> =
            switch kind {
            case .voucher: 1...Int64(Catalogue.Limits.validDaysMax)
            case .donation: 0...0
            }
        guard days.contains(wire.validDays) else {
            throw CatalogueError(
                "\(place).valid_days: \(days.lowerBound) to \(days.upperBound) are expected "
                    + "of a \(kind.rawValue)")
        }
        code = wire.code
        nameZh = wire.nameZh
        nameEn = wire.nameEn
        self.kind = kind
        points = Points(wire.points)
        stock = wire.stock
        validDays = Int32(wire.validDays)
    }
}

/// What a reward is: a code for a merchant, or a gift to somebody else.
package enum RewardKind: String, Sendable {
    case voucher
    case donation

    /// Where the points of an order go.
    var sink: AccountKind {
        switch self {
        case .voucher: .redeemed
        case .donation: .donated
        }
    }
}

/// What is wrong with a catalogue, in one line.
package struct CatalogueError: Error, Equatable, CustomStringConvertible {
    package var description: String

    init(_ description: String) { self.description = description }
}

extension DecodingError {
    /// Where the document is not what it should be, in one line: `items[3].points: …`.
    fileprivate var line: String {
        func path(_ context: Context, _ last: (any CodingKey)? = nil) -> String {
            var text = ""
            for key in context.codingPath + (last.map { [$0] } ?? []) {
                if let index = key.intValue {
                    text += "[\(index)]"
                } else {
                    text += (text.isEmpty ? "" : ".") + key.stringValue
                }
            }
            return text.isEmpty ? "the document" : text
        }
        switch self {
        case .keyNotFound(let key, let context): return "\(path(context, key)): is missing"
        case .typeMismatch(let type, let context):
            return "\(path(context)): \(Self.name(of: type)) is expected"
        case .valueNotFound(let type, let context):
            return "\(path(context)): \(Self.name(of: type)) is expected, not null"
        case .dataCorrupted(let context):
            return context.codingPath.isEmpty
                ? "the document is not JSON, or has a fraction where a whole number is expected"
                : "\(path(context)): the value is out of range"
        @unknown default: return "the document is not a catalogue"
        }
    }

    private static func name(of type: any Any.Type) -> String {
        switch type {
        case is String.Type: "text"
        case is Int64.Type: "a whole number"
        case is [Any].Type: "a list"
        default: "an object"
        }
    }
}
