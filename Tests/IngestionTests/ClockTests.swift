import GRDB
import Ingestion
import Messages
import Model
import Storage
import Streams
import Testing
import Wire

/// The clock, and the days that it ends.
@Suite struct ClockTests {
    private func at(_ text: String) throws -> Instant { try #require(Instant(rfc3339: text)) }

    @Test func `the first start ends no day`() throws {
        let ingestion = try TestIngestion.furnished(clock: .system)
        try ingestion.tick(noon)
        #expect(try ingestion.daysEnded().isEmpty)
        let clock = try ingestion.answer(to: ShowClock())
        #expect(clock.kind == .system)
        #expect(clock.now == noon)
        #expect(clock.time == "2026-08-10T12:00:00+08:00")
        #expect(clock.lastDayEnded == nil)
        #expect(!clock.stopped)
    }

    @Test func `a day ends once, at local midnight, in every partition`() throws {
        let ingestion = try TestIngestion(clock: .system, partitions: 3)
        for time in ["12:00:00", "23:59:59.999"] {
            try ingestion.tick(at("2026-08-10T\(time)+08:00"))
        }
        #expect(ingestion.blocks.isEmpty)
        for _ in 1...3 { try ingestion.tick(at("2026-08-11T00:00:00+08:00")) }
        for partition in 0..<3 {
            #expect(try ingestion.daysEnded(in: partition) == ["2026-08-10"])
            let event = try #require(try ingestion.events(of: partition).first)
            #expect(event.critical)
            #expect(event.resident == 0)
            #expect(event.eventTimeMs == (try at("2026-08-11T00:00:00+08:00")).rawValue)
        }
        #expect(try ingestion.answer(to: ShowClock()).lastDayEnded == "2026-08-10")
    }

    @Test func `missing days are ended in order after a restart, before anything else`() throws {
        let first = try TestIngestion.furnished(clock: .system)
        #expect(try first.publish(ride) == [accepted(1)])
        let second = try first.restarted(clock: .system)
        let later = try at("2026-08-12T10:00:00+08:00")
        #expect(try second.publish(ride.named("e2"), arrived: later) == [accepted(4)])
        #expect(try second.daysEnded() == ["2026-08-10", "2026-08-11"])
        #expect(try second.events().map { $0.payload == nil } == [false, false, false])
        #expect(try second.events().last?.accepted.behaviour == "cycling")
    }

    @Test func `a clock that goes back emits nothing and judges lateness as it stands`() throws {
        let ingestion = try TestIngestion.furnished(clock: .system)
        try ingestion.tick(at("2026-08-11T01:00:00+08:00"))
        let back = try at("2026-08-10T08:00:00+08:00")
        #expect(
            try ingestion.publish(ride, arrived: back).first?.trouble?.code == .inFuture)
        #expect(try ingestion.daysEnded().isEmpty)
        try ingestion.tick(at("2026-08-12T00:00:00+08:00"))
        try ingestion.tick(at("2026-08-11T23:00:00+08:00"))
        try ingestion.tick(at("2026-08-12T00:00:01+08:00"))
        #expect(try ingestion.daysEnded() == ["2026-08-11"])
    }

    @Test func `a leap of more than 48 hours stops everything until it is confirmed`() throws {
        let ingestion = try TestIngestion.furnished(clock: .system)
        #expect(try ingestion.publish(ride) == [accepted(1)])
        let far = noon.advanced(byMilliseconds: 48 * 3_600_000 + 1)
        try ingestion.tick(far)
        #expect(try ingestion.result(ride, arrived: far) == .unavailable)
        #expect(try ingestion.daysEnded().isEmpty)
        #expect(try ingestion.answer(to: ShowClock()).stopped)
        #expect(try ingestion.records { try $0.totals() }.received == 1)

        #expect(try ingestion.carryOut(MoveClock(move: .confirm)).now == far)
        #expect(try ingestion.daysEnded() == ["2026-08-10", "2026-08-11"])
        #expect(try ingestion.publish(ride, arrived: far) == [duplicate(1)])
        #expect(try ingestion.reply(to: MoveClock(move: .confirm)).code == "not_stopped")
    }

    @Test func `a leap is also seen over a restart`() throws {
        let first = try TestIngestion.furnished(clock: .system)
        try first.tick(noon)
        let second = try first.restarted(clock: .system)
        let far = noon.advanced(byMilliseconds: 49 * 3_600_000)
        #expect(try second.result(ride, arrived: far) == .unavailable)
    }

