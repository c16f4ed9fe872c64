import GRDB
import Messages
import Model
import Scoring
import Storage
import Streams
import Testing

@Suite struct ScoringAnswersTests {
    @Test func `an entry is explained in full`() throws {
        let house = try House(registry: try Registries.deployed())
        try house.apply([
            accepted("cycling", "40.5", "km", at: "2026-08-10T07:58:02.250+08:00")
        ])
        let ledger = try house.ledger(of: 7)
        #expect(ledger.milligrams == Milligrams(1_461_000))
        #expect(ledger.points == Points(1_461))
        #expect(ledger.next == nil)
        #expect(
            ledger.entries == [
                LedgerEntry(
                    day: "2026-08-10", time: "2026-08-10T07:58:02.250+08:00", behaviour: "cycling",
                    unit: "km", quantity: "40.5", evidence: "operator_order", state: "counted",
                    reason: "capped", method: "cycling.km", version: "mee-edc-2021",
                    factor: "48700", cap: "30 km a day", pointsRule: "1 point per whole gram",
                    milligramsBeforeCap: Milligrams(1_972_350), milligrams: Milligrams(1_461_000),
                    points: Points(1_461))
            ])
    }

    @Test func `a refusal is in the ledger with its reason`() throws {
        let house = try House(registry: try Registries.deployed())
        try house.apply([accepted("ebike", "2", "km", evidence: .mapNavigation)])
        let entry = try #require(try house.ledger(of: 7).entries.first)
        #expect(entry.state == "refused" && entry.reason == "no_method")
        #expect(entry.method == nil && entry.factor == nil && entry.cap == nil)
        #expect(entry.evidence == "map_navigation")
        #expect(entry.milligrams == .zero)
    }

    @Test func `a ledger is read in pages, newest first, each resident's own`() throws {
        let house = try House(registry: try ScoringDomainTests.registry())
        for number in 1...12 {
            try house.apply(
                (1...3).map { accepted("cycling", "\(number).\($0)", "km", by: $0) })
        }
        for limit in [1, 5, 12, 500] {
            var quantities: [String] = []
            var before: Int64?
            repeat {
                let page = try house.ledger(of: 2, limit: limit, before: before)
                #expect(page.entries.count <= limit)
                quantities += page.entries.map(\.quantity)
                before = page.next
            } while before != nil
            #expect(quantities == (1...12).reversed().map { "\($0).2" })
        }
    }

    @Test func `a resident that scoring has never met has an empty ledger`() throws {
        let house = try House(registry: try ScoringDomainTests.registry())
        let ledger = try house.ledger(of: 99)
        #expect(ledger.entries.isEmpty && ledger.milligrams == .zero && ledger.next == nil)
    }

    @Test func `a page of somebody else and an impossible limit are refused`() throws {
        let house = try House(registry: try ScoringDomainTests.registry())
        try house.apply([accepted("cycling", "1", "km", by: 1)])
        let resident = try #require(ResidentID(rawValue: 2))
        #expect(try house.ask(ShowLedger(resident: resident, before: 1)).code == "bad_page")
        #expect(try house.ask(ShowLedger(resident: resident, limit: 0)).code == "bad_limit")
        #expect(try house.ask(ShowLedger(resident: resident, limit: 501)).code == "bad_limit")
    }

    @Test func `methods are listed with their source, active or not`() throws {
        let house = try House(registry: try Registries.deployed())
        let reply = try house.ask(ListMethodologies())
        let records = try JSON.decode(ListMethodologies.Reply.self, from: reply.body).items
        #expect(records.count == 25)
        #expect(records.filter(\.active).count == 16)
        let cycling = try #require(records.first { $0.version == "mee-edc-2021" && $0.active })
        #expect(cycling.nameZh == "共享单车骑行(按公里)")
        #expect(cycling.validFrom == "2022-08-10" && cycling.validTo == nil)
        #expect(cycling.factor == "48700" && cycling.cap == "30 km a day")
    }

    @Test func `an unknown question is answered so`() throws {
        let house = try House(registry: try ScoringDomainTests.registry())
        let reply = try house.store.writer.read {
            try ScoringAnswers(registry: house.registry).answer(
                QueryMessage(method: "scoring.weather.show", body: []), in: $0)
        }
        #expect(reply.code == "unknown_method")
    }
}

