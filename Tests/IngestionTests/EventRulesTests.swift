import Ingestion
import Model
import Testing

/// The rules an event must fulfil whatever the register says: GSP/1's list, item by item.
@Suite struct EventRulesTests {
    private func item(_ event: String) throws -> (PartnerBatch, PartnerBatch.Item) {
        var decoder = BatchDecoder(catalogue: try testCatalogue(), secrets: testSecrets())
        let batch = try decoder.decode(Array("[\(event)]".utf8), of: "qingju", arrived: noon)
        guard let item = batch.items.first else { throw NotThere(text: "an item") }
        return (batch, item)
    }

    private func report(_ event: String) throws -> BehaviourReport {
        let (_, item) = try item(event)
        guard case .report(let report) = item else { throw NotThere(text: "a report: \(item)") }
        return report
    }

    private func trouble(_ event: String) throws -> Trouble? {
        guard case .refused(let refused) = try item(event).1 else { return nil }
        return Trouble(refused.rejection.code, refused.rejection.field)
    }

    @Test func `a good event is read whole`() throws {
        let (batch, item) = try item(ride)
        guard case .report(let report) = item else {
            Issue.record("it was refused")
            return
        }
        let catalogue = try testCatalogue()
        #expect(batch.text(report.id) == "e1")
        #expect(batch.text(report.source) == "urn:partner:qingju")
        #expect(batch.text(report.subject) == "s1")
        #expect(report.time == Instant(rfc3339: "2026-08-10T00:12:31Z"))
        #expect(report.startedAt == Instant(rfc3339: "2026-08-09T23:58:02Z"))
        #expect(report.endedAt == report.time)
        #expect(report.quantity == Quantity(decimal: "3.42"))
        #expect(report.evidence == .operatorOrder)
        #expect(report.reference.map { batch.text($0) } == "r1")
        #expect(report.vehicle.map { batch.text($0) } == "v1")
        #expect(report.serial == nil)
        let behaviour = try #require(report.behaviour.map { catalogue.behaviours[$0] })
        #expect(behaviour.code == "cycling")
        #expect(report.unit.map { behaviour.units[$0].name } == "km")
    }

