import GRDB
import Ingestion
import Messages
import Model
import Storage
import Streams
import Testing
import Wire

/// What each event comes to, in the protocol's order, and what it leaves behind.
@Suite struct ReceiptTests {
    @Test func `an accepted event is in the log, whole and without what names a person`() throws {
        let ingestion = try TestIngestion.furnished()
        #expect(try ingestion.publish(ride) == [accepted(1)])

        let resident = try ingestion.answer(to: FindResident(key: "resident-1")).resident
        let event = try #require(try ingestion.events().first)
        #expect(event.schema == 1)
        #expect(event.resident == resident.rawValue)
        #expect(event.eventTimeMs == Instant(rfc3339: "2026-08-10T07:58:02+08:00")?.rawValue)
        #expect(event.idHigh != 0)
        #expect(event.accepted.behaviour == "cycling")
        #expect(event.accepted.unit == "km")
        #expect(event.accepted.quantityMillionths == 3_420_000)
        #expect(event.accepted.endedMs == Instant(rfc3339: "2026-08-10T08:12:31+08:00")?.rawValue)
        #expect(event.accepted.evidence == EvidenceKind.operatorOrder.rawValue)

        let log = ingestion.blocks.flatMap(\.body)
        for secret in ["s1", "r1", "v1", "urn:", "qingju", "resident-1"] {
            #expect(!log.contains(Array(secret.utf8)), "\(secret) is in the log")
        }
        let kept = try ingestion.store.writer.read {
            try Row.fetchOne($0, sql: "SELECT id, reference, vehicle, serial FROM accepted_event")
        }
        #expect(kept == ["id": "e1", "reference": "r1", "vehicle": "v1", "serial": nil])
    }

    @Test func `an event without an interval happened at its time`() throws {
        let ingestion = try TestIngestion.furnished()
        let meal = try ride.with("cycling", "clean_plate").with("\"km\"", "\"meal\"")
            .with("3.42", "1").with(
                "\"startedAt\":\"2026-08-10T07:58:02+08:00\","
                    + "\"endedAt\":\"2026-08-10T08:12:31+08:00\",", "")
        #expect(try ingestion.publish(meal) == [accepted(1)])
        let event = try #require(try ingestion.events().first)
        #expect(event.eventTimeMs == Instant(rfc3339: "2026-08-10T08:12:31+08:00")?.rawValue)
        #expect(event.accepted.endedMs == 0)
    }

    static let source = ("urn:partner:qingju", "urn:partner:other")
    static let behaviour = ("\"cycling\"", "\"flying\"")
    static let licence = ("\"cycling\"", "\"metro\"")
    static let unit = ("\"km\"", "\"meal\"")
    static let zero = ("3.42", "0.000000")
    static let interval = ("\"startedAt\":\"2026-08-10T07:58:02+08:00\",", "")
    static let late = ("2026-08-10T0", "2026-07-01T0")
    static let subject = ("\"s1\"", "\"nobody\"")

    /// What is exchanged in the ride, and what it comes to.
    static let rejections: [(String, String, RejectionCode, String)] = [
        (source.0, source.1, .sourceNotAllowed, "source"),
        (source.0, "urn:partner:map", .sourceNotAllowed, "source"),
        (behaviour.0, behaviour.1, .unknownBehaviour, "data.behaviour"),
        (licence.0, licence.1, .behaviourNotLicensed, "data.behaviour"),
        (unit.0, unit.1, .unitMismatch, "data.unit"),
        ("\"km\"", "\"KM\"", .unitMismatch, "data.unit"),
        (zero.0, zero.1, .quantityOutOfRange, "data.quantity"),
        ("3.42", "60.000001", .quantityOutOfRange, "data.quantity"),
        (interval.0, interval.1, .intervalInvalid, "data.startedAt"),
        ("\"endedAt\":\"2026-08-10T08:12:31+08:00\",", "", .intervalInvalid, "data.endedAt"),
        (
            "\"startedAt\":\"2026-08-10T07:58:02+08:00\","
                + "\"endedAt\":\"2026-08-10T08:12:31+08:00\",", "", .intervalInvalid,
            "data.startedAt"
        ),
        ("T07:58:02", "T08:12:32", .intervalInvalid, "data.endedAt"),
        ("2026-08-10T07:58:02", "2026-08-09T08:12:30.999", .intervalInvalid, "data.endedAt"),
        ("2026-08-10T0", "2026-07-11T0", .tooLate, "data.endedAt"),
        ("2026-08-10T08:12:31", "2026-08-10T12:05:00.001", .inFuture, "data.endedAt"),
        (subject.0, subject.1, .noConsent, "subject"),
    ]

