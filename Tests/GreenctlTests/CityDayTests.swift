import Glibc
import Greenctl
import Testing

/// A folder of its own for one test, removed afterwards.
private struct Folder: ~Copyable {
    let path: String

    init() throws {
        var template = Array("/tmp/greenseason-city-XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { buffer -> String? in
            guard let base = buffer.baseAddress, mkdtemp(base) != nil else { return nil }
            return String(cString: base)
        }
        path = try #require(made)
    }

    deinit {
        for name in ["partners.json", "residents.csv", "bindings.csv", "day.jsonl", "steps.jsonl"] {
            unlink(path + "/" + name)
        }
        rmdir(path)
    }

    /// The bytes of one of its files.
    func bytes(_ name: String) throws -> [UInt8] {
        let file = try #require(fopen(path + "/" + name, "r"))
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var page = [UInt8](repeating: 0, count: 65_536)
        while case let count = fread(&page, 1, page.count, file), count > 0 {
            bytes.append(contentsOf: page[..<count])
        }
        return bytes
    }

    func write(_ text: String) throws -> String {
        let file = try #require(fopen(path + "/steps.jsonl", "w"))
        defer { fclose(file) }
        fputs(text, file)
        return path + "/steps.jsonl"
    }
}

/// 2026-08-10.
private let date: Int32 = 20_675

private func steps(of path: String) throws -> [CityStep] {
    var reader = try CityStepReader(path: path)
    var steps: [CityStep] = []
    while let step = try reader.nextStep() { steps.append(step) }
    return steps
}