    /// What is exchanged in the ride, and which field the refusal names.
    static let refusals: [(String, String, String?)] = [
        ("\"specversion\":\"1.0\",", "", "specversion"),
        ("\"1.0\"", "\"1.1\"", "specversion"),
        ("\"1.0\"", "1.0", "specversion"),
        ("\"id\":\"e1\",", "", "id"),
        ("\"id\":\"e1\"", "\"id\":null", "id"),
        ("\"id\":\"e1\"", "\"id\":7", "id"),
        ("\"id\":\"e1\"", "\"id\":\"\"", "id"),
        ("\"id\":\"e1\"", "\"id\":\"" + String(repeating: "x", count: 129) + "\"", "id"),
        ("\"id\":\"e1\"", "\"id\":\"" + String(repeating: "绿", count: 43) + "\"", "id"),
        ("\"id\":\"e1\"", "\"id\":\"a\\u0000b\"", "id"),
        ("\"id\":\"e1\"", "\"id\":\"a\\tb\"", "id"),
        ("\"id\":\"e1\"", "\"id\":\"a\u{7F}b\"", "id"),
        ("\"id\":\"e1\"", "\"id\":\"a\u{85}b\"", "id"),
        ("\"id\":\"e1\"", "\"id\":\"a\\ufdd0b\"", "id"),
        ("\"id\":\"e1\"", "\"id\":\"a\\uFFFEb\"", "id"),
        ("\"id\":\"e1\"", "\"id\":\"a\\uFFFFb\"", "id"),
        ("\"id\":\"e1\"", "\"id\":\"a\\ud83f\\udffeb\"", "id"),
        ("\"id\":\"e1\"", "\"id\":\"a\\udbff\\udfffb\"", "id"),
        ("\"id\":\"e1\"", "\"id\":\"a\\ud800b\"", nil),
        ("\"id\":\"e1\"", "\"id\":\"a\\udc00\\ud800b\"", nil),
        ("\"source\":\"urn:partner:qingju\",", "", "source"),
        ("\"source\":\"urn:partner:qingju\"", "\"source\":\"a\\nb\"", "source"),
        ("behaviour.v1", "behaviour.v2", "type"),
        ("behaviour.v1", "behaviour.corrected.v1", "type"),
        ("behaviour.v1", "behaviour.withdrawn.v1", "type"),
        ("\"type\":\"cn.greenseason.behaviour.v1\",", "", "type"),
        ("\"time\":\"2026-08-10T08:12:31+08:00\",", "", "time"),
        ("\"time\":\"2026-08-10T08:12:31+08:00\"", "\"time\":\"yesterday\"", "time"),
        ("\"time\":\"2026-08-10T08:12:31+08:00\"", "\"time\":\"2026-08-10T08:12:60Z\"", "time"),
        ("\"time\":\"2026-08-10T08:12:31+08:00\"", "\"time\":\"2026-08-10T08:12:31\"", "time"),
        ("\"time\":\"2026-08-10T08:12:31+08:00\"", "\"time\":\"2026-02-30T08:12:31Z\"", "time"),
        ("\"time\":\"2026-08-10T08:12:31+08:00\"", "\"time\":1786334400", "time"),
        ("\"subject\":\"s1\",", "", "subject"),
        ("\"subject\":\"s1\"", "\"subject\":\"\"", "subject"),
        ("\"data\":{", "\"datacontenttype\":\"text/xml\",\"data\":{", "datacontenttype"),
        ("\"data\":{", "\"datacontenttype\":\"json\",\"data\":{", "datacontenttype"),
        ("\"data\":{", "\"datacontenttype\":7,\"data\":{", "datacontenttype"),
        ("\"data\":{", "\"data_base64\":\"e30=\",\"data\":{", "data_base64"),
        ("\"data\":{", "\"Extension\":1,\"data\":{", "Extension"),
        ("\"data\":{", "\"with-hyphen\":1,\"data\":{", "with-hyphen"),
        ("\"data\":{", "\"\":1,\"data\":{", nil),
        ("\"data\":{", "\"id\":\"e1\",\"data\":{", nil),
        ("\"data\":{", "\"\\u0069d\":\"e1\",\"data\":{", nil),
        ("\"data\":{", "\"ext\":{\"a\":1,\"a\":1},\"data\":{", nil),
        ("\"data\":{", "\"data\":[],\"other\":{", "data"),
        ("\"data\":{", "\"data\":null,\"other\":{", "data"),
        ("\"data\":{", "\"other\":{", "data"),
        ("\"behaviour\":\"cycling\",", "", "data.behaviour"),
        ("\"behaviour\":\"cycling\"", "\"behaviour\":7", "data.behaviour"),
        ("\"quantity\":\"3.42\",", "", "data.quantity"),
        ("\"quantity\":\"3.42\"", "\"quantity\":3.42", "data.quantity"),
        ("\"3.42\"", "\"03.42\"", "data.quantity"),
        ("\"3.42\"", "\"3.\"", "data.quantity"),
        ("\"3.42\"", "\".42\"", "data.quantity"),
        ("\"3.42\"", "\"-3.42\"", "data.quantity"),
        ("\"3.42\"", "\"+3.42\"", "data.quantity"),
        ("\"3.42\"", "\"3.4200000\"", "data.quantity"),
        ("\"3.42\"", "\"1234567890123\"", "data.quantity"),
        ("\"3.42\"", "\"3e2\"", "data.quantity"),
        ("\"3.42\"", "\"\"", "data.quantity"),
        ("\"3.42\"", "\"３\"", "data.quantity"),
        ("\"3.42\"", "\" 3\"", "data.quantity"),
        ("\"unit\":\"km\",", "", "data.unit"),
        ("\"unit\":\"km\"", "\"unit\":null", "data.unit"),
        (
            "\"startedAt\":\"2026-08-10T07:58:02+08:00\"", "\"startedAt\":\"8 o'clock\"",
            "data.startedAt"
        ),
        ("\"startedAt\":\"2026-08-10T07:58:02+08:00\"", "\"startedAt\":7", "data.startedAt"),
        (
            "\"endedAt\":\"2026-08-10T08:12:31+08:00\"", "\"endedAt\":\"2026-08-10T24:00:00Z\"",
            "data.endedAt"
        ),
        ("\"evidence\":{", "\"evidence\":[],\"other\":{", "data.evidence"),
        ("\"evidence\":{", "\"other\":{", "data.evidence"),
        ("\"kind\":\"operator_order\",", "", "data.evidence.kind"),
        ("\"operator_order\"", "\"hearsay\"", "data.evidence.kind"),
        ("\"operator_order\"", "1", "data.evidence.kind"),
        ("\"reference\":\"r1\"", "\"reference\":7", "data.evidence.reference"),
        (
            "\"reference\":\"r1\"",
            "\"reference\":\"" + String(repeating: "x", count: 129) + "\"",
            "data.evidence.reference"
        ),
        (
            "\"vehicle\":\"v1\"", "\"vehicle\":" + "\"" + String(repeating: "x", count: 129) + "\"",
            "data.evidence.vehicle"
        ),
        (
            "\"vehicle\":\"v1\"", "\"serial\":" + "\"" + String(repeating: "x", count: 129) + "\"",
            "data.evidence.serial"
        ),
        ("\"data\":{", "\"ext\":" + nested(16) + ",\"data\":{", nil),
    ]