@Suite struct ScoringRecordsTests {
    static func house(
        roundEntries: Int = ScoringDomain.Limits.roundEntries
    ) throws -> House {
        let house = try House(
            registry: try ScoringDomainTests.registry(), partitions: 2, roundEntries: roundEntries)
        try house.apply([
            accepted("cycling", "20", "km"), dayEnded(LocalDay(20_000)),
            accepted("cycling", "20.5", "km"), accepted("flying", "1", "km"),
        ])
        try house.apply(
            [accepted("recycling", "1", "kg", by: 8), accepted("cycling", "2", "km", by: 9)],
            partition: 1)
        return house
    }

    @Test func `each event is found by its place`() throws {
        try Self.house().records { records in
            let capped = try #require(try records.event(partition: 0, sequence: 3))
            #expect(capped.state == "counted" && capped.reason == .capped)
            #expect(capped.beforeCap == Milligrams(20_500))
            #expect(capped.milligrams == Milligrams(10_000))
            #expect(try records.event(partition: 0, sequence: 2) == nil)
            #expect(try records.event(partition: 0, sequence: 4)?.state == "refused")
            #expect(try records.event(partition: 1, sequence: 1)?.resident == 8)
            #expect(try records.event(partition: 1, sequence: 9) == nil)
            #expect(
                try records.events(in: 0, after: 1, limit: 9).map(\.sequence) == [3, 4])
            #expect(
                try records.events(in: 1, through: 1, limit: 9).map(\.sequence) == [1])
        }
    }

    @Test func `periods are told by resident, version and name`() throws {
        let periods = try Self.house().periods()
        #expect(
            Set(periods.map { "\($0.resident) \($0.method) \($0.period) \($0.points.rawValue)" })
                == [
                    "7 ride.km 2026-08-10 30", "9 ride.km 2026-08-10 2", "8 waste.kg 2026-08 3",
                ])
    }

    @Test func `sums up to a cursor come from the entries and equal the log's totals`() throws {
        let house = try Self.house()
        try house.records { records in
            #expect(
                try records.sums(partition: 0)
                    == ScoringRecords.Sums(
                        scored: 2, refused: 1, milligrams: Milligrams(30_000), points: Points(30)))
            #expect(
                try records.sums(partition: 0, through: 2)
                    == ScoringRecords.Sums(
                        scored: 1, refused: 0, milligrams: Milligrams(20_000), points: Points(20)))
            #expect(try records.sums(partition: 0, after: 2, through: 3).scored == 1)
            for head in house.writer.heads {
                let sums = try records.sums(partition: head.partition)
                #expect(sums.milligrams.rawValue == head.totals.milligrams)
                #expect(sums.points.rawValue == head.totals.points)
            }
        }
    }

    /// What the log says of an entry is another question, which `greenctl audit` asks.
    @Test(
        arguments: [
            "UPDATE ledger_entry SET milligrams = milligrams - 1 WHERE place = 1",
            "DELETE FROM ledger_entry WHERE place = 3",
            "UPDATE resident_total SET milligrams = milligrams - 1 WHERE resident = 9",
            "UPDATE resident_total SET entries = entries + 1 WHERE resident = 7",
            "DELETE FROM resident_total WHERE resident = 8",
            "UPDATE period_total SET points = points + 1 WHERE resident = 8",
            "DELETE FROM period_total WHERE resident = 7",
            "DELETE FROM settled WHERE slice = 0",
            "UPDATE settled SET through = through - 1 WHERE slice = 0",
        ])
    func `a settled ledger that was tampered with does not balance`(sql: String) throws {
        let house = try Self.house(roundEntries: 0)
        #expect(try house.records { try $0.balance().holds })
        try house.store.writer.write { try $0.execute(sql: sql) }
        #expect(try !house.records { try $0.balance().holds })
    }

    @Test func `a tail that is said to be settled does not balance`() throws {
        let house = try Self.house()
        try house.apply([accepted("cycling", "1", "km")])
        #expect(try house.records { try $0.balance().holds })
        try house.store.writer.write {
            try $0.execute(sql: "UPDATE settled SET through = 5 WHERE partition = 0")
        }
        #expect(try !house.records { try $0.balance().holds })
    }
}