    @Test(arguments: rejections)
    func `a broken rule has its code and its field`(
        old: String, new: String, code: RejectionCode, field: String
    ) throws {
        let ingestion = try TestIngestion.furnished()
        let receipt = try #require(try ingestion.publish(ride.with(old, new)).first)
        #expect(receipt.trouble == Trouble(code, field))
        #expect(ingestion.blocks.isEmpty, "a rejected event leaves no trace")
        #expect(try ingestion.records { try $0.acceptedCount() } == 0)
    }

    @Test(arguments: [
        ("3.42", "60"), ("3.42", "0.000001"), ("T07:58:02", "T08:12:31"),
        ("2026-08-10T07:58:02", "2026-08-09T08:12:31"),
        ("2026-08-10T0", "2026-07-12T0"),
        ("2026-08-10T08:12:31", "2026-08-10T12:05:00"),
    ])
    func `at its bound a rule still holds`(old: String, new: String) throws {
        let ingestion = try TestIngestion.furnished()
        #expect(try ingestion.publish(ride.with(old, new)) == [accepted(1)])
    }

    @Test func `the first rule that fails is the answer, in the protocol's order`() throws {
        let steps: [((String, String), RejectionCode)] = [
            ((Self.subject.0, Self.subject.1), .noConsent),
            ((Self.late.0, Self.late.1), .tooLate),
            (("\"startedAt\":\"2026-07-01T07:58:02+08:00\",", ""), .intervalInvalid),
            ((Self.zero.0, Self.zero.1), .quantityOutOfRange),
            ((Self.unit.0, Self.unit.1), .unitMismatch),
            ((Self.licence.0, Self.licence.1), .behaviourNotLicensed),
            (("\"metro\"", "\"flying\""), .unknownBehaviour),
            ((Self.source.0, Self.source.1), .sourceNotAllowed),
            (("\"1.0\"", "\"2.0\""), .invalidEvent),
            (
                ("\"data\":{", "\"x\":\"\(String(repeating: "x", count: 17_000))\",\"data\":{"),
                .eventTooLarge
            ),
        ]
        let ingestion = try TestIngestion.furnished()
        var event = ride
        for ((old, new), code) in steps {
            event = try event.with(old, new)
            let receipt = try #require(try ingestion.publish(event).first)
            #expect(receipt.trouble?.code == code)
        }
    }

    @Test func `a known id is judged before all that may have changed since`() throws {
        let ingestion = try TestIngestion.furnished()
        #expect(try ingestion.publish(ride) == [accepted(1)])
        for (old, new) in [
            Self.behaviour, Self.licence, Self.unit, Self.zero, Self.interval, Self.late,
            Self.subject,
        ] {
            let receipt = try #require(try ingestion.publish(ride.with(old, new)).first)
            #expect(receipt.trouble == Trouble(.conflict, "id"))
        }
        let other = try ride.with(Self.source.0, Self.source.1)
        #expect(try ingestion.publish(other).first?.trouble?.code == .sourceNotAllowed)

        try ingestion.carryOut(MoveClock(move: .advance(milliseconds: 60 * 86_400_000)))
        try ingestion.carryOut(
            ChangeConsent(
                partner: "qingju", resident: "resident-1", behaviour: nil, granted: false,
                at: Instant(milliseconds: 0)))
        #expect(try ingestion.publish(ride) == [duplicate(1)], "not too late, and consented then")
    }