    /// Containers within one another, so many levels.
    static func nested(_ levels: Int) -> String {
        String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
    }

    @Test(arguments: refusals)
    func `what breaks a rule is invalid, and the field is named`(
        old: String, new: String, field: String?
    ) throws {
        #expect(try trouble(ride.with(old, new)) == Trouble(.invalidEvent, field))
    }

    @Test(arguments: [
        ("\"id\":\"e1\"", "\"id\":\"" + String(repeating: "x", count: 128) + "\""),
        ("\"id\":\"e1\"", "\"id\":\"订单 \\ufdcf\\ufdf0\\ufffd\\u00a0\\ud83f\\udffd\""),
        ("\"id\":\"e1\"", "\"id\":\"\\ud83d\\udeb2\""),
        ("\"time\":\"2026-08-10T08:12:31+08:00\"", "\"time\":\"2026-08-10t00:12:31.123456789z\""),
        ("\"data\":{", "\"datacontenttype\":null,\"data\":{"),
        ("\"data\":{", "\"datacontenttype\":\"application/json\",\"data\":{"),
        ("\"data\":{", "\"datacontenttype\":\"Application/JSON; charset=utf-8\",\"data\":{"),
        ("\"data\":{", "\"datacontenttype\":\"application/ride+json\",\"data\":{"),
        ("\"data\":{", "\"ext1\":[1,{\"a\":-0.5e+7}],\"ext2\":true,\"data\":{"),
        ("\"data\":{", "\"ext\":" + nested(15) + ",\"data\":{"),
        ("\"behaviour\":\"cycling\"", "\"note\":null,\"behaviour\":\"cycling\""),
        ("\"behaviour\":\"cycling\"", "\"replaces\":\"e0\",\"behaviour\":\"cycling\""),
        ("\"behaviour\":\"cycling\"", "\"behaviour\":\"flying\""),
        ("\"3.42\"", "\"0\""),
        ("\"3.42\"", "\"999999999999.999999\""),
        ("\"unit\":\"km\"", "\"unit\":\"li\""),
        ("\"reference\":\"r1\",", "\"reference\":null,"),
        ("\"reference\":\"r1\",", "\"reference\":\"\","),
        ("\"startedAt\":\"2026-08-10T07:58:02+08:00\",", "\"startedAt\":null,"),
    ])
    func `what breaks no rule is read`(old: String, new: String) throws {
        #expect(try trouble(ride.with(old, new)) == nil)
    }

    @Test(arguments: EvidenceKind.allCases)
    func `all kinds of evidence are known`(kind: EvidenceKind) throws {
        #expect(try report(ride.with("operator_order", kind.code)).evidence == kind)
    }