    @Test func `48 hours are no leap, and a clock that comes back needs no operator`() throws {
        let ingestion = try TestIngestion.furnished(clock: .system)
        try ingestion.tick(noon)
        try ingestion.tick(noon.advanced(byMilliseconds: 48 * 3_600_000))
        #expect(try !ingestion.answer(to: ShowClock()).stopped)
        try ingestion.tick(noon.advanced(byMilliseconds: 480 * 3_600_000))
        #expect(try ingestion.answer(to: ShowClock()).stopped)
        let believed = noon.advanced(byMilliseconds: 48 * 3_600_000 + 1_000)
        try ingestion.tick(believed)
        #expect(try ingestion.answer(to: ShowClock()).now == believed)
        #expect(try ingestion.daysEnded() == ["2026-08-10", "2026-08-11"])
    }

    @Test func `a manual clock moves by command alone, as far as it is told`() throws {
        let ingestion = try TestIngestion.furnished()
        try ingestion.tick(noon.advanced(byMilliseconds: 86_400_000))
        #expect(try ingestion.answer(to: ShowClock()).now == noon)
        let moved = try ingestion.carryOut(MoveClock(move: .advance(milliseconds: 86_400_000)))
        #expect(moved.lastDayEnded == "2026-08-10")
        #expect(moved.kind == .manual)
        let year = try at("2027-08-10T00:00:00+08:00")
        try ingestion.carryOut(MoveClock(move: .set(year)))
        let days = try ingestion.daysEnded()
        #expect(days.count == 365)
        #expect(days == days.sorted())
        #expect(days.last == "2027-08-09")
        #expect(try ingestion.restarted().answer(to: ShowClock()).now == year)
    }

    @Test func `a manual clock refuses to go back and to leave the calendar`() throws {
        let ingestion = try TestIngestion.furnished()
        for (move, code) in [
            (MoveClock.Move.set(noon.advanced(byMilliseconds: -1)), "clock_backwards"),
            (.advance(milliseconds: -1), "clock_backwards"),
            (.advance(milliseconds: .max), "bad_time"),
            (.set(Instant(milliseconds: .max)), "bad_time"),
            (.confirm, "manual_clock"),
        ] {
            #expect(try ingestion.reply(to: MoveClock(move: move)).code == code)
        }
        #expect(try ingestion.answer(to: ShowClock()).now == noon)
        #expect(ingestion.blocks.isEmpty)
    }

    @Test func `a system clock cannot be set`() throws {
        let ingestion = try TestIngestion(clock: .system)
        try ingestion.tick(noon)
        for move in [MoveClock.Move.set(noon), .advance(milliseconds: 1)] {
            #expect(try ingestion.reply(to: MoveClock(move: move)).code == "system_clock")
        }
    }

    @Test func `a manual clock without a time takes nothing in until it is set`() throws {
        let ingestion = try TestIngestion.furnished(clock: .manual(initial: nil))
        #expect(try ingestion.result(ride) == .unavailable)
        #expect(try ingestion.ask(ShowClock()).code == "clock_unset")
        #expect(
            try ingestion.reply(to: MoveClock(move: .advance(milliseconds: 1))).code
                == "clock_unset")
        try ingestion.carryOut(MoveClock(move: .set(noon)))
        #expect(try ingestion.daysEnded().isEmpty)
        #expect(try ingestion.publish(ride) == [accepted(1)])
    }

    @Test func `a store keeps its clock and its keys`() throws {
        let ingestion = try TestIngestion()
        #expect(throws: IngestionStartError.otherClock(kept: .manual)) {
            try ingestion.restarted(clock: .system)
        }
        #expect(throws: IngestionStartError.otherSecrets) {
            try TestIngestion(on: ingestion.store, secrets: testSecrets(9))
        }
    }

    @Test func `what was rolled back was not a day's end`() throws {
        let ingestion = try TestIngestion.furnished()
        try ingestion.store.writer.write {
            try $0.execute(
                sql: """
                    CREATE TRIGGER disk_trouble BEFORE UPDATE ON deployment
                    BEGIN SELECT RAISE(ABORT, 'disk trouble'); END
                    """)
        }
        let day: Int64 = 86_400_000
        #expect(throws: (any Error).self) {
            try ingestion.reply(to: MoveClock(move: .advance(milliseconds: day)))
        }
        try ingestion.store.writer.write { try $0.execute(sql: "DROP TRIGGER disk_trouble") }
        #expect(try ingestion.answer(to: ShowClock()).now == noon)
        try ingestion.carryOut(MoveClock(move: .advance(milliseconds: day)))
        #expect(try ingestion.daysEnded() == ["2026-08-10"])
    }
}
