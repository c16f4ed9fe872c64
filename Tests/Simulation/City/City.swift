import Greenctl
import Messages
import Model
import StreamsTestKit

/// The life of a simulated city: who reports what and when, and what people ask for.
final class City {
    /// 2026-08-10T08:00:00+08:00, a Monday: where every city's clock begins.
    static let epoch = Instant(milliseconds: 1_786_320_000_000)

    let partners: [SimulatedPartner]
    let caller: Caller
    private unowned let world: World
    private var chance: Chance
    /// Residents whose number the city knows by now.
    private(set) var residents: [String: ResidentID] = [:]
    private var reportsLeft: Int
    private var commandsLeft: Int
    private var nextReport: Int64 = 0
    private var nextCommand: Int64 = 0
    private var nextNumber = 1
    private var orders: [String] = []
    private var usedKeys: [[UInt8]] = []
    private var catalogues = 0
    /// What the manual clock was told so far.
    private var clock = City.epoch
    private var daysLeft: Int
    private var isGrownUp = false
    private var nextConfirm: Int64 = 0

    init(in world: World) {
        self.world = world
        chance = Chance(seed: world.scenario.seed, for: "city")
        reportsLeft = world.scenario.reports
        commandsLeft = world.scenario.commands
        daysLeft = world.scenario.days
        caller = Caller(in: world)
        partners = Cast.companies.enumerated().map {
            SimulatedPartner($0.element, number: $0.offset + 1, in: world)
        }
    }

    /// Whether everything was said and answered.
    var isSettled: Bool {
        reportsLeft == 0 && commandsLeft == 0 && daysLeft == 0
            && (isGrownUp || !world.scenario.outlivesLots)
            && caller.isSettled && partners.allSatisfy(\.isSettled)
    }

    var unsettled: String {
        (["\(reportsLeft) reports, \(commandsLeft) commands, \(daysLeft) days to come"]
            + caller.unsettled + partners.filter { !$0.isSettled }.map(\.unsettled))
            .joined(separator: "; ")
    }

    // MARK: The beginning

    /// Registers partners and residents, and opens the shop.
    func found() throws {
        for company in Cast.companies {
            try give(
                AddPartner(
                    id: company.id, sources: company.sources, behaviours: company.behaviours,
                    publicKey: Self.publicKey(of: company.id)),
                to: .ingestion)
        }
        let keys = (0..<world.scenario.residents).map(Cast.key)
        let rows = Cast.companies.flatMap { company in
            keys.indices.map {
                ImportBindings.Row(
                    partner: company.id, subject: Cast.subject(of: $0), resident: keys[$0])
            }
        }
        for first in stride(from: 0, to: rows.count, by: ImportBindings.rowsMax) {
            let last = min(first + ImportBindings.rowsMax, rows.count)
            try give(ImportBindings(rows: Array(rows[first..<last])), to: .ingestion)
        }
        if !world.scenario.followsMachine {
            try give(MoveClock(move: .set(clock)), to: .ingestion)
        }
        try loadCatalogue()
    }

    /// Learns the residents' numbers, once they are registered.
    func meet() throws {
        for key in (0..<world.scenario.residents).map(Cast.key) {
            try caller.ask(FindResident(key: key), of: .ingestion) { [unowned self] reply in
                let record = try JSON.decode(ResidentRecord.self, from: reply.body)
                residents[record.key] = record.resident
            }
        }
    }

    /// 40 characters of Z85 that nobody has a secret for.
    private static func publicKey(of company: String) -> String {
        String((company + String(repeating: "k", count: 40)).prefix(40))
    }

    private func give(
        _ command: some Command, to service: ServiceName,
        then onReply: ((ReplyMessage) throws -> Void)? = nil
    ) throws {
        let key = chance.bytes(16)
        usedKeys.append(key)
        try caller.give(command, to: service, key: key, then: onReply)
    }

    private func loadCatalogue() throws {
        catalogues += 1
        try give(LoadCatalogue(document: Cast.catalogue(catalogues)), to: .rewards)
    }

    // MARK: Daily life

    func turn() throws {
        if reportsLeft > 0, world.now >= nextReport {
            nextReport = world.now + chance.draw(Int64(10)...400)
            for _ in 0..<min(reportsLeft, chance.draw(1...4)) { report() }
        }
        if commandsLeft > 0, world.now >= nextCommand {
            nextCommand = world.now + chance.draw(Int64(100)...900)
            commandsLeft -= 1
            try command()
        }
        if daysLeft > 0, commandsLeft == 0 || chance.once(in: 40) { try endDay() }
        if world.scenario.outlivesLots, !isGrownUp, daysLeft == 0, reportsLeft == 0,
            commandsLeft <= 3, partners.allSatisfy(\.isSettled)
        {
            isGrownUp = true
            // Two years and a bit: what was earned until now expires.
            clock = clock.advanced(byMilliseconds: chance.draw(Int64(731)...740) * 86_400_000)
            try give(MoveClock(move: .set(clock)), to: .ingestion)
            reportsLeft += 3
            commandsLeft += 3
        }
        try confirmClock()
        try caller.turn()
        for partner in partners { partner.turn() }
    }

