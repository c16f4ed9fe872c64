import GRDB
import Messages
import Model
import Scoring
import Storage
import Streams
import StreamsTestKit
import Testing
import Wire

@Suite struct ScoringDomainTests {
    /// 1 g a kilometre, at most 30 a day; 2 g a kilogram, at most 10 a month, 3 points each;
    /// 5 g an appliance, at most 1 a year.
    static func registry() throws -> MethodologyRegistry {
        try Registries.made(of: [
            Registries.entry(),
            Registries.entry([
                "method": #""waste.kg""#, "behaviour": #""recycling""#, "unit": #""kg""#,
                "formula": #"{"family": "linear", "milligrams_per_unit": "2000"}"#,
                "cap": #"{"quantity": "10", "per": "month"}"#,
                "points": #"{"rule": "per_unit", "points_per_unit": "3"}"#,
            ]),
            Registries.entry([
                "method": #""fridge""#, "behaviour": #""appliance""#, "unit": #""unit""#,
                "formula": #"{"family": "linear", "milligrams_per_unit": "5000"}"#,
                "cap": #"{"quantity": "1", "per": "year"}"#,
            ]),
        ])
    }

    @Test func `an accepted behaviour becomes one scored event with everything in it`() throws {
        let house = try House(registry: try Registries.deployed())
        let events = try house.apply([
            accepted("cycling", "3.42", "km", at: "2026-08-10T07:58:02+08:00")
        ])
        let event = try #require(events.first)
        #expect(events.count == 1)
        #expect(event.schema == 1 && event.resident == 7 && event.cause == 1)
        #expect(event.eventTimeMs == Instant(rfc3339: "2026-08-10T07:58:02+08:00")?.rawValue)
        let scored = event.scored
        #expect(scored.behaviour == "cycling")
        #expect(scored.method == "cycling.km" && scored.version == "mee-edc-2021")
        #expect(LocalDay(scored.day).description == "2026-08-10")
        #expect(scored.milligrams == 166_554 && scored.milligramsBeforeCap == 166_554)
        #expect(scored.points == 166)
        #expect(scored.reason == .full)
        #expect(scored.evidence == EvidenceKind.operatorOrder.rawValue)
        let totals = try #require(house.writer.heads.first).totals
        #expect(totals == ControlTotals(events: 1, milligrams: 166_554, points: 166))
    }

    @Test(arguments: [
        ("ebike", "km", "2026-08-10"), ("nev_charging", "kWh", "2026-08-10"),
        ("cycling", "km", "2022-08-09"), ("cycling", "mile", "2026-08-10"),
        ("flying", "km", "2026-08-10"),
    ])
    func `what no active version applies to is refused and kept`(
        behaviour: String, unit: String, day: String
    ) throws {
        let house = try House(registry: try Registries.deployed())
        let events = try house.apply([
            accepted(behaviour, "1", unit, at: "\(day)T12:00:00+08:00")
        ])
        #expect(events.count == 1)
        #expect(events[0].refused.behaviour == behaviour)
        #expect(events[0].refused.reason == "no_method")
        #expect(LocalDay(events[0].refused.day).description == day)
        let record = try house.records { try $0.event(partition: 0, sequence: 1) }
        #expect(record?.state == "refused" && record?.beforeCap == .zero)
    }

