import Messages
import Model
import Rewards
import Testing
import Wire

/// The catalogue: checked whole, versioned, and never un-selling.
@Suite struct CatalogueTests {
    @Test func `a catalogue is loaded once, listed in its order and published whole`() throws {
        let city = try RewardsCity()
        let document = CatalogueItem.document(
            [
                CatalogueItem(code: "ticket", points: 10, stock: 5),
                CatalogueItem(code: "bag", kind: "donation", points: 20),
            ], version: "v1")
        let reply = try city.send(LoadCatalogue(document: document))
        #expect(
            try JSON.decode(LoadCatalogue.Reply.self, from: reply.body)
                == LoadCatalogue.Reply(version: "v1", items: 2))
        #expect(try city.send(LoadCatalogue(document: document + "\n")) == reply)
        #expect(try city.events.count == 1)
        let event = try #require(try city.events.first)
        #expect(event.critical)
        #expect(String(decoding: event.catalogueLoaded.document, as: UTF8.self) == document)
        #expect(try city.ask(ListRewards()).items.map(\.code) == ["ticket", "bag"])
        #expect(try city.ask(ListRewards()).items.map(\.stock) == [5, nil])
    }

    @Test func `a version says one thing for ever and does not come back`() throws {
        let city = try RewardsCity()
        let first = [CatalogueItem(code: "ticket", points: 10)]
        try city.load(first)
        let other = CatalogueItem.document(
            [CatalogueItem(code: "ticket", points: 11)], version: "v1")
        #expect(try city.send(LoadCatalogue(document: other)).code == "version_taken")
        try city.load([CatalogueItem(code: "ticket", points: 12)], version: "v2")
        #expect(
            try city.send(
                LoadCatalogue(document: CatalogueItem.document(first, version: "v1"))
            ).code == "version_superseded")
        #expect(try city.ask(ListRewards()).items.map(\.points) == [Points(12)])
    }

    @Test func `stock moves by what is given more or less, and what is sold stays sold`() throws {
        let city = try RewardsCity()
        try city.load([CatalogueItem(code: "ticket", points: 10, stock: 5)])
        try city.play(scored(1_000, to: resident(1), on: opening))
        for _ in 0..<3 { _ = try city.redeem("ticket", by: resident(1)) }
        func left() throws -> [Int64?] { try city.ask(ListRewards()).items.map(\.stock) }
        #expect(try left() == [2])
        try city.load([CatalogueItem(code: "ticket", points: 10, stock: 9)], version: "v2")
        #expect(try left() == [6])
        let below = CatalogueItem.document(
            [
                CatalogueItem(code: "new", points: 1),
                CatalogueItem(code: "ticket", points: 10, stock: 2),
            ], version: "v3")
        let refused = try city.send(LoadCatalogue(document: below))
        #expect(refused.code == "stock_below_sold")
        #expect(refused.message == "3 of ticket are sold, and only 2 would be given")
        #expect(try left() == [6])
        try city.load([CatalogueItem(code: "ticket", points: 10, stock: 3)], version: "v4")
        #expect(try left() == [0])
        try city.load([CatalogueItem(code: "ticket", points: 10)], version: "v5")
        #expect(try left() == [nil])
        try city.load([CatalogueItem(code: "other", points: 10)], version: "v6")
        try city.load([CatalogueItem(code: "ticket", points: 10, stock: 4)], version: "v7")
        #expect(try left() == [1])
        let changed = CatalogueItem.document(
            [CatalogueItem(code: "ticket", kind: "donation", points: 10)], version: "v8")
        #expect(try city.send(LoadCatalogue(document: changed)).code == "kind_changed")
        #expect(try city.difference() == nil)
    }

    @Test(arguments: [
        WrongCatalogue(
            "{", "the document is not JSON, or has a fraction where a whole number is expected"),
        WrongCatalogue("{}", "schema: is missing"),
        WrongCatalogue(
            #"{"schema":"x","version":"v","items":[]}"#,
            "schema: greenseason.catalogue.v1 is expected"
        ),
        WrongCatalogue(document(items: "[]"), "items: 1 to 1000 are expected"),
        WrongCatalogue(document(items: "{}"), "items: a list is expected"),
        WrongCatalogue(document(items: "[7]"), "items[0]: an object is expected"),
        WrongCatalogue(document(#""code": 7"#), "items[0].code: text is expected"),
        WrongCatalogue(
            document(#""code": "a b""#),
            "items[0].code: 1 to 64 letters, digits, '-', '_' or '.' are expected"
        ),
        WrongCatalogue(document(#""name_zh": """#), "items[0]: names have 1 to 100 characters"),
        WrongCatalogue(
            document(#""kind": "gift""#), "items[0].kind: voucher or donation is expected"),
        WrongCatalogue(document(#""points": 0"#), "items[0].points: 1 to 1000000000 are expected"),
        WrongCatalogue(
            document(#""points": 1.5"#),
            "the document is not JSON, or has a fraction where a whole number is expected"
        ),
        WrongCatalogue(
            document(#""stock": -1"#), "items[0].stock: 0 to 1000000000, or null, is expected"),
        WrongCatalogue(document(#""stok": 1"#, without: "stock"), "items[0].stock: is missing"),
        WrongCatalogue(
            document(#""valid_days": 0"#),
            "items[0].valid_days: 1 to 3650 are expected of a voucher"
        ),
        WrongCatalogue(document(items: "[\(item()),\(item())]"), "items[1].code: a appears twice"),
    ])
    func `a catalogue that is wrong is refused in one line`(wrong: WrongCatalogue) throws {
        let city = try RewardsCity()
        let reply = try city.send(LoadCatalogue(document: wrong.document))
        #expect(reply.status == .invalid)
        #expect(reply.message == wrong.line)
        #expect(try city.events.isEmpty)
    }

    private static func item(_ change: String = "", without left: String? = nil) -> String {
        var fields = [
            #""code": "a""#, #""name_zh": "奖""#, #""name_en": "Reward""#, #""kind": "voucher""#,
            #""points": 1"#, #""stock": 1"#, #""valid_days": 1"#,
        ]
        let name = change.prefix { $0 != ":" }
        fields.removeAll { $0.hasPrefix(left.map { "\"\($0)\"" } ?? String(name)) && name != "" }
        if !change.isEmpty { fields.append(change) }
        return "{\(fields.joined(separator: ","))}"
    }

    private static func document(items: String) -> String {
        #"{"schema":"greenseason.catalogue.v1","version":"v1","items":\#(items)}"#
    }

    private static func document(_ change: String, without left: String? = nil) -> String {
        document(items: "[\(item(change, without: left))]")
    }
}

/// A document that is no catalogue, and the line that says why.
struct WrongCatalogue: Sendable, CustomTestStringConvertible {
    var document: String
    var line: String

    init(_ document: String, _ line: String) {
        self.document = document
        self.line = line
    }

    var testDescription: String { line }
}
