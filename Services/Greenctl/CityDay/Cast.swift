/// The organisations of a generated city, and which residents have bound themselves to them.
///
/// Who is bound to whom follows from the seed by arithmetic, so a city of any size is never held
/// in memory.
struct Cast {
    /// What an organisation does; the first five are in every city.
    enum Role: Int, CaseIterable {
        case bikes, maps, rideCodes, takeaways, cars, recycling, appliances, hailing, shops

        var word: String {
            switch self {
            case .bikes: "bike"
            case .maps: "map"
            case .rideCodes: "ride-code"
            case .takeaways: "takeaway"
            case .cars: "ev"
            case .recycling: "recycle"
            case .appliances: "appliance"
            case .hailing: "hail"
            case .shops: "shop"
            }
        }

        var behaviours: [String] {
            switch self {
            case .bikes: ["cycling", "ebike"]
            case .maps: ["walking", "cycling"]
            case .rideCodes: ["metro", "bus"]
            case .takeaways: ["no_disposable_tableware"]
            case .cars: ["nev_driving", "nev_charging"]
            case .recycling: ["clothes_recycling", "takeaway_box_recycling", "carton_reuse"]
            case .appliances: ["green_appliance"]
            case .hailing: ["nev_ride_hailing"]
            case .shops: ["own_shopping_bag", "clean_plate"]
            }
        }

        /// How many residents of a hundred are bound to a partner of this role.
        var bound: UInt64 {
            switch self {
            case .bikes: 70
            case .maps: 80
            case .rideCodes: 90
            case .takeaways: 75
            case .cars: 12
            case .recycling: 40
            case .appliances: 25
            case .hailing: 45
            case .shops: 50
            }
        }

        /// Letters that open this role's order numbers.
        var prefix: String {
            switch self {
            case .bikes: "BK"
            case .maps: "MP"
            case .rideCodes: "RC"
            case .takeaways: "TA"
            case .cars: "EV"
            case .recycling: "RE"
            case .appliances: "AP"
            case .hailing: "HA"
            case .shops: "SH"
            }
        }
    }

    struct Partner {
        let index: Int
        let id: String
        let role: Role
        /// Its sources; the second one of a map app reports steps.
        let sources: [String]
        /// Most partners number their orders by date; map apps draw random UUIDs.
        var drawsRandomIDs: Bool { role == .maps }
        /// Cars speak UTC, all others city time.
        var times: CivilTime.Style { role == .cars ? .utc : .city }
    }

    let partners: [Partner]
    private let seed: UInt64
    private let residents: Int
    private let byRole: [[Int]]

    init(seed: UInt64, partners count: Int, residents: Int) {
        self.seed = seed
        self.residents = residents
        // Whatever is capped by month or year has one partner in the city: which day's lot such a
        // cap cuts follows the order of arrival, and only a partner's own order is certain.
        let repeatable = Role.allCases.filter { $0 != .recycling && $0 != .appliances }
        let numerals = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
        var partners: [Partner] = []
        var byRole = Role.allCases.map { _ in [Int]() }
        for index in 0..<count {
            let extra = index - Role.allCases.count
            let role =
                extra < 0 ? Role.allCases[index] : repeatable[extra % repeatable.count]
            let number = byRole[role.rawValue].count
            let id =
                "\(role.word)-\(number < numerals.count ? numerals[number] : String(number + 1))"
            let sources =
                role == .maps
                ? ["urn:partner:\(id):navigation", "urn:partner:\(id):steps"]
                : ["urn:partner:\(id)"]
            partners.append(Partner(index: index, id: id, role: role, sources: sources))
            byRole[role.rawValue].append(index)
        }
        self.partners = partners
        self.byRole = byRole
    }

    func has(_ role: Role) -> Bool { !byRole[role.rawValue].isEmpty }

    /// One of the partners of `role`, of which there must be some.
    func partner(_ role: Role, _ random: inout SplitMix64) -> Partner {
        let candidates = byRole[role.rawValue]
        return partners[candidates[random.below(candidates.count)]]
    }

    /// The first resident is bound to everybody, so that no partner stands without residents.
    func isBound(_ resident: Int, to partner: Partner) -> Bool {
        resident == 0 || place(resident, partner, salt: 0xB0) % 100 < partner.role.bound
    }

    /// Somebody bound to `partner`.
    ///
    /// One resident of a hundred does much more than the others, so that caps bind.
    func resident(of partner: Partner, _ random: inout SplitMix64) -> Int {
        for _ in 0..<200 {
            let busy = random.happens(600)
            let candidate = random.below(busy ? max(1, residents / 100) : residents)
            if isBound(candidate, to: partner) { return candidate }
        }
        return 0
    }

    /// The pairwise name under which `partner` knows `resident`.
    func subject(of resident: Int, at partner: Partner) -> String {
        "s" + hexadecimal(place(resident, partner, salt: 0x5B), width: 16)
    }

    /// A name that nobody bound: the partner's customer never came to the platform.
    func strangersSubject(_ number: Int, at partner: Partner) -> String {
        "x" + hexadecimal(place(number, partner, salt: 0x57), width: 16)
    }

    static func key(of resident: Int) -> String {
        "resident-" + CivilTime.digits(resident + 1, width: 7)
    }

    /// Residents and partners stand in separate bits, so no two pairs share a number.
    private func place(_ resident: Int, _ partner: Partner, salt: UInt64) -> UInt64 {
        let pair = UInt64(resident) | UInt64(partner.index) << 40 | salt << 48
        return SplitMix64.mix(pair &+ SplitMix64.mix(seed))
    }
}

/// `value` in small hexadecimal digits, at least `width` of them.
func hexadecimal(_ value: UInt64, width: Int) -> String {
    let plain = String(value, radix: 16)
    return String(repeating: "0", count: max(0, width - plain.utf8.count)) + plain
}
