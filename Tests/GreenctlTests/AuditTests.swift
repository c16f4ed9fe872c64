import Foundation
import Greenctl
import Messages
import Testing

@Suite struct AuditTests {
    /// Thirty rides of a day that is over, one reward redeemed, one resident scored.
    private func city() throws -> CityOfStores {
        let city = try CityOfStores()
        try city.publish(0..<20)
        try city.publish(15..<30)
        try city.settle()
        try city.rewards.carryOut(
            RedeemReward(resident: try city.resident("r3"), item: "bag"))
        try city.creditProfile.carryOut(
            ChangeProfileConsent(resident: try city.resident("r4"), granted: true, history: true))
        try city.endDay()
        try city.settle()
        return city
    }

    @Test(arguments: [["audit"], ["audit", "--full"]])
    func `a city in which nothing went wrong balances`(arguments: [String]) throws {
        let city = try city()
        #expect(city.bench.run(arguments) == 0)
        #expect(city.bench.errors.text.isEmpty)
        #expect(city.bench.output.text.contains("✓  received = accepted + duplicate + rejected"))
        #expect(city.bench.output.text.contains("35 = 30 + 5 + 0"))
        #expect(city.bench.output.text.contains("everything balances"))
        #expect(!city.bench.output.text.contains("✗"))
    }

    @Test func `a consumer that lags is compared where it stands`() throws {
        let city = try city()
        try city.publish(30..<37)
        #expect(city.bench.run("audit", "--full") == 0)
        #expect(city.bench.output.text.contains("lag 7"))
        #expect(city.bench.output.text.contains("7 not read yet"))
        try city.hand(city.ingestion, to: city.scoring)
        try city.hand(city.scoring, to: city.creditProfile)
        #expect(city.bench.run("audit", "--full") == 0)
        #expect(city.bench.errors.text.isEmpty)
    }

    /// What is broken, where, and what the audit must say of it.
    struct Crime: Sendable, CustomTestStringConvertible {
        var service: ServiceName
        var sql: String
        var finding: String
        var onlyFull = false

        var testDescription: String { "\(service.rawValue): \(sql)" }
    }

    private static let crimes = [
        Crime(
            service: .ingestion, sql: "UPDATE partner_count SET received = received + 1",
            finding: "bike handed in 36 events and has 35 receipts"),
        Crime(
            service: .ingestion,
            sql: "UPDATE partner_count SET received = received + 1, accepted = accepted + 1",
            finding: "31 receipts say accepted, and 30 event ids are kept"),
        Crime(
            service: .scoring, sql: "DELETE FROM ledger_entry WHERE place = 12",
            finding: "(urn:bike, e11) at behaviour/0/12 was accepted and has no entry"),
        Crime(
            service: .scoring, sql: "UPDATE ledger_entry SET place = 4000 WHERE place = 12",
            finding: "(urn:bike, e11) at behaviour/0/12 was accepted and has no entry",
            onlyFull: true),
        Crime(
            service: .scoring,
            sql: "UPDATE ledger_entry SET milligrams = milligrams + 1000 WHERE place = 7",
            finding: "(urn:bike, e6) at behaviour/0/7 is worth one thing"),
        Crime(
            service: .scoring,
            sql: """
                UPDATE ledger_entry SET points = points + CASE place WHEN 9 THEN 1 ELSE -1 END
                WHERE place IN (9, 10)
                """,
            finding: "(urn:bike, e8) at behaviour/0/9 is worth one thing", onlyFull: true),
        Crime(
            service: .scoring, sql: "UPDATE period_total SET milligrams = milligrams - 1",
            finding: "the entries come to 30 events", onlyFull: true),
        Crime(
            service: .scoring, sql: "UPDATE log_block SET body = zeroblob(8) WHERE first > 20",
            finding: "points/0: the block at 21 is not what was written", onlyFull: true),
        Crime(
            service: .rewards, sql: "UPDATE cursor SET chain = zeroblob(32)",
            finding: "rewards stands at points/0/31, where the publisher's chain is another"),
        Crime(
            service: .rewards, sql: "UPDATE cursor SET sequence = sequence + 1",
            finding: "where no block ends: the publisher has lost events"),
        Crime(
            service: .creditProfile, sql: "UPDATE cursor SET log = zeroblob(16)",
            finding: "which is of another log"),
        Crime(
            service: .rewards, sql: "UPDATE flow SET points = points + 5 WHERE source = 1",
            finding: "points and issued"),
        Crime(
            service: .rewards, sql: "UPDATE reward_order SET points = points + 1",
            finding: "100 points are spent, the orders that stand cost 101"),
        Crime(
            service: .rewards,
            sql: "UPDATE account SET balance = balance + 1, awarded = awarded + 1",
            finding: "the residents' accounts to"),
        Crime(
            service: .rewards,
            sql: "UPDATE transfer SET points = points + 1 WHERE number = 3",
            finding: "issuance to resident: the transfers give", onlyFull: true),
        Crime(
            service: .creditProfile, sql: "UPDATE partition_sum SET milligrams = milligrams - 1",
            finding: "credit-profile has read"),
        Crime(
            service: .creditProfile, sql: "UPDATE day_sum SET events = events + 1",
            finding: "the days hold 40 awards", onlyFull: true),
    ]