    @Test func `the same event again is a duplicate, in a batch and across them`() throws {
        let ingestion = try TestIngestion.furnished()
        let other = try ride.named("e2")
        #expect(
            try ingestion.publish(array([ride, ride, other]))
                == [accepted(1), duplicate(1), accepted(2)])
        #expect(try ingestion.publish(array([other, ride])) == [duplicate(2), duplicate(1)])
        let again = try ingestion.restarted()
        #expect(try again.publish(array([other, ride])) == [duplicate(2), duplicate(1)])
        #expect(try again.publish(ride.with("r1", "r2")).first?.trouble?.code == .conflict)
    }

    @Test func `the same id of another source is another event`() throws {
        let ingestion = try TestIngestion.furnished()
        try ingestion.bind("m1", of: "map", to: "resident-1")
        #expect(try ingestion.publish(ride) == [accepted(1)])
        let other = try ride.with("urn:partner:qingju", "urn:partner:map").with("\"s1\"", "\"m1\"")
        #expect(try ingestion.publish(other, from: "map") == [accepted(2)])
        #expect(
            try ingestion.publish(other).first?.trouble?.code == .sourceNotAllowed,
            "not by another partner")
    }

    @Test func `a rejected event can be mended and sent again`() throws {
        let ingestion = try TestIngestion.furnished()
        #expect(try ingestion.publish(ride.with("3.42", "99")).first?.trouble != nil)
        #expect(try ingestion.publish(ride) == [accepted(1)])
    }

    @Test func `one bad event never spoils its batch`() throws {
        let ingestion = try TestIngestion.furnished()
        let receipts = try ingestion.publish(
            array([ride, "{broken}", try ride.named("e2").with("3.42", "99"), try ride.named("e3")])
        )
        #expect(receipts.count == 4)
        #expect(receipts[0] == accepted(1))
        #expect(receipts[1].trouble == Trouble(.invalidEvent, nil))
        #expect(receipts[2].trouble?.code == .quantityOutOfRange)
        #expect(receipts[3] == accepted(2))
    }

    @Test func `what failed to be written never happened`() throws {
        let ingestion = try TestIngestion.furnished()
        #expect(try ingestion.publish(ride) == [accepted(1)])
        try ingestion.store.writer.write {
            try $0.execute(
                sql: """
                    CREATE TRIGGER disk_trouble BEFORE INSERT ON accepted_event WHEN NEW.id = 'e3'
                    BEGIN SELECT RAISE(ABORT, 'disk trouble'); END
                    """)
        }
        let batch = try ingestion.batch(
            array([ride, try ride.named("e2"), try ride.named("e3")]))
        #expect(throws: DatabaseError.self) { try ingestion.commit([.errand(.batch(batch), 1)]) }
        try ingestion.store.writer.write { try $0.execute(sql: "DROP TRIGGER disk_trouble") }
        let receipts = try ingestion.commit([.errand(.batch(batch), 1)]).results.map(\.1)
        #expect(receipts == [.receipts([duplicate(1), accepted(2), accepted(3)])])
        #expect(try ingestion.records { try $0.totals() }.received == 4)
        #expect(
            try ingestion.restarted().publish(try ride.named("e3")) == [duplicate(3)])
    }

    @Test func `every event of every batch is counted once`() throws {
        let ingestion = try TestIngestion.furnished()
        _ = try ingestion.publish(array([ride, ride, "7", try ride.named("e2")]))
        _ = try ingestion.publish("[]")
        _ = try ingestion.publish(ride.with("urn:partner:qingju", "urn:partner:map"), from: "map")
        let counts = try ingestion.records { try $0.counts() }
        var ours = ReceiptCounts()
        (ours.received, ours.accepted, ours.duplicate, ours.rejected) = (4, 2, 1, 1)
        var theirs = ReceiptCounts()
        (theirs.received, theirs.rejected) = (1, 1)
        #expect(counts == ["qingju": ours, "map": theirs])
        let totals = try ingestion.records { try $0.totals() }
        #expect(totals.received == totals.accepted + totals.duplicate + totals.rejected)
        #expect(try ingestion.answer(to: ListPartners()).items.map(\.counts) == [theirs, ours])
    }

    @Test func `positions lead back to what the partner called the event`() throws {
        let ingestion = try TestIngestion.furnished(partitions: 3)
        var expected: Set<String> = []
        for number in 1...20 {
            try ingestion.bind("p\(number)", of: "qingju", to: "person-\(number)")
            let receipt = try #require(
                try ingestion.publish(
                    ride.named("n\(number)").with("\"s1\"", "\"p\(number)\"")
                ).first)
            guard case .accepted(let partition, let sequence) = receipt else {
                Issue.record("rejected: \(receipt)")
                continue
            }
            let event = try ingestion.records {
                try $0.acceptedEvent(partition: partition, sequence: sequence)
            }
            #expect(event?.id == "n\(number)")
            #expect(event?.source == "urn:partner:qingju")
            expected.insert("\(partition)/\(sequence)/n\(number)")
        }
        var seen: [String] = []
        try ingestion.records {
            try $0.forEachAccepted { seen.append("\($0.partition)/\($0.sequence)/\($0.id)") }
        }
        #expect(Set(seen) == expected)
        #expect(seen.count == 20)
        #expect(Set(seen.map(\.first)).count == 3, "all partitions took part")
        #expect(try ingestion.records { try $0.acceptedEvent(partition: 0, sequence: 99) } == nil)
        #expect(try ingestion.records { try $0.acceptedCount() } == 20)
    }
}