    /// What the city believes the time to be.
    private var time: Instant { world.scenario.followsMachine ? world.machineTime : clock }

    private func endDay() throws {
        daysLeft -= 1
        if world.scenario.followsMachine {
            world.machineDays += 1
        } else {
            clock = clock.advanced(byMilliseconds: chance.draw(Int64(20)...28) * 3_600_000)
            try give(MoveClock(move: .set(clock)), to: .ingestion)
        }
    }

    private func report() {
        reportsLeft -= 1
        let partner = chance.pick(partners)
        let number = nextNumber
        nextNumber += 1
        let resident = chance.draw(0...world.scenario.residents - 1)
        switch chance.draw(0...19) {
        case 0:
            // One id, two contents: whichever comes first counts, and the other never does.
            for variant in 0...1 {
                partner.take(made(partner.company, number, resident, variant: variant))
            }
        case 1:
            var stranger = made(partner.company, number, resident, subject: "nobody")
            stranger.resident = nil
            partner.take(stranger)
        case 2:
            partner.take(
                made(partner.company, number, resident, began: -chance.draw(Int64(31)...60) * 24))
        case 3:
            partner.take(made(partner.company, number, resident, began: chance.draw(Int64(2)...30)))
        case 4:
            partner.take(Report(nonsense: "{\"id\":\"x\(number)\"}"))
        default:
            partner.take(made(partner.company, number, resident))
        }
    }

    /// - Parameter began: in hours from now; drawn from the last two days if it is not given.
    private func made(
        _ company: Cast.Company, _ number: Int, _ resident: Int, variant: Int = 0,
        subject: String? = nil, began: Int64? = nil
    ) -> Report {
        let trade = chance.pick(company.trades)
        let hours = began ?? -chance.draw(Int64(1)...48)
        let quantity =
            trade.unit == "km" || trade.unit == "kg"
            ? chance.draw(trade.thousandths) * 1_000 + Int64(variant)
            : chance.draw(trade.thousandths) / 1_000 * 1_000_000
        return Report(
            source: chance.pick(company.sources.prefix(variant == 0 ? 2 : 1).map { $0 }),
            id: "\(company.id)-\(number)", variant: variant,
            subject: subject ?? Cast.subject(of: resident), resident: Cast.key(of: resident),
            behaviour: trade.behaviour, unit: trade.unit, quantity: quantity,
            began: time.advanced(byMilliseconds: hours * 3_600_000 + Int64(variant) * 60_000),
            minutes: chance.draw(Int64(5)...50), evidence: trade.evidence)
    }

    // MARK: Commands

    private func command() throws {
        let key = Cast.key(of: chance.draw(0...world.scenario.residents - 1))
        guard let resident = residents[key] else { return }
        switch chance.draw(0...11) {
        case 0...4:
            try give(
                RedeemReward(resident: resident, item: chance.pick(Cast.items)), to: .rewards
            ) { [unowned self] reply in
                guard reply.status == .ok else { return }
                orders.append(try JSON.decode(OrderRecord.self, from: reply.body).order)
            }
        case 5...6:
            guard let order = orders.randomElement(using: &chance) else { return }
            try give(CancelOrder(order: order), to: .rewards)
        case 7...8:
            try give(
                ChangeProfileConsent(
                    resident: resident, granted: !chance.once(in: 4), history: chance.once(in: 2)),
                to: .creditProfile)
        case 9:
            try give(
                ChangeConsent(
                    partner: chance.pick(Cast.companies).id, resident: key, behaviour: nil,
                    granted: chance.once(in: 2), at: nil),
                to: .ingestion)
        case 10:
            // A key that is used already, for something else.
            guard let used = usedKeys.randomElement(using: &chance) else { return }
            try caller.give(
                RedeemReward(resident: resident, item: "bag\(commandsLeft)"), to: .rewards,
                key: used)
        default:
            try loadCatalogue()
        }
    }

    /// An operator looks at the clock now and then, and believes it.
    private func confirmClock() throws {
        guard world.isCalm, world.scenario.followsMachine, world.now >= nextConfirm else { return }
        nextConfirm = world.now + 5_000
        try give(MoveClock(move: .confirm), to: .ingestion)
    }
}