private func events(of steps: [CityStep]) -> [String] {
    steps.compactMap { step in
        guard case .event(_, let bytes) = step else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// What stands in `event` between `opening` and the next quotation mark.
private func text(after opening: String, in event: String) -> String? {
    let event = Array(event.utf8)
    let opening = Array(opening.utf8)
    guard event.count > opening.count else { return nil }
    for start in 0..<(event.count - opening.count)
    where event[start..<(start + opening.count)].elementsEqual(opening) {
        let rest = event[(start + opening.count)...]
        return String(decoding: rest.prefix { $0 != UInt8(ascii: "\"") }, as: UTF8.self)
    }
    return nil
}

@Suite struct CityDayTests {
    private static let files = ["partners.json", "residents.csv", "bindings.csv", "day.jsonl"]

    @Test func `the same seed makes the same bytes, another seed other ones`() throws {
        let first = try Folder()
        let second = try Folder()
        let other = try Folder()
        var plan = CityDay.Plan(seed: 7, residents: 80, partners: 12, events: 3_000, date: date)
        let tally = try CityDay(plan).write(to: first.path)
        #expect(try CityDay(plan).write(to: second.path) == tally)
        plan.seed = 8
        try CityDay(plan).write(to: other.path)
        for name in Self.files {
            #expect(try first.bytes(name) == second.bytes(name), "\(name)")
        }
        #expect(try first.bytes("day.jsonl") != other.bytes("day.jsonl"))
        #expect(try first.bytes("bindings.csv") != other.bytes("bindings.csv"))
    }

    @Test(arguments: [(5, 1, 0), (5, 1, 1), (9, 3, 777), (20, 2_000, 20_000)])
    func `a day holds exactly the events asked for`(
        partners: Int, residents: Int, count: Int
    ) throws {
        let folder = try Folder()
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        let plan = CityDay.Plan(
            seed: seed, residents: residents, partners: partners, events: count, date: date)
        let tally = try CityDay(plan).write(to: folder.path)
        let all = try steps(of: folder.path + "/day.jsonl")
        #expect(events(of: all).count == count)
        #expect(tally.events == count)
        let lines = try folder.bytes("residents.csv").count { $0 == UInt8(ascii: "\n") }
        #expect(lines == residents + 1)
    }

    @Test func `the clock goes from five to past midnight, hour by hour`() throws {
        let folder = try Folder()
        let plan = CityDay.Plan(seed: 1, residents: 10, partners: 9, events: 500, date: date)
        try CityDay(plan).write(to: folder.path)
        let all = try steps(of: folder.path + "/day.jsonl")
        let clocks = all.compactMap { step -> String? in
            guard case .clock(let time) = step else { return nil }
            return time
        }
        #expect(all.first == .clock("2026-08-10T05:00:00+08:00"))
        #expect(all.last == .clock("2026-08-11T00:10:00+08:00"))
        #expect(clocks.count == 21)
        #expect(clocks == clocks.sorted())
        #expect(clocks.contains("2026-08-11T00:00:00+08:00"))
    }

    @Test func `accidents happen about as often as they should`() throws {
        let folder = try Folder()
        let plan = CityDay.Plan(
            seed: 3, residents: 5_000, partners: 9, events: 100_000, date: date)
        let tally = try CityDay(plan).write(to: folder.path)
        #expect((1_800...2_200).contains(tally.resent))
        #expect((25...75).contains(tally.conflicting))
        #expect((800...1_200).contains(tally.late))
        #expect((300...500).contains(tally.invalid))
        #expect((120...280).contains(tally.unbound))
        #expect(tally.doubled > 200)
        #expect(tally.malformed == 0)

        let all = events(of: try steps(of: folder.path + "/day.jsonl"))
        #expect(all.count - Set(all).count == tally.resent)
        let ids = Set(all.map { text(after: "\"id\":\"", in: $0) })
        // Every conflict has the id of another event, and nothing else has.
        #expect(Set(all).count - ids.count <= tally.conflicting)
        #expect(Set(all).count - ids.count >= tally.conflicting - 2)
    }

    @Test func `events are as large as real ones, unless they are meant to be too large`() throws {
        let folder = try Folder()
        var plan = CityDay.Plan(seed: 5, residents: 100, partners: 9, events: 20_000, date: date)
        plan.accidents.invalid = 500
        let tally = try CityDay(plan).write(to: folder.path)
        let sizes = events(of: try steps(of: folder.path + "/day.jsonl")).map(\.utf8.count)
        let flaws = Flaw.allCases.count
        #expect(sizes.count { $0 > 16_384 } == (tally.invalid + flaws - 11) / flaws)
        #expect(sizes.allSatisfy { $0 > 16_384 || $0 < 700 })
    }

    @Test func `map apps draw random ids, all others number their orders by date`() throws {
        let folder = try Folder()
        var plan = CityDay.Plan(seed: 6, residents: 100, partners: 9, events: 5_000, date: date)
        plan.accidents.late = 0
        plan.accidents.invalid = 0
        try CityDay(plan).write(to: folder.path)
        for event in events(of: try steps(of: folder.path + "/day.jsonl")) {
            let id = try #require(text(after: "\"id\":\"", in: event))
            let source = try #require(text(after: "\"source\":\"", in: event))
            if source.hasPrefix("urn:partner:map-one:") {
                #expect(id.split(separator: "-").map(\.count) == [8, 4, 4, 4, 12], "\(id)")
                #expect(id.dropFirst(14).hasPrefix("4"), "\(id)")
            } else {
                #expect(id.dropFirst(2).hasPrefix("20260810-") || id.contains("20260809-"), "\(id)")
            }
        }
    }

    @Test func `rush hours are busier than noon, and noon than night`() throws {
        let folder = try Folder()
        let plan = CityDay.Plan(seed: 9, residents: 500, partners: 9, events: 20_000, date: date)
        try CityDay(plan).write(to: folder.path)
        var counts: [Int] = []
        for step in try steps(of: folder.path + "/day.jsonl") {
            if case .clock = step { counts.append(0) } else { counts[counts.count - 1] += 1 }
        }
        // Block 0 ends at five, block n at the hour n + 5.
        #expect(counts[4] > 2 * counts[9])
        #expect(counts[13] > 2 * counts[9])
        #expect(counts[9] > 3 * counts[0])
    }

    @Test func `malformed bodies come only when asked for`() throws {
        let folder = try Folder()
        var plan = CityDay.Plan(seed: 2, residents: 10, partners: 5, events: 100, date: date)
        plan.malformed = true
        let tally = try CityDay(plan).write(to: folder.path)
        let raws = try steps(of: folder.path + "/day.jsonl").compactMap { step -> String? in
            guard case .raw(_, let bytes) = step else { return nil }
            return String(decoding: bytes, as: UTF8.self)
        }
        #expect(raws == ["not json", "{", "42", "", "[{\"id\":\"1\"},"])
        #expect(tally.malformed == 5)
        #expect(tally.events == 100)
    }

    @Test func `a folder that cannot be made is a failure with its reason`() throws {
        let plan = CityDay.Plan(seed: 2, residents: 1, partners: 5, events: 1, date: date)
        let failure = #expect(throws: FileFailure.self) {
            try CityDay(plan).write(to: "/proc/no/such/folder")
        }
        #expect(failure?.description.contains("/proc/no") == true)
    }
}

@Suite struct CityStepTests {
    @Test func `every kind of step is read, and an event keeps its bytes`() throws {
        let folder = try Folder()
        let event = #"{ "id" : "1", "b":[1.50e-3,true,null,{"é":"\u00e9\n\"}"}] }"#
        let path = try folder.write(
            """
            {"clock":"2026-08-10T06:00:00+08:00"}
             { "partner" : "bike-one" , "event" : \(event) } \r

            {"partner":"b\\u0069ke","raw":"[\\"\\ud83d\\ude00\\n"}
            \(event)
            {}
            """)
        #expect(
            try steps(of: path) == [
                .clock("2026-08-10T06:00:00+08:00"),
                .event(partner: "bike-one", bytes: Array(event.utf8)),
                .raw(partner: "bike", bytes: Array("[\"😀\n".utf8)),
                .event(partner: nil, bytes: Array(event.utf8)),
                .event(partner: nil, bytes: Array("{}".utf8)),
            ])
    }

    @Test(arguments: [
        "x", "[]", "{", "{\"clock\":6}", "{\"clock\":\"6\"", "{\"clock\":\"6\"} {}",
        "{\"partner\":\"p\"}", "{\"partner\":\"p\",\"evnt\":{}}", "{\"partner\":\"p\",\"event\":}",
        "{\"partner\":\"p\",\"event\":{}}}", "{\"partner\":\"p\",\"raw\":{}}", "{\"a\":01}",
        "{\"a\":1.}", "{\"a\":.5}", "{\"a\":+1}", "{\"a\":NaN}", "{\"a\":tru}", "{\"a\":\"\\x\"}",
        "{\"a\":\"\\u12g4\"}", "{\"a\" 1}", "{\"a\":1,}", "{a:1}", "{\"a\":[1 2]}",
        "{\"a\":\"\t\"}", "{\"partner\":\"\\ud800\",\"raw\":\"\"}",
        "{\"a\":" + String(repeating: "[", count: 300),
    ])
    func `a line that is no step is named by its number`(line: String) throws {
        let folder = try Folder()
        let path = try folder.write("{\"id\":\"1\"}\n\n" + line + "\n{}\n")
        var reader = try CityStepReader(path: path)
        _ = try reader.nextStep()
        do {
            _ = try reader.nextStep()
            Issue.record("read as a step")
        } catch .malformed(_, let number, _, _) {
            #expect(number == 3)
        }
    }

    @Test func `lines longer than a page are read, and longer than the limit refused`() throws {
        let folder = try Folder()
        let long = "{\"a\":\"\(String(repeating: "x", count: 700_000))\"}"
        #expect(
            try steps(of: folder.write("{}\n\(long)\n{}")) == [
                .event(partner: nil, bytes: Array("{}".utf8)),
                .event(partner: nil, bytes: Array(long.utf8)),
                .event(partner: nil, bytes: Array("{}".utf8)),
            ])
        let path = try folder.write(
            String(repeating: "x", count: CityStepReader.lineBytesMax + 300_000))
        #expect(throws: CityStepReader.Failure.self) { try steps(of: path) }
    }

    @Test func `bytes that are not UTF-8 are refused`() throws {
        let folder = try Folder()
        let path = try folder.write("")
        let file = try #require(fopen(path, "w"))
        let bytes: [UInt8] = Array("{\"a\":\"".utf8) + [0xC3, 0x28] + Array("\"}\n".utf8)
        fwrite(bytes, 1, bytes.count, file)
        fclose(file)
        #expect(throws: CityStepReader.Failure.self) { try steps(of: path) }
    }

    @Test func `a file that is not there is a failure with its reason`() throws {
        #expect(throws: FileFailure.self) { try steps(of: "/no/such/day.jsonl") }
    }
}
