import GRDB
import Ingestion
import Messages
import Model
import Storage
import Streams
import Testing

/// Partners, residents, bindings and consents, as commands change them and events meet them.
@Suite struct RegisterTests {
    private static let partner = AddPartner(
        id: "shop", sources: ["urn:partner:shop", "urn:partner:shop:2"],
        behaviours: ["clean_plate", "metro"], publicKey: keyText("3"))

    private func at(_ text: String) throws -> Instant { try #require(Instant(rfc3339: text)) }

    // MARK: Partners

    @Test func `a partner is registered, and again without effect`() throws {
        let ingestion = try TestIngestion.furnished()
        let record = try ingestion.carryOut(Self.partner)
        #expect(record.sources == Self.partner.sources)
        #expect(record.behaviours == ["clean_plate", "metro"])
        #expect(try ingestion.carryOut(Self.partner) == record)
        let entry = try #require(ingestion.domain.directory["shop"])
        #expect(entry.sources == record.sources)
        #expect(entry.behaviours == ["metro", "clean_plate"], "in the catalogue's order")
        #expect(ingestion.domain.directory.partner(holding: keyText("3")) == "shop")
        #expect(ingestion.domain.directory.partner(holding: keyText("4")) == nil)
        #expect(
            try ingestion.answer(to: ListPartners()).items.map(\.id) == ["map", "qingju", "shop"])
        #expect(try ingestion.restarted().domain.directory["shop"] == entry)
    }

    static let spoilings: [(String, @Sendable (inout AddPartner) -> Void)] = [
        ("bad_partner_id", { $0.id = "Shop" }),
        ("bad_partner_id", { $0.id = "" }),
        ("bad_partner_id", { $0.id = "1shop" }),
        ("bad_partner_id", { $0.id = String(repeating: "s", count: 65) }),
        ("bad_sources", { $0.sources = [] }),
        ("bad_sources", { $0.sources = ["a\nb"] }),
        ("bad_sources", { $0.sources = ["urn:a", "urn:a"] }),
        ("bad_behaviours", { $0.behaviours = [] }),
        ("unknown_behaviour", { $0.behaviours = ["flying"] }),
        ("bad_public_key", { $0.publicKey = "short" }),
        ("source_taken", { $0.sources = ["urn:partner:new", "urn:partner:map"] }),
        ("key_taken", { $0.publicKey = keyText("1") }),
        ("partner_exists", { $0.id = "map" }),
    ]

    @Test(arguments: spoilings)
    func `a partner that cannot be is refused`(
        code: String, spoil: @Sendable (inout AddPartner) -> Void
    ) throws {
        let ingestion = try TestIngestion.furnished()
        var partner = Self.partner
        spoil(&partner)
        #expect(try ingestion.reply(to: partner).code == code)
        #expect(try ingestion.answer(to: ListPartners()).items.count == 2)
        #expect(ingestion.domain.directory["shop"] == nil)
    }

    @Test func `a partner that was rolled back is not let in`() throws {
        let ingestion = try TestIngestion.furnished()
        try ingestion.store.writer.write {
            try $0.execute(
                sql: """
                    CREATE TRIGGER disk_trouble BEFORE INSERT ON command
                    BEGIN SELECT RAISE(ABORT, 'disk trouble'); END
                    """)
        }
        #expect(throws: (any Error).self) { try ingestion.reply(to: Self.partner) }
        #expect(ingestion.domain.directory["shop"] == nil)
        try ingestion.store.writer.write { try $0.execute(sql: "DROP TRIGGER disk_trouble") }
        try ingestion.carryOut(Self.partner)
        #expect(ingestion.domain.directory["shop"] != nil)
    }

    // MARK: Residents

    @Test func `a resident is one number for ever`() throws {
        let ingestion = try TestIngestion()
        let record = try ingestion.carryOut(AddResident(key: "张三"))
        #expect(try ingestion.carryOut(AddResident(key: "张三")) == record)
        #expect(try ingestion.answer(to: FindResident(key: "张三")) == record)
        #expect(try ingestion.ask(FindResident(key: "李四")).code == "unknown_resident")
        #expect(try ingestion.reply(to: AddResident(key: "")).code == "bad_resident_key")
    }

