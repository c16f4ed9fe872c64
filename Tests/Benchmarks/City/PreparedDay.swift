import Foundation
import Greenctl
import Model
import Streams

/// A generated city and its day, made into bodies beforehand: a load must not be what is measured.
final class PreparedDay {
    /// One `PUBLISH` body of one partner.
    struct Body {
        var bytes: [UInt8]
        var events: Int
    }

    /// A partner's bodies, in the order in which its events happened.
    struct Lane {
        var partner: String
        var bodies: [Body]
    }

    /// What events are called.
    enum Names: String, CaseIterable {
        /// As the city's partners do: most number their orders, map apps draw UUIDs.
        case reported
        /// 128 random bits: an index over them is written everywhere.
        case random
        /// A number that only grows, as of a clock.
        case ordered
    }

    enum Limits {
        static let partners = 5
        static let seed: UInt64 = 1
        /// 2026-08-10.
        static let date: Int32 = 20_675
        /// Of 10,000.
        static let resent = 200
    }

    /// The folder that `greenctl city load` reads.
    let folder: String
    private let names: Names
    /// Of the last event that was renamed.
    private var name: UInt64
    private(set) var lanes: [Lane] = []
    /// Where ingestion's clock must stand for all of it to be in the past.
    private(set) var clock = Instant(milliseconds: 0)
    let events: Int
    /// What must be accepted; the rest was sent before.
    let accepted: Int

    /// Makes the day and keeps its bodies in memory; the folder lasts as long as this value.
    ///
    /// - Parameters:
    ///   - resent: how many of 10,000 events are sent once more; only under reported names.
    ///   - dayNumber: which day of the same city, from 0 on.
    init(
        events: Int, residents: Int, bodyEvents: Int, resent: Int = Limits.resent,
        names: Names = .reported, dayNumber: Int = 0
    ) throws {
        precondition(names == .reported || resent == 0, "what is renamed is no duplicate")
        self.names = names
        name = UInt64(dayNumber) << 40
        folder = Places.scratch("city")
        var plan = CityDay.Plan(
            seed: Limits.seed, residents: residents, partners: Limits.partners, events: events,
            date: Limits.date + Int32(dayNumber))
        plan.accidents.resent = resent
        // Every event is accepted, or a duplicate: so the end can be checked to the event.
        plan.accidents.conflicting = 0
        plan.accidents.invalid = 0
        plan.accidents.unbound = 0
        let tally = try CityDay(plan).write(to: folder)
        self.events = tally.events
        accepted = tally.events - tally.resent
        try read(bodyEvents: bodyEvents)
    }

    deinit {
        do {
            try FileManager.default.removeItem(atPath: folder)
        } catch {
            print("left behind: \(folder): \(error)")
        }
    }

    private func read(bodyEvents: Int) throws {
        var reader = try CityStepReader(path: folder + "/day.jsonl")
        var open: [String: Body] = [:]
        var closed: [String: [Body]] = [:]
        while let step = try reader.nextStep() {
            switch step {
            case .clock(let text):
                guard let instant = Instant(rfc3339: text) else { throw Broken("clock \(text)") }
                clock = instant
            case .event(let partner?, let bytes):
                var body = open[partner] ?? Body(bytes: [], events: 0)
                open[partner] = nil
                body.bytes.append(UInt8(ascii: body.events == 0 ? "[" : ","))
                append(bytes, to: &body.bytes)
                body.events += 1
                if body.events == bodyEvents {
                    body.bytes.append(UInt8(ascii: "]"))
                    closed[partner, default: []].append(body)
                } else {
                    open[partner] = body
                }
            case .event, .raw:
                throw Broken("the day holds what it should not")
            }
        }
        for (partner, body) in open {
            closed[partner, default: []].append(
                Body(bytes: body.bytes + [UInt8(ascii: "]")], events: body.events))
        }
        lanes = closed.sorted { $0.key < $1.key }.map { Lane(partner: $0.key, bodies: $0.value) }
    }

    /// Adds an event, under another name if names are not to be as reported.
    private func append(_ event: [UInt8], to bytes: inout [UInt8]) {
        guard names != .reported else { return bytes += event }
        name += 1
        var generator = Streams.SplitMix64(seed: name)
        let id =
            names == .ordered
            ? String(name, radix: 16)
            : String(generator.next(), radix: 16) + String(generator.next(), radix: 16)
        // `{"specversion":"1.0","id":"…","source":…`: the id is the eighth of the quoted.
        let quotes = event.indices.lazy.filter { event[$0] == UInt8(ascii: "\"") }.prefix(8)
        let places = Array(quotes)
        bytes += event[...places[6]]
        bytes += Array(id.utf8)
        bytes += event[places[7]...]
    }

    /// The bodies of all partners in turn, as the floor reads them.
    func write(bodiesTo path: String) throws {
        var bytes = Data()
        func append(_ number: Int) {
            withUnsafeBytes(of: UInt32(number).littleEndian) { bytes.append(contentsOf: $0) }
        }
        for place in 0..<(lanes.map(\.bodies.count).max() ?? 0) {
            for lane in lanes where place < lane.bodies.count {
                append(lane.bodies[place].events)
                append(lane.bodies[place].bytes.count)
                bytes.append(contentsOf: lane.bodies[place].bytes)
            }
        }
        try bytes.write(to: URL(filePath: path))
    }
}
