import Greenctl
import StreamsTestKit

/// What is to happen in one run of the simulator: a city, and what goes wrong in it.
///
/// All of it follows from the seed. A schedule can be replaced, to try the same city with fewer
/// faults.
package struct Scenario: Sendable, Equatable {
    enum Limits {
        /// Faults end by then, in milliseconds of virtual time.
        static let faultsEnd: ClosedRange<Int64> = 4_000...16_000
        static let faultsMax = 14
        /// How long everything may take to come to rest once nothing goes wrong any more.
        static let calmMilliseconds: Int64 = 240_000
    }

    package let seed: UInt64
    package let residents: Int
    /// Local days that the city's clock passes, at least.
    package let days: Int
    package let partitions: Int
    /// How many behaviours partners report.
    package let reports: Int
    /// How many commands residents and operators give.
    package let commands: Int
    /// Whether the city's clock follows the machine's.
    package let followsMachine: Bool
    /// Whether the clock passes two years at the end, so that lots expire.
    package let outlivesLots: Bool
    package let faultsEnd: Int64
    /// In the order of their time.
    package var faults: [Fault]

    /// The city of `seed`; sizes that are not given are drawn.
    package init(seed: UInt64, days: Int? = nil, residents: Int? = nil, faulty: Bool = true) {
        var chance = Chance(seed: seed, for: "scenario")
        self.seed = seed
        let drawnResidents = chance.draw(2...10)
        let drawnDays = chance.draw(1...4)
        self.residents = residents ?? drawnResidents
        self.days = days ?? drawnDays
        partitions = chance.once(in: 4) ? 3 : 1
        reports = chance.draw(10...40) + 2 * self.residents * max(1, self.days / 4)
        commands = chance.draw(6...16) + self.days
        followsMachine = chance.once(in: 4)
        outlivesLots = !followsMachine && chance.once(in: 6)
        faultsEnd = chance.draw(Limits.faultsEnd)
        faults = []
        guard faulty else { return }
        // Not every scenario is a storm: few faults tell more about each.
        let count = chance.once(in: 3) ? chance.draw(1...3) : chance.draw(3...Limits.faultsMax)
        faults = (0..<count).map { _ in
            Fault(at: chance.draw(500...faultsEnd), Self.kind(&chance, followsMachine))
        }.sorted { $0.at < $1.at }
    }

    private static func kind(_ chance: inout Chance, _ followsMachine: Bool) -> Fault.Kind {
        let service = chance.pick(ServiceName.allCases)
        let consumer = chance.pick([ServiceName.scoring, .rewards, .creditProfile])
        let milliseconds = chance.draw(Int64(200)...4_000)
        switch chance.draw(0...33) {
        case 0...7: return .kill(service, chance.pick(Fault.Boundary.allCases))
        case 8...9: return .kill(service, .committing)
        case 10...11: return .powerLoss(service)
        case 12: return .blackout
        case 13...14: return .stall(service, milliseconds: milliseconds)
        case 15: return .diskFull(service, milliseconds: milliseconds)
        case 16: return .diskErrors(service, milliseconds: milliseconds)
        case 17...18: return .drop(to: consumer, messages: chance.draw(1...12))
        case 19: return .repeated(to: consumer)
        case 20: return .deafFeed(consumer)
        case 21: return .deafPages(consumer)
        case 22: return .slowPages(consumer, milliseconds: milliseconds)
        case 23...24: return .requestsLost(service, milliseconds: milliseconds)
        case 25: return .requestsDoubled(service, milliseconds: milliseconds)
        case 26...27: return .cutPartners
        case 28: return .overdraft
        case 29: return .nonsense
        case 30: return .restore(chance.pick([.ingestion, .scoring]), milliseconds: milliseconds)
        case 31: return .rogue(chance.pick([.ingestion, .scoring]), milliseconds: milliseconds)
        case 32 where followsMachine: return .clockLeap(hours: chance.draw(Int64(-30)...80))
        default: return .kill(service, .idle)
        }
    }
}
