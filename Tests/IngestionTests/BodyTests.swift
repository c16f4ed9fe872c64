import Foundation
import Ingestion
import Model
import Streams
import Testing

/// How a PUBLISH body is cut into events, and what fails it as a whole.
@Suite struct BodyTests {
    private var decoder: BatchDecoder

    init() throws {
        decoder = BatchDecoder(catalogue: try testCatalogue(), secrets: testSecrets())
    }

    private func decode(_ body: [UInt8]) throws(BodyFault) -> PartnerBatch {
        var decoder = decoder
        return try decoder.decode(body, of: "qingju", arrived: noon)
    }

    private func isBad(_ body: [UInt8]) -> Bool {
        do throws(BodyFault) {
            _ = try decode(body)
            return false
        } catch {
            if case .badJSON = error { return true }
            return false
        }
    }

    @Test(arguments: [
        "", " ", "null", "42", "\"text\"", "true", "nonsense", "{", "[", "{\"id\":", "[{]", "[}",
        "[{},]", "[,{}]", "[{} {}]", "[{}", "[{}]]", "[{}] {}", "{} {}", "{}x", "{nonsense}",
        "{\"id\":tru}", "{\"id\":\"a\nb\"}", "[{\"a\":1}x,{}]", "[\"never ends]", "[1 2]", "[:]",
        "{\"a\":1,}", "{\"a\" 1}", "{\"a\":\"\\x\"}", "{\"a\":01}", "{\"a\":1.}", "{\"a\":+1}",
        "{\"a\":\"\\u12g4\"}", "[{\"a\":[}]", "/* */{}",
    ])
    func `a body that cannot be cut into events is bad`(body: String) {
        #expect(isBad(Array(body.utf8)))
    }

    @Test func `bytes that are not UTF-8 are bad, wherever they stand`() throws {
        for wrong: [UInt8] in [
            [0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80],
        ] {
            let body = Array("{\"extension\":\"".utf8) + wrong + Array("\"}".utf8)
            #expect(isBad(body))
        }
    }

    @Test func `a byte order mark is bad`() {
        #expect(isBad([0xEF, 0xBB, 0xBF] + Array(ride.utf8)))
    }

    @Test func `white space around and between changes nothing`() throws {
        let batch = try decode(Array(" \n\t[ \(ride) ,\r\n \(ride) ] \n".utf8))
        #expect(batch.items.count == 2)
        #expect(batch.items[0] != batch.items[1], "they lie in different places")
    }

    @Test func `an empty array holds no events`() throws {
        #expect(try decode(Array("[ ]".utf8)).items.isEmpty)
    }

    @Test(arguments: [
        "42", "null", "\"text\"", "[]", "[[1,{\"a\":\"]\"}]]", "{}", "nonsense", "{nonsense}",
        "{\"id\":\"a\nb\"}", "{\"a\":1,\"a\":2}", "{\"a\":\"\\ud800\"}", "{\"a\":\"}\\\"\",}",
    ])
    func `one bad element of an array spoils only itself`(element: String) throws {
        let body = "[\(ride),\(element),\(try ride.named("e2"))]"
        let batch = try decode(Array(body.utf8))
        #expect(batch.items.count == 3)
        guard case .refused(let refused) = batch.items[1] else {
            Issue.record("\(element) passed for an event")
            return
        }
        #expect(refused.rejection.code == .invalidEvent)
        for (place, id) in [(0, "e1"), (2, "e2")] {
            guard case .report(let report) = batch.items[place] else {
                Issue.record("a good event was refused")
                continue
            }
            #expect(batch.text(report.id) == id)
        }
    }

    @Test func `a thousand events are a batch and one more is too many`() throws {
        let events = try (0...1_000).map { try ride.named("e\($0)") }
        #expect(try decode(Array(array(Array(events.dropLast())).utf8)).items.count == 1_000)
        #expect(throws: BodyFault.tooManyEvents) { try decode(Array(array(events).utf8)) }
    }

