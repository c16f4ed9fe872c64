import Foundation
import Greenctl
import Messages
import ServiceKit
import Storage
import Testing

/// Services that know their replies by heart, and remember what they were asked.
final class FakeServices: ServiceCalls {
    /// The reply's JSON by method.
    var replies: [String: String] = [:]
    var failures: [String: Failure] = [:]
    private(set) var asked: [(service: ServiceName, method: String, body: String, key: [UInt8]?)] =
        []

    func call<R: Request>(_ service: ServiceName, _ request: R, key: [UInt8]?) throws -> R.Reply {
        let body = String(decoding: try JSON.encode(request), as: UTF8.self)
        asked.append((service, R.method, body, key))
        if let failure = failures[R.method] { throw failure }
        guard let reply = replies[R.method] else {
            throw Failure(.unreachable, "\(R.method) was not expected")
        }
        return try JSON.decode(R.Reply.self, from: Array(reply.utf8))
    }
}

/// What a command wrote.
final class Sheet: TextOutput {
    private(set) var text = ""

    func write(_ text: String) { self.text += text }
}

/// `greenctl` run in this process, in a folder of its own.
struct Bench {
    let services = FakeServices()
    let output = Sheet()
    let errors = Sheet()
    let folder: String

    let simulator = ScriptedSimulator()

    init() throws {
        folder = NSTemporaryDirectory() + "greenctl-" + UUID().uuidString
        try FileManager.default.createDirectory(
            atPath: folder + "/run", withIntermediateDirectories: true)
    }

    @discardableResult
    func run(_ arguments: String...) -> Int32 { run(arguments) }

    func run(_ arguments: [String]) -> Int32 {
        Program.run(
            arguments,
            in: Surroundings(
                environment: ["GREENSEASON_DATA": folder], output: output, errors: errors,
                isWatched: false, calls: { [services] _ in services },
                simulator: { [simulator] _ in simulator }))
    }

    func write(_ text: String, to name: String) throws -> String {
        let path = folder + "/" + name
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        return path
    }

    /// A run file of a service that lives as long as this test does.
    func pretend(
        _ service: String, pid: Int32 = ProcessInfo.processInfo.processIdentifier
    ) throws {
        _ = try write(
            """
            {"service":"\(service)","pid":\(pid),"boot":"0123456789abcdef","stream":"points",
             "endpoints":{"publish":"ipc://p","replay":"ipc://r","request":"ipc://q"}}
            """, to: "run/\(service).json")
    }
}