    @Test func `two keys of one number are refused`() throws {
        let ingestion = try TestIngestion()
        let record = try ingestion.carryOut(AddResident(key: "one"))
        try ingestion.store.writer.write {
            try $0.execute(
                sql: "UPDATE resident SET key = 'two' WHERE resident = ?",
                arguments: [record.resident.rawValue])
        }
        #expect(try ingestion.reply(to: AddResident(key: "one")).code == "resident_collision")
    }

    @Test func `residents are listed in pages, all of them`() throws {
        let ingestion = try TestIngestion.furnished()
        for page in 0..<2 {
            try ingestion.carryOut(
                ImportBindings(
                    rows: (0..<700).map {
                        .init(partner: "map", subject: nil, resident: "r-\(page * 700 + $0)")
                    }))
        }
        var keys: [String] = []
        var after: String?
        repeat {
            let page = try ingestion.answer(to: ListResidents(after: after))
            #expect(page.items.count <= 1_000)
            keys += page.items.map(\.key)
            after = page.next
        } while after != nil
        #expect(keys.count == 1_401)
        #expect(keys == keys.sorted())
        #expect(Set(keys).count == keys.count)
    }

    // MARK: Bindings

    @Test func `bindings are imported, and again without effect`() throws {
        let ingestion = try TestIngestion.furnished()
        let rows: [ImportBindings.Row] = [
            .init(partner: "qingju", subject: "s1", resident: "resident-1"),
            .init(partner: "qingju", subject: "s2", resident: "resident-2"),
            .init(partner: "map", subject: nil, resident: "resident-2"),
            .init(partner: "map", subject: nil, resident: "resident-2"),
        ]
        let reply = try ingestion.carryOut(ImportBindings(rows: rows))
        #expect((reply.bound, reply.unchanged, reply.residentsAdded) == (2, 2, 1))
        #expect(reply.subjects[2] == reply.subjects[3])
        #expect(reply.subjects[2].utf8.count == 32)
        let again = try ingestion.carryOut(ImportBindings(rows: rows))
        #expect((again.bound, again.unchanged, again.residentsAdded) == (0, 4, 0))
        #expect(again.subjects == reply.subjects)

        let binding = try ingestion.answer(to: ShowBinding(partner: "qingju", subject: "s2"))
        #expect(
            binding.resident == (try ingestion.answer(to: FindResident(key: "resident-2")).resident)
        )
        #expect(binding.consents == [.init(behaviour: nil, from: nil, until: nil)])
    }

    @Test func `a resident who has a subject keeps it`() throws {
        let ingestion = try TestIngestion.furnished()
        let reply = try ingestion.carryOut(
            ImportBindings(
                rows: [.init(partner: "qingju", subject: nil, resident: "resident-1")]))
        #expect(reply.subjects == ["s1"])
        #expect(reply.unchanged == 1)
    }

    @Test func `partners do not learn from subjects that two of them know one resident`() throws {
        let ingestion = try TestIngestion.furnished()
        let reply = try ingestion.carryOut(
            ImportBindings(
                rows: ["qingju", "map"].map {
                    .init(partner: $0, subject: nil, resident: "resident-7")
                }))
        #expect(Set(reply.subjects).count == 2)
    }

    @Test(arguments: [
        ("unknown_partner", "nobody", "s9" as String?, "resident-9"),
        ("subject_taken", "qingju", "s1", "resident-9"),
        ("bad_subject", "qingju", "", "resident-9"),
        ("bad_resident_key", "qingju", "s9", ""),
    ])
    func `one bad row refuses the whole import and is named`(
        code: String, partner: String, subject: String?, resident: String
    ) throws {
        let ingestion = try TestIngestion.furnished()
        let reply = try ingestion.reply(
            to: ImportBindings(
                rows: [
                    .init(partner: "qingju", subject: "s8", resident: "resident-8"),
                    .init(partner: partner, subject: subject, resident: resident),
                ]))
        #expect(reply.code == code)
        #expect(reply.message.contains("row 2"))
        #expect(try ingestion.ask(FindResident(key: "resident-8")).code == "unknown_resident")
        #expect(
            try ingestion.ask(ShowBinding(partner: "qingju", subject: "s8")).code
                == "unknown_binding")
    }

    @Test func `rows of one import may not contradict each other`() throws {
        let ingestion = try TestIngestion.furnished()
        let reply = try ingestion.reply(
            to: ImportBindings(
                rows: ["resident-8", "resident-9"].map {
                    .init(partner: "qingju", subject: "s8", resident: $0)
                }))
        #expect(reply.code == "subject_taken")
    }

    @Test func `an import is bounded`() throws {
        let ingestion = try TestIngestion.furnished()
        let row = ImportBindings.Row(partner: "map", subject: nil, resident: "r")
        #expect(
            try ingestion.reply(to: ImportBindings(rows: Array(repeating: row, count: 1_001))).code
                == "too_many_rows")
    }

    @Test func `an event meets a binding that was made a moment ago`() throws {
        let ingestion = try TestIngestion.furnished()
        let event = try ride.with("\"s1\"", "\"s2\"")
        #expect(try ingestion.publish(event).first?.trouble == Trouble(.noConsent, "subject"))
        try ingestion.bind("s2", of: "qingju", to: "resident-2")
        #expect(try ingestion.publish(event) == [accepted(1)])
    }

    @Test func `a binding that was rolled back binds nobody`() throws {
        let ingestion = try TestIngestion.furnished()
        let event = try ingestion.batch(ride.with("\"s1\"", "\"s2\""))
        let command = CommandMessage(
            method: ImportBindings.method, caller: "tests", key: Array(repeating: 1, count: 16),
            body: try JSON.encode(
                ImportBindings(
                    rows: [.init(partner: "qingju", subject: "s2", resident: "resident-2")])))
        try ingestion.store.writer.write {
            try $0.execute(
                sql: """
                    CREATE TRIGGER disk_trouble BEFORE INSERT ON accepted_ids
                    BEGIN SELECT RAISE(ABORT, 'disk trouble'); END
                    """)
        }
        #expect(throws: (any Error).self) {
            try ingestion.commit([.command(command, 1), .errand(.batch(event), 2)])
        }
        try ingestion.store.writer.write { try $0.execute(sql: "DROP TRIGGER disk_trouble") }
        #expect(
            try ingestion.publish(ride.with("\"s1\"", "\"s2\"")).first?.trouble
                == Trouble(.noConsent, "subject"))
    }

    // MARK: Consents

    private func consent(
        _ granted: Bool, _ behaviour: String? = nil, at instant: Instant?,
        in ingestion: TestIngestion
    ) throws -> [BindingRecord.Consent] {
        try ingestion.carryOut(
            ChangeConsent(
                partner: "qingju", resident: "resident-1", behaviour: behaviour, granted: granted,
                at: instant)
        ).consents
    }

    @Test func `consent goes by event time, to the millisecond`() throws {
        let ingestion = try TestIngestion.furnished()
        let start = try at("2026-08-10T07:58:02+08:00")
        #expect(
            try consent(false, at: start, in: ingestion)
                == [.init(behaviour: nil, from: nil, until: start)])
        #expect(
            try ingestion.publish(ride).first?.trouble == Trouble(.noConsent, "data.startedAt"))
        let earlier = try ride.named("e2").with("T07:58:02", "T07:58:01.999")
        #expect(try ingestion.publish(earlier) == [accepted(1)])

        let later = start.advanced(byMilliseconds: 1_000)
        #expect(
            try consent(true, at: later, in: ingestion) == [
                .init(behaviour: nil, from: nil, until: start),
                .init(behaviour: nil, from: later, until: nil),
            ])
        #expect(try ingestion.publish(ride).first?.trouble?.code == .noConsent)
        #expect(try ingestion.publish(ride.with("T07:58:02", "T07:58:03")) == [accepted(2)])
    }

    @Test func `one behaviour can be withheld, and given back`() throws {
        let ingestion = try TestIngestion.furnished()
        let start = try at("2026-08-10T00:00:00+08:00")
        #expect(
            try consent(false, "cycling", at: start, in: ingestion) == [
                .init(behaviour: nil, from: nil, until: nil),
                .init(behaviour: "cycling", from: nil, until: start),
            ])
        let meal = try ride.named("e2").with("cycling", "clean_plate").with("\"km\"", "\"meal\"")
            .with("3.42", "1")
        #expect(try ingestion.publish(ride).first?.trouble?.code == .noConsent)
        #expect(try ingestion.publish(meal) == [accepted(1)])
        _ = try consent(true, "cycling", at: start, in: ingestion)
        #expect(try ingestion.publish(ride) == [accepted(2)])
    }

    @Test func `what is withheld from the beginning shows as never`() throws {
        let ingestion = try TestIngestion.furnished()
        let past = Instant(milliseconds: 0)
        _ = try consent(false, at: past, in: ingestion)
        let consents = try consent(true, "clean_plate", at: noon, in: ingestion)
        #expect(
            consents == [
                .init(behaviour: nil, from: nil, until: past),
                .init(behaviour: "clean_plate", from: nil, until: past),
                .init(behaviour: "clean_plate", from: noon, until: nil),
            ])
    }

    @Test func `the last word about a moment counts, whatever was said first`() throws {
        let ingestion = try TestIngestion.furnished()
        let (early, late) = (try at("2026-08-01T00:00:00+08:00"), noon)
        _ = try consent(false, at: late, in: ingestion)
        #expect(
            try consent(false, at: early, in: ingestion)
                == [.init(behaviour: nil, from: nil, until: early)])
        #expect(
            try consent(true, at: late, in: ingestion) == [
                .init(behaviour: nil, from: nil, until: early),
                .init(behaviour: nil, from: late, until: nil),
            ])
        #expect(try ingestion.restarted().publish(ride).first?.trouble?.code == .noConsent)
    }

    @Test func `a withdrawal without a moment takes effect now`() throws {
        let ingestion = try TestIngestion.furnished()
        #expect(
            try consent(false, at: nil, in: ingestion)
                == [.init(behaviour: nil, from: nil, until: noon)])
        #expect(try ingestion.publish(ride) == [accepted(1)], "it happened before")
    }

    @Test(arguments: [
        ("unknown_partner", "nobody", "resident-1", nil as String?),
        ("unknown_resident", "qingju", "resident-9", nil),
        ("unknown_binding", "map", "resident-1", nil),
        ("unknown_behaviour", "qingju", "resident-1", "flying"),
    ])
    func `a consent to nothing known is refused`(
        code: String, partner: String, resident: String, behaviour: String?
    ) throws {
        let ingestion = try TestIngestion.furnished()
        let command = ChangeConsent(
            partner: partner, resident: resident, behaviour: behaviour, granted: false, at: noon)
        #expect(try ingestion.reply(to: command).code == code)
    }

    @Test func `a second subject brings no withdrawn consent back`() throws {
        let ingestion = try TestIngestion.furnished()
        _ = try consent(false, at: Instant(milliseconds: 0), in: ingestion)
        try ingestion.bind("s1-new", of: "qingju", to: "resident-1")
        let event = try ride.with("\"s1\"", "\"s1-new\"")
        #expect(try ingestion.publish(event).first?.trouble?.code == .noConsent)
    }

    @Test func `an unknown method is named`() throws {
        let ingestion = try TestIngestion()
        let reply = try ingestion.commit([
            .command(
                CommandMessage(
                    method: "ingestion.dance", caller: "tests",
                    key: Array(repeating: 1, count: 16), body: []), 1)
        ]).replies.first?.1
        #expect(reply?.code == "unknown_method")
    }
}