    @Test func `an event that is too large is refused, and named if it can be`() throws {
        let filler = String(repeating: "x", count: 16_384)
        let large = try ride.with("\"data\":{", "\"filler\":\"\(filler)\",\"data\":{")
        let batch = try decode(Array(array([large, ride]).utf8))
        guard case .refused(let refused) = batch.items[0] else {
            Issue.record("it passed")
            return
        }
        #expect(refused.rejection.code == .eventTooLarge)
        #expect(refused.id.map { batch.text($0) } == "e1")
        #expect(refused.source.map { batch.text($0) } == "urn:partner:qingju")

        let unnamed = try decode(Array("[{\"filler\":\"\(filler)\",\"id\":7},\(ride)]".utf8))
        guard case .refused(let nameless) = unnamed.items[0] else {
            Issue.record("it passed")
            return
        }
        #expect(nameless.rejection.code == .eventTooLarge)
        #expect(nameless.id == nil)
    }

    @Test func `the largest event that may be is measured as it was sent`() throws {
        let space = 16_384 - ride.utf8.count - 12
        for (count, isReport) in [(space, true), (space + 1, false)] {
            let text = try ride.with(
                "\"data\":{", "\"filler\":\"\(String(repeating: "x", count: count))\",\"data\":{")
            #expect(text.utf8.count == (isReport ? 16_384 : 16_385))
            let batch = try decode(Array("[\(text)]".utf8))
            if case .report = batch.items[0] {
                #expect(isReport)
            } else {
                #expect(!isReport)
            }
        }
    }

    @Test func `size is judged before everything else about an event`() throws {
        let filler = String(repeating: "x", count: 17_000)
        let batch = try decode(Array("[{\"a\":\"\(filler)\",\"a\":1}]".utf8))
        guard case .refused(let refused) = batch.items[0] else {
            Issue.record("it passed")
            return
        }
        #expect(refused.rejection.code == .eventTooLarge)
    }

    @Test func `texts with escapes are read where they were unescaped`() throws {
        let text = try ride.with("\"id\":\"e1\"", #""\u0069d":"\u0065\u0031\ud83d\udeb2\/\"""#)
        let batch = try decode(Array("[\(ride),\(text)]".utf8))
        guard case .report(let report) = batch.items[1] else {
            Issue.record("it was refused: \(batch.items[1])")
            return
        }
        #expect(batch.text(report.id) == "e1🚲/\"")
        #expect(batch.text(report.source) == "urn:partner:qingju")
    }

    @Test func `mutilated bodies are answered and never trapped on`() throws {
        let seed = UInt64.random(in: .min ... .max)
        var generator = SplitMix64(seed: seed)
        let good = Array(array([ride, try ride.named("é\u{1F6B2}\\n"), ride]).utf8)
        let interesting =
            Array("{}[]\",:\\u0dD8eE+-.019tfn \u{0}\u{7F}".utf8) + [0xFF, 0xC3, 0xED, 0xF0]
        var outcomes: [String: Int] = [:]
        for _ in 0..<20_000 {
            var body = good
            for _ in 0..<Int.random(in: 1...4, using: &generator) where !body.isEmpty {
                let place = Int.random(in: body.indices, using: &generator)
                switch Int.random(in: 0..<5, using: &generator) {
                case 0: body.remove(at: place)
                case 1: body.insert(interesting.randomElement(using: &generator) ?? 0, at: place)
                case 2: body[place] = interesting.randomElement(using: &generator) ?? 0
                case 3: body.removeSubrange(place...)
                default: body.insert(contentsOf: body[place...].prefix(20), at: place)
                }
            }
            do throws(BodyFault) {
                let batch = try decode(body)
                for item in batch.items {
                    switch item {
                    case .report(let report):
                        _ = (batch.text(report.id), batch.text(report.source))
                        outcomes["report", default: 0] += 1
                    case .refused(let refused):
                        _ = (
                            refused.id.map { batch.text($0) }, refused.source.map { batch.text($0) }
                        )
                        outcomes["refused", default: 0] += 1
                    }
                }
            } catch {
                outcomes["\(error)".prefix(7) == "badJSON" ? "bad" : "many", default: 0] += 1
                // What Foundation takes for an array of objects is never bad JSON here, but for a
                // comma before the end, which RFC 8259 does not know and Foundation passes over.
                let close = body.filter { $0 > 0x20 }.suffix(2)
                if close != Array(",]".utf8)[...],
                    let value = try? JSONSerialization.jsonObject(with: Data(body)),
                    value is [[String: Any]], String(validating: body, as: UTF8.self) != nil
                {
                    Issue.record("seed \(seed): refused \(String(decoding: body, as: UTF8.self))")
                }
            }
        }
        #expect(outcomes.keys.count >= 3, "seed \(seed): the mutations reach all outcomes")
    }
}