    @Test(arguments: crimes)
    func `whatever is tampered with is found and named`(crime: Crime) throws {
        let city = try city()
        switch crime.service {
        case .ingestion: try city.ingestion.tamper(crime.sql)
        case .scoring: try city.scoring.tamper(crime.sql)
        case .rewards: try city.rewards.tamper(crime.sql)
        case .creditProfile: try city.creditProfile.tamper(crime.sql)
        }
        #expect(city.bench.run("audit") == (crime.onlyFull ? 0 : 1))
        #expect(city.bench.run("audit", "--full") == 1)
        #expect(city.bench.output.text.contains(crime.finding))
        #expect(city.bench.errors.text.contains("the books do not balance"))
    }

    @Test func `an award that never reached its lot is named`() throws {
        let city = try city()
        try city.rewards.tamper(
            "UPDATE flow SET points = points - 48 WHERE source = 1;"
                + "UPDATE lot SET awarded = awarded - 48 WHERE place = "
                + "(SELECT place FROM lot ORDER BY place LIMIT 1 OFFSET 5)")
        #expect(city.bench.run("audit") == 1)
        #expect(city.bench.output.text.contains("(urn:bike, e5) at behaviour/0/6 begins the day"))
    }

    @Test func `equal cities have equal dumps, however their events came`() throws {
        let one = try city()
        let other = try CityOfStores()
        for number in (0..<30).reversed() { try other.publish([number, number]) }
        try other.settle()
        try other.creditProfile.carryOut(
            ChangeProfileConsent(resident: try other.resident("r4"), granted: true, history: true))
        try other.endDay()
        try other.settle()
        try other.rewards.carryOut(
            RedeemReward(resident: try other.resident("r3"), item: "bag"))
        #expect(one.bench.run("dump", "--canonical") == 0)
        #expect(other.bench.run("dump", "--canonical") == 0)
        #expect(one.bench.output.text == other.bench.output.text)

        let dump = one.bench.output.text
        let third = try one.resident("r3")
        #expect(dump.contains("[\"urn:bike\",\"e7\",\"counted\",49045]"))
        #expect(dump.contains("\"vouchers\":[[\"\(third)\",\"bag\",\"filled\",100]]"))
        #expect(dump.contains("[\"\(third)\",\"cycling.km\",\"mee-edc-2021\",\"2026-08-10\","))
        #expect(dump.hasSuffix("]]}}\n") && !dump.contains(" "))
        #expect(try JSONSerialization.jsonObject(with: Data(dump.utf8)) is [String: Any])
    }

    @Test func `an event that scoring has yet to read is told apart`() throws {
        let city = try city()
        try city.publish([99])
        #expect(city.bench.run("dump", "--canonical") == 0)
        #expect(city.bench.output.text.contains("[\"urn:bike\",\"e99\",\"unscored\",0]"))
    }
}