@Suite struct ConsoleTests {
    @Test func `columns line up in terminal cells, Chinese characters being two wide`() throws {
        let bench = try Bench()
        bench.services.replies["rewards.catalogue.list"] = """
            {"items":[
             {"code":"metro-card","nameZh":"地铁卡","nameEn":"Metro card","kind":"voucher",
              "points":1200,"stock":50,"sold":3,"validDays":30},
             {"code":"tree","nameZh":"植树","nameEn":"A tree","kind":"donation",
              "points":12000,"sold":1234,"validDays":0}]}
            """
        #expect(bench.run("rewards", "list") == 0)
        #expect(
            bench.output.text == """
                ITEM        NAME               KIND      POINTS  LEFT   SOLD  VALID DAYS
                metro-card  地铁卡 Metro card  voucher    1,200    50      3          30
                tree        植树 A tree        donation  12,000     ∞  1,234           -

                """)
    }

    @Test func `JSON is what the service replied, keys sorted, on one line`() throws {
        let bench = try Bench()
        bench.services.replies["ingestion.clock.show"] = """
            {"kind":"manual","now":1786320000000,"time":"2026-08-10T08:00:00+08:00",
             "stopped":false,"lastDayEnded":"2026-08-09"}
            """
        #expect(bench.run("clock", "show", "--json") == 0)
        #expect(
            bench.output.text == """
                {"kind":"manual","lastDayEnded":"2026-08-09","now":1786320000000,\
                "stopped":false,"time":"2026-08-10T08:00:00+08:00"}

                """)
    }

    @Test func `a refusal is one line on stderr and exit code 1`() throws {
        let bench = try Bench()
        bench.services.failures["rewards.order.redeem"] = Failure(
            .refused, "40 points short (insufficient_points)")
        #expect(bench.run("redeem", "42", "metro-card") == 1)
        #expect(bench.output.text.isEmpty)
        #expect(bench.errors.text == "greenctl: 40 points short (insufficient_points)\n")
    }

    @Test(arguments: [
        ["redeem"], ["no-such-thing"], ["clock", "set", "yesterday"], ["clock", "advance", "2x"],
        ["partner", "add", "p", "--source", "urn:p", "--behaviours", "metro"],
        ["redeem", "42", "x", "--key", "abc"], ["redeem", "0", "x"], ["wait"],
        ["profile", "consent", "42"], ["publish", "x", "--rate", "0"],
        ["generate-day", "/tmp/x", "--partners", "3"], ["publish", "x", "--edge", "tcp://h:1"],
        ["ledger", "show", "42", "--limit", "501"],
        ["partner", "add", "p", "--source", "u", "--behaviours", "m", "--public-key", "short"],
    ])
    func `what makes no sense is told with exit code 64 before anybody is asked`(
        arguments: [String]
    ) throws {
        let bench = try Bench()
        #expect(bench.run(arguments) == 64)
        #expect(bench.errors.text.contains("Error:"))
        #expect(bench.services.asked.isEmpty)
    }

    @Test func `help goes to stdout and names every group of commands`() throws {
        let bench = try Bench()
        #expect(bench.run("--help") == 0)
        for word in ["publish", "redeem", "audit", "stream", "OPERATION"] {
            #expect(bench.output.text.contains(word))
        }
    }

    @Test func `the same key is sent as given, and an order without one gets its own`() throws {
        let bench = try Bench()
        bench.services.replies["rewards.order.cancel"] = """
            {"order":"0a","resident":42,"item":"tree","kind":"voucher","points":5,
             "state":"cancelled","orderedDay":"2026-08-10"}
            """
        let key = String(repeating: "a5", count: 16)
        #expect(bench.run("order", "cancel", "0a", "--key", key) == 0)
        #expect(bench.run("order", "cancel", "0a") == 0)
        #expect(bench.run("order", "cancel", "0a") == 0)
        let keys = bench.services.asked.map { $0.key ?? [] }
        #expect(keys[0] == [UInt8](repeating: 0xA5, count: 16))
        #expect(Set(keys).count == 3)
        #expect(keys.allSatisfy { $0.count == 16 })
    }

    @Test func `a resident is named by key or by id`() throws {
        let bench = try Bench()
        bench.services.replies["ingestion.resident.find"] = "{\"key\":\"r1\",\"resident\":77}"
        bench.services.replies["rewards.order.list"] = "{\"items\":[]}"
        #expect(bench.run("order", "list", "r1") == 0)
        #expect(bench.run("order", "list", "78") == 0)
        #expect(bench.run("order", "list", "key:78") == 0)
        #expect(
            bench.services.asked.map(\.body) == [
                "{\"key\":\"r1\"}", "{\"limit\":50,\"resident\":77}",
                "{\"limit\":50,\"resident\":78}",
                "{\"key\":\"78\"}", "{\"limit\":50,\"resident\":77}",
            ])
    }

    @Test func `bindings are imported a thousand rows at a time`() throws {
        let bench = try Bench()
        bench.services.replies["ingestion.binding.import"] = """
            {"bound":700,"unchanged":50,"residentsAdded":3,"subjects":[]}
            """
        let rows = (0..<1_500).map { "bike,s\($0),r\($0)" }.joined(separator: "\n")
        let file = try bench.write("partner,subject,resident\n\(rows)\n", to: "b.csv")
        #expect(bench.run("binding", "import", file, "--json") == 0)
        #expect(bench.services.asked.count == 2)
        #expect(
            bench.output.text == "{\"bound\":1400,\"residentsAdded\":6,\"unchanged\":100}\n")
    }

    @Test(arguments: ["subject,partner,resident\n", "partner,subject,resident\na,b\n"])
    func `a malformed CSV is refused with the line`(text: String) throws {
        let bench = try Bench()
        let file = try bench.write(text, to: "b.csv")
        #expect(bench.run("binding", "import", file) == 1)
        #expect(bench.errors.text.contains("b.csv"))
        #expect(bench.services.asked.isEmpty)
    }

    @Test func `a folder without services says how to start them`() throws {
        let folder = DataFolder(try Bench().folder)
        #expect(try RunFile.find(.scoring, in: folder) == .absent)
        let failure = #expect(throws: Failure.self) { try RunFile.load(.scoring, in: folder) }
        #expect(failure?.exit == .unreachable)
        #expect(failure?.message.contains("make up") == true)
    }

    @Test func `a run file outlives its process, and that is noticed`() throws {
        let bench = try Bench()
        let folder = DataFolder(bench.folder)
        try bench.pretend("scoring")
        #expect(try RunFile.load(.scoring, in: folder).boot == "0123456789abcdef")
        // Linux gives no process a number above 2^22.
        try bench.pretend("scoring", pid: 5_000_000)
        guard case .dead = try RunFile.find(.scoring, in: folder) else {
            Issue.record("a dead process was taken for a living one")
            return
        }
        _ = try bench.write("{}", to: "run/scoring.json")
        let failure = #expect(throws: Failure.self) { try RunFile.find(.scoring, in: folder) }
        #expect(failure?.exit == .configuration)
    }

    @Test func `services that are down are shown and told by the exit code`() throws {
        let bench = try Bench()
        try bench.pretend("scoring")
        bench.services.replies["engine.status"] = """
            {"service":"scoring","boot":"0123456789abcdef","stream":"points","deadLetters":2,
             "heads":[{"partition":0,"sequence":1200,"milligrams":5,"points":1,"chain":"00"}],
             "inputs":[{"stream":"behaviour","partition":0,"cursor":900,"head":1000,
                        "state":"catching up"}]}
            """
        #expect(bench.run("status") == 1)
        let lines = bench.output.text.split(separator: "\n").map(String.init)
        #expect(lines.contains { $0.hasPrefix("ingestion") && $0.contains("down") })
        #expect(lines.contains { $0.hasPrefix("scoring") && $0.contains("1,200") })
        #expect(lines.contains { $0.contains("behaviour/0") && $0.contains("100") })
        #expect(bench.errors.text.contains("ingestion is not running"))
    }

    @Test func `waiting ends when every cursor stands at its head`() throws {
        let bench = try Bench()
        for service in ServiceName.allCases { try bench.pretend(service.rawValue) }
        // One reply for all: a service that reads its own stream to the end is settled.
        bench.services.replies["engine.status"] = """
            {"service":"x","boot":"b","stream":"points","deadLetters":0,
             "heads":[{"partition":0,"sequence":7,"milligrams":5,"points":1,"chain":"00"}],
             "inputs":[{"stream":"points","partition":0,"cursor":7,"state":"live"}]}
            """
        #expect(bench.run("wait", "--settled", "--timeout", "20s") == 0)
        bench.services.replies["engine.status"]?.replace("\"cursor\":7", with: "\"cursor\":6")
        #expect(bench.run("wait", "--settled", "--timeout", "1s") == 1)
        #expect(bench.errors.text.contains("6 of 7 events of points/0"))
        bench.services.replies["engine.status"]?.replace("live", with: "stopped: forked")
        #expect(bench.run("wait", "--settled", "--timeout", "20s") == 1)
        #expect(bench.errors.text.contains("stopped: forked"))
    }

    @Test func `residents are listed to the end, page by page, as an array`() throws {
        let bench = try Bench()
        bench.services.replies["ingestion.resident.list"] = """
            {"items":[{"key":"a","resident":1},{"key":"b","resident":2}],"next":"b"}
            """
        #expect(bench.run("resident", "list", "--json", "--limit", "3") == 0)
        #expect(
            bench.output.text == """
                [{"key":"a","resident":1},{"key":"b","resident":2},{"key":"a","resident":1}]

                """)
        #expect(bench.services.asked.map(\.body) == ["{}", "{\"after\":\"b\"}"])
    }

    @Test func `the data folder may be named before the command or after it`() throws {
        let bench = try Bench()
        let other = bench.folder + "/other"
        #expect(bench.run("--data", other, "clock", "show") == 69)
        #expect(bench.run("stream", "verify", "scoring", "--data", other) == 78)
        #expect(bench.run("--data", other, "stream", "verify", "scoring") == 78)
        #expect(bench.errors.text.components(separatedBy: other).count == 3)
    }

    @Test func `a ledger is told in exact grams, from ten kilograms on in kilograms`() throws {
        let bench = try Bench()
        bench.services.replies["scoring.ledger.show"] = """
            {"resident":42,"milligrams":12500001,"points":12500,"entries":[
             {"day":"2026-08-10","time":"2026-08-10T08:00:00+08:00","behaviour":"cycling",
              "unit":"km","quantity":"0.9","evidence":"operator_order","state":"counted",
              "reason":"full","method":"cycling.km","version":"v1","factor":"93300",
              "cap":"30 km a day","pointsRule":"1 point per whole gram",
              "milligramsBeforeCap":83970,"milligrams":83970,"points":83}],"next":7}
            """
        #expect(bench.run("ledger", "show", "42", "--limit", "1") == 0)
        #expect(
            bench.output.text == """
                resident 42: avoided 12.500001 kg CO2e, awarded 12,500 points
                DAY         BEHAVIOUR  QUANTITY  UNIT  EVIDENCE        AVOIDED  POINTS  WHY
                2026-08-10  cycling         0.9  km    operator_order  83.97 g      83  full
                more: --before 7

                """)
        #expect(bench.run("ledger", "show", "42", "--explain") == 0)
        #expect(bench.output.text.contains("factor       93300 mg per km"))
    }

    @Test func `a new partner's secret is written for its owner alone, and kept if it is there`()
        throws
    {
        let bench = try Bench()
        bench.services.replies["ingestion.partner.add"] = """
            {"id":"bike","sources":["urn:a","urn:b"],"behaviours":["cycling"],"publicKey":"k",
             "counts":{"received":0,"accepted":0,"duplicate":0,"rejected":0}}
            """
        let file = bench.folder + "/bike.key"
        for _ in 0..<2 {
            #expect(
                bench.run(
                    "partner", "add", "bike", "--source", "urn:a", "urn:b", "--behaviours",
                    "cycling,bus", "--key-out", file) == 0)
        }
        let mode =
            try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        #expect(bench.services.asked[0].body == bench.services.asked[1].body)
        #expect(bench.services.asked[0].body.contains("[\"urn:a\",\"urn:b\"]"))
        let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
        #expect(lines.map(\.utf8.count) == [40, 40])
        #expect(bench.services.asked[0].body.contains("\"publicKey\":\"\(lines[0])\""))
        #expect(!bench.output.text.contains(lines[1]))

        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: file)
        #expect(
            bench.run(
                "partner", "add", "b", "--source", "u", "--behaviours", "m", "--key-out", file)
                == 78)
        #expect(bench.errors.text.contains("others can read"))
    }

    @Test(arguments: [("地铁 Metro", 10), ("e\u{301}a", 2), ("", 0), ("🚲1", 3)])
    func `a text takes as many cells as a terminal gives it`(text: String, cells: Int) {
        #expect(text.terminalCells == cells)
    }
}