    @Test func `caps count by local day, month and year`() throws {
        let house = try House(registry: try Self.registry())
        func granted(_ behaviour: String, _ quantity: String, _ unit: String, _ time: String)
            throws -> Int64
        {
            try #require(
                try house.apply([accepted(behaviour, quantity, unit, at: time)]).first
            ).scored.milligrams
        }
        #expect(try granted("cycling", "25", "km", "2026-08-10T00:00:00+08:00") == 25_000)
        #expect(try granted("cycling", "25", "km", "2026-08-10T15:59:59.999Z") == 5_000)
        #expect(try granted("cycling", "25", "km", "2026-08-10T16:00:00Z") == 25_000)
        #expect(try granted("recycling", "8", "kg", "2026-08-01T09:00:00+08:00") == 16_000)
        #expect(try granted("recycling", "8", "kg", "2026-08-31T23:59:59+08:00") == 4_000)
        #expect(try granted("recycling", "8", "kg", "2026-09-01T00:00:00+08:00") == 16_000)
        #expect(try granted("appliance", "1", "unit", "2026-01-01T00:00:00+08:00") == 5_000)
        #expect(try granted("appliance", "1", "unit", "2026-12-31T23:59:59+08:00") == 0)
        #expect(try granted("appliance", "1", "unit", "2027-01-01T00:00:00+08:00") == 5_000)
        #expect(
            try house.periods().map(\.period).sorted() == [
                "2026", "2026-08", "2026-08-10", "2026-08-11", "2026-09", "2027",
            ])
        #expect(try house.records { try $0.balance().holds })
    }

    @Test func `caps are each resident's own`() throws {
        let house = try House(registry: try Self.registry())
        let events = try house.apply([
            accepted("cycling", "30", "km", by: 7), accepted("cycling", "30", "km", by: 8),
        ])
        #expect(events.map(\.scored.milligrams) == [30_000, 30_000])
    }

    @Test func `the version is chosen by the day of the behaviour, not of its arrival`() throws {
        let registry = try Registries.made(of: [
            Registries.entry(["valid_to": #""2026-08-09""#]),
            Registries.entry([
                "version": #""v2""#, "valid_from": #""2026-08-10""#,
                "formula": #"{"family": "linear", "milligrams_per_unit": "2000"}"#,
            ]),
        ])
        let house = try House(registry: registry)
        let events = try house.apply(
            [
                "2026-08-10T00:00:00+08:00", "2026-08-09T23:59:59.999+08:00",
                "2026-08-12T00:00:00+08:00", "2026-08-08T00:00:00+08:00",
            ].map { accepted("cycling", "1", "km", at: $0) })
        #expect(events.map(\.scored.version) == ["v2", "v1", "v2", "v1"])
        #expect(events.map(\.scored.milligrams) == [2_000, 1_000, 2_000, 1_000])
    }

    @Test func `an award of nothing is posted with its reason`() throws {
        let house = try House(registry: try Self.registry())
        let events = try house.apply(
            (0..<3).map { _ in accepted("cycling", "20", "km") })
        #expect(events.map(\.scored.reason) == [.full, .capped, .capReached])
        #expect(events[2].scored.milligrams == 0)
        #expect(events[2].scored.milligramsBeforeCap == 20_000)
        #expect(try house.ledger(of: 7).entries.count == 3)
    }

    @Test func `ended days and erased residents are passed on in their order`() throws {
        let house = try House(registry: try Self.registry())
        var ended = dayEnded(LocalDay(20_000))
        ended.critical = true
        let events = try house.apply([
            accepted("cycling", "1", "km"), ended, residentErased(7),
            accepted("cycling", "1", "km", by: 8),
        ])
        #expect(events.map(\.cause) == [1, 2, 3, 4])
        #expect(events[1].dayEnded.day == 20_000 && events[1].critical)
        #expect(events[2].payload == .residentErased(ResidentErased()))
        #expect(events[2].resident == 7)
        #expect(events[3].scored.points == 1)
    }

    @Test func `nonsense becomes a dead letter and changes nothing`() throws {
        let house = try House(registry: try Self.registry())
        let sound = accepted("cycling", "1", "km")
        func broken(_ change: (inout BehaviourEvent) -> Void) -> BehaviourEvent {
            var event = sound
            change(&event)
            return event
        }
        let block = try house.block([
            broken { $0.resident = 0 }, broken { $0.resident = -5 },
            broken { $0.accepted.quantityMillionths = -1 },
            broken { $0.eventTimeMs = .min }, broken { $0.eventTimeMs = .max },
            broken { $0.accepted.behaviour = "" },
            broken { $0.accepted.unit = String(repeating: "k", count: 65) },
            broken { $0.accepted.quantityMillionths = .max }, residentErased(0), sound,
        ])
        let commit = try house.commit([block])
        #expect(commit.deadLetters == 9)
        let events = try commit.blocks.events(as: PointsEvent.self)
        #expect(events.map(\.cause) == [10])
        #expect(try house.records { try $0.sums(partition: 0) }.scored == 1)
        #expect(try house.records { try $0.balance().holds })
    }

    @Test func `evidence of a kind that is not known yet counts`() throws {
        let house = try House(registry: try Self.registry())
        var event = accepted("cycling", "1", "km")
        event.accepted.evidence = 99
        #expect(try house.apply([event])[0].scored.evidence == 99)
        #expect(try house.ledger(of: 7).entries[0].evidence == "unknown")
    }

    @Test func `there is no command`() throws {
        let house = try House(registry: try Self.registry())
        let command = CommandMessage(
            method: "scoring.ledger.change", caller: "test", key: Array(repeating: 1, count: 16),
            body: [])
        let commit = try house.writer.commit([.command(command, 1)])
        #expect(commit.replies[0].1.code == "unknown_method")
    }

    @Test(arguments: [0, 1_000])
    func `a transaction that fails leaves nothing behind`(roundEntries: Int) throws {
        let house = try House(registry: try Self.registry(), roundEntries: roundEntries)
        let undisturbed = try House(registry: try Self.registry())
        for house in [house, undisturbed] {
            try house.apply([accepted("cycling", "20", "km")])
        }
        let before = try house.contents()
        let events = [
            accepted("cycling", "7", "km"), accepted("cycling", "13", "km"),
            accepted("recycling", "1", "kg", by: 8), accepted("sailing", "1", "km"),
        ]
        let block = try house.block(events)
        try house.store.writer.write {
            try $0.execute(
                sql: """
                    CREATE TRIGGER full_disk BEFORE INSERT ON ledger_entry
                    WHEN NEW.quantity = 13000000
                    BEGIN SELECT RAISE(ABORT, 'disk full'); END
                    """)
        }
        #expect(throws: DatabaseError.self) { try house.commit([block]) }
        try house.store.writer.write { try $0.execute(sql: "DROP TRIGGER full_disk") }
        #expect(try house.contents() == before)
        #expect(house.writer.heads == undisturbed.writer.heads)

        try house.commit([block])
        try undisturbed.apply(events)
        #expect(try house.contents() == (try undisturbed.contents()))
        #expect(house.writer.heads == undisturbed.writer.heads)
    }

    @Test func `a partition that must stop does not disturb the others`() throws {
        let house = try House(registry: try Self.registry(), partitions: 2)
        var unknown = BehaviourEvent()
        unknown.critical = true
        let commit = try house.writer.commit([
            .block(try house.block([accepted("cycling", "20", "km")])),
            .block(
                try house.block([accepted("cycling", "20", "km", by: 8), unknown], partition: 1)),
        ])
        #expect(commit.stopped.map { $0.partition } == [1])
        #expect(try house.periods().map(\.resident) == [7])
        #expect(try house.periods().map(\.milligrams.rawValue) == [20_000])
    }

    @Test func `a restart continues where the store stands`() throws {
        let (restarted, steady) = (
            try House(registry: try Self.registry()), try House(registry: try Self.registry())
        )
        for number in 0..<6 {
            let events = (1...3).map {
                accepted("cycling", "4.5", "km", by: Int64(7 + $0 % 2 + number % 2))
            }
            try restarted.apply(events)
            try steady.apply(events)
            try restarted.restart()
        }
        #expect(try restarted.contents() == (try steady.contents()))
        #expect(restarted.writer.heads == steady.writer.heads)
    }

    @Test(arguments: [0, 1, 5])
    func `a memory of few rows gives the same store as a large one`(rowsMax: Int) throws {
        let seed = UInt64.random(in: .min ... .max)
        print("small memory, seed \(seed)")
        var numbers = SplitMix64(seed: seed)
        let (forgetful, steady) = (
            try House(registry: try Self.registry(), rowsMax: rowsMax),
            try House(registry: try Self.registry())
        )
        for _ in 0..<40 {
            let events = Self.city(events: .random(in: 1...9, using: &numbers), using: &numbers)
            try forgetful.apply(events)
            try steady.apply(events)
        }
        #expect(try forgetful.contents() == (try steady.contents()))
        #expect(forgetful.writer.heads == steady.writer.heads)
    }

    @Test func `thousands of unknown behaviours are refused without losing the known ones`() throws
    {
        let house = try House(registry: try Self.registry())
        let unknown = (0...ScoringDomain.Limits.fieldsMax).map {
            accepted("nonsense-\($0)", "1", "km")
        }
        for _ in 0..<2 {
            let events = try house.apply(unknown + [accepted("cycling", "1", "km")])
            #expect(events.dropLast().allSatisfy { $0.refused.reason == "no_method" })
            #expect(events.last?.scored.points == 1)
        }
        #expect(try house.records { try $0.balance().holds })
    }

    @Test func `periods do not depend on the order of arrival`() throws {
        let seed = UInt64.random(in: .min ... .max)
        print("order of arrival, seed \(seed)")
        var numbers = SplitMix64(seed: seed)
        var events = Self.city(events: 400, using: &numbers)
        let first = try House(registry: try Self.registry())
        try first.apply(events)
        events.shuffle(using: &numbers)
        let second = try House(registry: try Self.registry())
        for start in stride(from: 0, to: events.count, by: 37) {
            try second.apply(Array(events[start..<min(start + 37, events.count)]))
        }
        func sorted(_ periods: [ScoringRecords.PeriodRecord]) -> [String] {
            periods.map { "\($0)" }.sorted()
        }
        #expect(sorted(try first.periods()) == sorted(try second.periods()))
        #expect(first.writer.heads[0].totals == second.writer.heads[0].totals)
    }

    @Test func `the same blocks give the same log at every edge, however they are grouped`() throws
    {
        let seed = UInt64.random(in: .min ... .max)
        print("grouping of blocks, seed \(seed)")
        var numbers = SplitMix64(seed: seed)
        var blocks: [(events: [BehaviourEvent], partition: Int)] = []
        for number in 0..<30 {
            var events = Self.city(
                events: .random(in: 1...40, using: &numbers), using: &numbers)
            if number % 5 == 0 { events.append(dayEnded(LocalDay(Int32(20_000 + number)))) }
            if number % 7 == 0 { events.insert(accepted("flying", "1", "km"), at: 0) }
            if number % 11 == 0 { events.append(residentErased(-1)) }
            blocks.append((events, number % 3))
        }
        let whole = try House(registry: try Self.registry(), partitions: 3)
        try whole.commit(
            try blocks.map { try whole.block($0.events, partition: $0.partition) })
        let expected = try Self.edges(of: whole)
        #expect(expected.count == blocks.count)
        for groupsMax in [1, 2, 7] {
            let other = try House(registry: try Self.registry(), partitions: 3)
            var rest = blocks[...]
            while !rest.isEmpty {
                let group = rest.prefix(.random(in: 1...groupsMax, using: &numbers))
                rest = rest.dropFirst(group.count)
                try other.commit(
                    try group.map { try other.block($0.events, partition: $0.partition) })
            }
            #expect(try Self.edges(of: other) == expected)
            #expect(try other.contents() == (try whole.contents()))
        }
    }

    /// Where every block of the log ends, and the chain there.
    static func edges(of house: House) throws -> [String] {
        try house.store.writer.read { database in
            try (0..<3).flatMap { partition in
                try EventLog.blocks(
                    after: 0, partition: partition, bytesMax: .max, in: database
                ).map { "\(partition) \($0.last) \($0.chain) \($0.totals)" }
            }
        }
    }

    /// What a few residents do over a few days, some of it for nothing.
    static func city(
        events: Int, using numbers: inout SplitMix64
    ) -> [BehaviourEvent] {
        (0..<events).map { _ in
            let (behaviour, unit) =
                [
                    ("cycling", "km"), ("recycling", "kg"), ("appliance", "unit"),
                    ("cycling", "trip"),
                ]
                .randomElement(using: &numbers) ?? ("cycling", "km")
            let quantity = Quantity(rawValue: .random(in: 0...9_000_000, using: &numbers))
            var event = accepted(
                behaviour, quantity.description, unit, by: .random(in: 1...9, using: &numbers))
            event.eventTimeMs += .random(in: -259_200_000...259_200_000, using: &numbers)
            return event
        }
    }
}
