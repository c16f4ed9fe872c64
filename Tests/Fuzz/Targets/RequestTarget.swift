import CreditProfile
import Foundation
import GRDB
import Ingestion
import Messages
import Model
import Rewards
import Scoring
import Streams
import SwiftProtobuf
import Wire

extension FuzzTarget {
    /// Commands and queries of all services, with any body: a reply to each, no failure.
    ///
    /// A step is a byte for the method and a chunk for the body.
    static let requests = FuzzTarget(
        "requests",
        seeds: {
            let bodies = try RequestScript.seedBodies()
            let steps = bodies.map { [UInt8($0.0)] + FuzzBytes.chunk($0.1) }
            return steps + [steps.flatMap { $0 }]
        },
        run: { bytes in
            var script = RequestScript()
            var input = FuzzBytes(bytes)
            while !input.isEmpty {
                try script.step(method: Int(input.byte()), body: input.chunk())
            }
            try script.checkBooks()
        })
}

private struct RequestScript {
    // Opened when they are first asked: most inputs ask one service.
    private lazy var ingestionStore = Self.must { try FuzzTarget.ingestionStore.copy() }
    private lazy var ingestionDomain = Self.must {
        try FuzzTarget.ingestionDomain(on: ingestionStore)
    }
    private lazy var ingestion = Self.must {
        try Writer(.behaviour, on: ingestionStore, domain: ingestionDomain)
    }
    private lazy var scoringStore = Self.must { try FuzzTarget.publishedLog.copy() }
    private lazy var rewardsStore = Self.must { try Self.furnishedRewards.copy() }
    private lazy var rewards = Self.must { try FuzzTarget.rewards(on: rewardsStore) }
    private lazy var profileStore = Self.must { try FuzzTarget.profileStore.copy() }
    private lazy var profile = Self.must { try FuzzTarget.creditProfile(on: profileStore) }
    private var hasMovedPoints = false
    private var keys: UInt64 = 0

    private enum Service {
        case ingestion, scoring, rewards, profile
    }

    private static let methods: [(service: Service, method: String, isCommand: Bool)] = [
        (.ingestion, AddPartner.method, true), (.ingestion, AddResident.method, true),
        (.ingestion, ImportBindings.method, true), (.ingestion, ChangeConsent.method, true),
        (.ingestion, MoveClock.method, true), (.ingestion, ListResidents.method, false),
        (.ingestion, FindResident.method, false), (.ingestion, ShowBinding.method, false),
        (.ingestion, ShowClock.method, false), (.ingestion, ListPartners.method, false),
        (.scoring, ShowLedger.method, false), (.scoring, ListMethodologies.method, false),
        (.rewards, LoadCatalogue.method, true), (.rewards, RedeemReward.method, true),
        (.rewards, CancelOrder.method, true), (.rewards, ShowPoints.method, false),
        (.rewards, ListRewards.method, false), (.rewards, ShowOrder.method, false),
        (.rewards, ListOrders.method, false), (.profile, ChangeProfileConsent.method, true),
        (.profile, ShowProfile.method, false),
    ]

    private static func must<Value>(_ make: () throws -> Value) -> Value {
        do { return try make() } catch { violated("a service opens: \(error)") }
    }

    /// Rewards with a catalogue and points to spend.
    private static let furnishedRewards: StoreTemplate = {
        do {
            let queue = try FuzzTarget.rewardsStore.copy()
            let writer = try FuzzTarget.rewards(on: queue)
            var blocks = RawBlocks(.points)
            let events = try [900, 20_000].map { points -> [UInt8] in
                try FuzzTarget.award(points: points).serializedBytes()
            }
            let document = String(
                decoding: try SeedFiles.bytes("deploy/catalogue/beijing.json"), as: UTF8.self)
            _ = try writer.commit([
                .block(blocks.block(of: events)),
                .command(
                    CommandMessage(
                        method: LoadCatalogue.method, caller: "fuzz",
                        key: Array(repeating: 1, count: 16),
                        body: try JSON.encode(LoadCatalogue(document: document))), 1),
            ])
            return try StoreTemplate(DatabaseMigrator()) { try queue.backup(to: $0) }
        } catch {
            violated("rewards is furnished: \(error)")
        }
    }()