    @Test func `an object of very many names is still searched for twins`() throws {
        let names = (0..<200).map { "\"n\($0)\":0" }.joined(separator: ",")
        let wide = try ride.with("\"data\":{", "\"ext\":{\(names)},\"data\":{")
        #expect(try trouble(wide) == nil)
        let twins = try ride.with("\"data\":{", "\"ext\":{\(names),\"n\\u0037\":0},\"data\":{")
        #expect(try trouble(twins) == Trouble(.invalidEvent, nil))
    }

    @Test func `a refused event is named as far as it can be read`() throws {
        let (batch, item) = try item(
            ride.with("\"time\":\"2026-08-10T08:12:31+08:00\"", "\"time\":tru"))
        guard case .refused(let refused) = item else {
            Issue.record("it passed")
            return
        }
        #expect(refused.id.map { batch.text($0) } == "e1")
        #expect(refused.source.map { batch.text($0) } == "urn:partner:qingju")
    }

    // MARK: What "the same content" is

    @Test(arguments: [
        ("\"time\":\"2026-08-10T08:12:31+08:00\"", "\"time\":\"2026-08-10T00:12:31.0009Z\""),
        ("\"3.42\"", "\"3.420000\""),
        ("\"data\":{", "\"extension\":7,\"data\":{"),
        (
            "\"id\":\"e1\",\"source\":\"urn:partner:qingju\"",
            "\"source\":\"urn:partner:qingju\", \"id\":\"\\u0065\\u0031\""
        ),
        ("\"unit\":\"km\",", "\"unit\":\"\\u006bm\",\"mood\":\"good\","),
    ])
    func `spelling, order and extensions are no content`(old: String, new: String) throws {
        let (first, second) = (try report(ride), try report(ride.with(old, new)))
        #expect(first.identity == second.identity)
        #expect(first.content == second.content)
        #expect(first.binding == second.binding)
    }

    @Test(arguments: [
        ("\"time\":\"2026-08-10T08:12:31+08:00\"", "\"time\":\"2026-08-10T08:12:31.001+08:00\""),
        ("\"subject\":\"s1\"", "\"subject\":\"s2\""),
        ("\"3.42\"", "\"3.420001\""),
        ("\"behaviour\":\"cycling\"", "\"behaviour\":\"metro\""),
        ("\"behaviour\":\"cycling\"", "\"behaviour\":\"flying\""),
        ("\"unit\":\"km\"", "\"unit\":\"trip\""),
        ("T07:58:02+08:00", "T07:58:03+08:00"),
        ("\"endedAt\":\"2026-08-10T08:12:31+08:00\"", "\"endedAt\":\"2026-08-10T08:12:32+08:00\""),
        ("\"endedAt\":\"2026-08-10T08:12:31+08:00\",", ""),
        ("operator_order", "telematics"),
        ("\"r1\"", "\"r2\""),
        ("\"reference\":\"r1\",", ""),
        ("\"vehicle\":\"v1\"", "\"serial\":\"v1\""),
        ("\"reference\":\"r1\"", "\"reference\":\"\""),
    ])
    func `every typed field is content`(old: String, new: String) throws {
        let (first, second) = (try report(ride), try report(ride.with(old, new)))
        #expect(first.identity == second.identity)
        #expect(first.content != second.content)
    }

    @Test func `an identity is its source and its id, each by itself`() throws {
        let one = try report(
            ride.with(
                "\"id\":\"e1\",\"source\":\"urn:partner:qingju\"",
                "\"id\":\"bc\",\"source\":\"a\""))
        let other = try report(
            ride.with(
                "\"id\":\"e1\",\"source\":\"urn:partner:qingju\"",
                "\"id\":\"c\",\"source\":\"ab\""))
        #expect(one.identity != other.identity)
    }

    @Test func `digests never change from version to version`() throws {
        let report = try report(ride)
        let text = [report.identity, report.content].map {
            String($0.high, radix: 16) + "-" + String($0.low, radix: 16)
        }
        #expect(
            text == ["ba795468bf9917a9-e01dbbee4f1a8278", "10c923bf5cf0781e-dee73b97fb0428f1"])
    }
}