    mutating func step(method number: Int, body: [UInt8]) throws {
        let (service, method, isCommand) = Self.methods[number % Self.methods.count]
        keys += 1
        let command = CommandMessage(
            method: method, caller: "fuzz",
            key: withUnsafeBytes(of: (keys, UInt64(0xF0))) { Array($0) }, body: body)
        let query = QueryMessage(method: method, body: body)
        let reply: ReplyMessage
        switch service {
        case .ingestion:
            let face = ingestionDomain.face
            let former = ingestion.heads[0].sequence
            defer {
                require(
                    ingestion.heads[0].sequence - former <= 4_000,
                    "one request, thousands of events")
            }
            reply =
                try isCommand
                ? ingestion.commit([.command(command, 1)]).replies[0].1
                : ingestionStore.read {
                    try IngestionAnswers(face: face).answer(query, in: $0)
                }
        case .scoring:
            reply = try scoringStore.read {
                try ScoringAnswers(registry: FuzzTarget.registry).answer(query, in: $0)
            }
        case .rewards:
            hasMovedPoints = hasMovedPoints || isCommand
            reply =
                try isCommand
                ? rewards.commit([.command(command, 1)]).replies[0].1
                : rewardsStore.read {
                    try RewardsAnswers(voucherKey: FuzzTarget.voucherKey).answer(query, in: $0)
                }
        case .profile:
            reply =
                try isCommand
                ? profile.commit([.command(command, 1)]).replies[0].1
                : profileStore.read {
                    try CreditProfileAnswers(table: FuzzTarget.scoringTable).answer(query, in: $0)
                }
        }
        guard reply.status == .ok else {
            require(!reply.code.isEmpty && !reply.message.isEmpty, "a refusal says why")
            return
        }
        try show(reply.body, of: method)
    }

    /// Decodes a reply as its caller does, and writes the moments in it as `greenctl` does.
    private func show(_ body: [UInt8], of method: String) throws {
        switch method {
        case ShowBinding.method, ChangeConsent.method:
            for consent in try JSON.decode(BindingRecord.self, from: body).consents {
                _ = (consent.from?.rfc3339, consent.until?.rfc3339)
            }
        case MoveClock.method:
            _ = try JSON.decode(ClockRecord.self, from: body).now.rfc3339
        default:
            _ = try JSONSerialization.jsonObject(with: Data(body), options: .fragmentsAllowed)
        }
    }

    mutating func checkBooks() throws {
        guard hasMovedPoints else { return }
        let difference = try rewardsStore.read { try RewardsRecords($0).firstDifference() }
        require(difference == nil, "the books do not balance: \(difference ?? "")")
    }

    /// A good body for every method.
    static func seedBodies() throws -> [(Int, [UInt8])] {
        guard let resident = ResidentID(rawValue: 7) else { violated("seven is a resident") }
        let row = ImportBindings.Row(
            partner: Furnishing.partner, subject: "s9", resident: "resident-9")
        let bodies: [String: [UInt8]] = [
            AddPartner.method: try JSON.encode(
                AddPartner(
                    id: "metro", sources: ["urn:partner:metro"], behaviours: ["cycling"],
                    publicKey: String(repeating: "2", count: 40))),
            AddResident.method: try JSON.encode(AddResident(key: "resident-3")),
            ImportBindings.method: try JSON.encode(ImportBindings(rows: [row])),
            ChangeConsent.method: try JSON.encode(
                ChangeConsent(
                    partner: Furnishing.partner, resident: Furnishing.registrationKey,
                    behaviour: "cycling", granted: false, at: Furnishing.noon)),
            MoveClock.method: try JSON.encode(MoveClock(move: .advance(milliseconds: 86_400_000))),
            ListResidents.method: try JSON.encode(ListResidents(after: "resident-1")),
            FindResident.method: try JSON.encode(FindResident(key: "resident-1")),
            ShowBinding.method: try JSON.encode(
                ShowBinding(partner: Furnishing.partner, subject: Furnishing.subject)),
            ShowLedger.method: try JSON.encode(ShowLedger(resident: resident)),
            LoadCatalogue.method: try JSON.encode(
                LoadCatalogue(
                    document: """
                        {"schema":"greenseason.catalogue.v1","version":"v9","items":[{"code":"x",\
                        "name_zh":"a","name_en":"b","kind":"voucher","points":5,"stock":null,\
                        "valid_days":30}]}
                        """)),
            RedeemReward.method: try JSON.encode(RedeemReward(resident: resident, item: "x")),
            CancelOrder.method: try JSON.encode(CancelOrder(order: "00")),
            ShowPoints.method: try JSON.encode(ShowPoints(resident: resident)),
            ShowOrder.method: try JSON.encode(ShowOrder(order: "00")),
            ListOrders.method: try JSON.encode(ListOrders(resident: resident)),
            ChangeProfileConsent.method: try JSON.encode(
                ChangeProfileConsent(resident: resident, granted: false, history: false)),
            ShowProfile.method: try JSON.encode(ShowProfile(resident: resident)),
        ]
        return methods.enumerated().map { ($0, bodies[$1.method] ?? Array("{}".utf8)) }
    }
}
