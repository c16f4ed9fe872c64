/// Writes a day's steps: lives the day hour by hour, and lets reports of it go wrong.
struct Reporter: ~Copyable {
    private static let flaws = Flaw.allCases
    /// Bodies that no edge can read.
    private static let malformedBodies = ["not json", "{", "42", "", "[{\"id\":\"1\"},"]

    private let plan: CityDay.Plan
    private let cast: Cast
    private let timetable: Timetable
    private var random: SplitMix64
    private var file: OutputFile
    private(set) var tally = CityDay.Tally()
    /// Ingestion's clock now.
    private var clock: Int64
    /// The running order number of each partner.
    private var numbers: [Int]
    /// Acts that were reported a moment ago, and some of longer ago: what is sent again.
    private var recent: [Act] = []
    private var remembered: [Act] = []

    init(_ plan: CityDay.Plan, _ cast: Cast, path: String) throws(FileFailure) {
        let file = try OutputFile(path: path)
        self.plan = plan
        self.cast = cast
        timetable = Timetable(cast)
        random = SplitMix64(seed: plan.seed)
        self.file = file
        clock = CivilTime.midnight(plan.date)
        numbers = Array(repeating: 0, count: cast.partners.count)
    }

    /// From the quiet hours before five to ten minutes past the next midnight.
    mutating func writeDay() throws(FileFailure) {
        let midnight = clock
        let weights = (0..<24).map(timetable.weight)
        let total = weights.reduce(0, +)
        var passed = weights[..<4].reduce(0, +)
        for hour in 4..<24 {
            let from = clock
            try setClock(midnight + Int64(hour + 1) * CivilTime.hour)
            passed += weights[hour]
            let first = tally.events
            let last = plan.events * passed / total
            while tally.events < last {
                let progress = Int64(tally.events - first) * (clock - from) / Int64(last - first)
                let jitter = Int64(random.below(60_000))
                let end = min(clock, from + progress + jitter)
                try live(end, hour: min(23, Int((end - midnight) / CivilTime.hour)))
            }
            if plan.malformed && hour % 4 == 3 { try writeMalformed() }
        }
        try setClock(midnight + CivilTime.day + 10 * CivilTime.minute)
        try file.flush()
    }

    private mutating func setClock(_ instant: Int64) throws(FileFailure) {
        clock = instant
        try file.write(line: "{\"clock\":\"\(CivilTime.text(instant, .city))\"}")
    }

    private mutating func writeMalformed() throws(FileFailure) {
        let partner = cast.partners[random.below(cast.partners.count)]
        let body = Self.malformedBodies[tally.malformed % Self.malformedBodies.count]
            .split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\\\"")
        tally.malformed += 1
        try file.write(line: "{\"partner\":\"\(partner.id)\",\"raw\":\"\(body)\"}")
    }

    // MARK: What residents do

    /// Somebody does something that ends at `end`.
    private mutating func live(_ end: Int64, hour: Int) throws(FileFailure) {
        let hasty = random.happens(plan.accidents.hasty)
        let end = hasty ? end + Int64(random.below(240_000)) : end
        let habit = timetable.habit(hour, &random)
        let partner = cast.partner(habit.role, &random)
        let resident = cast.resident(of: partner, &random)
        switch habit {
        case .commute: try commute(resident, by: partner, until: end)
        case .ride: try ride(resident, on: partner, until: end)
        default:
            let (wording, quantity, length) = deed(habit)
            try report(act(partner, resident, wording, quantity, length, until: end))
        }
    }

    /// The wording, quantity and length of an act that one partner alone sees.
    private mutating func deed(_ habit: Habit) -> (Act.Wording, quantity: Int, length: Int64) {
        switch habit {
        case .commute, .ride: preconditionFailure("several partners may see it")
        case .bus:
            let quantity = random.around(80...1_500)
            let length = Int64(quantity) * 2_000
            return random.happens(7_000)
                ? (.tripByBus, 1, length) : (.kilometresByBus, quantity, length)
        case .electricBike:
            let quantity = random.around(100...900)
            return (.electricRide, quantity, Int64(quantity) * 2_000)
        case .eveningWalk:
            let quantity = random.around(2_000...19_000)
            return (.walk, quantity, Int64(quantity) * 545)
        case .takeaway: return (.takeaway, 1, 0)
        case .cleanPlate: return (.cleanPlate, 1, 0)
        case .drive:
            let far = random.happens(500)
            let quantity = far ? random.around(1_500...3_500) : random.around(8...900)
            return (.drive, quantity, Int64(quantity) * 6_000)
        case .charge:
            return (.charge, random.around(30...600), Int64(random.around(20...240)) * 60_000)
        case .hail:
            let quantity = random.around(150...2_800)
            return (.hail, quantity, Int64(quantity) * 1_500)
        case .bag: return (.bag, 1, 0)
        case .clothes:
            let wardrobe = random.happens(800)
            return (.clothes, wardrobe ? random.around(1_500...4_000) : random.around(50...900), 0)
        case .boxes:
            let party = random.happens(500)
            return (.boxes, party ? random.around(1_000...4_000) : random.around(20...600), 0)
        case .cartons: return (.cartons, random.around(1...6), 0)
        case .appliance: return (.appliance, 1, 0)
        }
    }

    /// A walk to the metro, the metro, and a walk from it: three acts, two partners.
    private mutating func commute(
        _ resident: Int, by metro: Cast.Partner, until end: Int64
    ) throws(FileFailure) {
        let map = cast.partner(.maps, &random)
        let isWalker = cast.isBound(resident, to: map)
        let steps = (before: random.around(150...1_500), after: random.around(150...1_500))
        let hundredths = random.around(200...3_600)
        let (wording, quantity): (Act.Wording, Int) =
            random.happens(3_500) ? (.tripByMetro, 1) : (.kilometresByMetro, hundredths)
        let afterLength = Int64(steps.after) * 545
        let left = end - afterLength
        let ride = 5 * CivilTime.minute + Int64(hundredths) * 1_029
        if isWalker {
            let length = Int64(steps.before) * 545
            try report(act(map, resident, .walk, steps.before, length, until: left - ride))
        }
        try report(act(metro, resident, wording, quantity, ride, until: left))
        if isWalker {
            try report(act(map, resident, .walk, steps.after, afterLength, until: end))
        }
    }

    /// A ride on a shared bicycle, which the map app in the rider's pocket may have seen as well.
    private mutating func ride(
        _ resident: Int, on bike: Cast.Partner, until end: Int64
    ) throws(FileFailure) {
        let hundredths = random.around(40...620)
        let length = Int64(hundredths) * 3_000
        if random.happens(2_500) {
            try report(act(bike, resident, .tripByBike, 1, length, until: end))
        } else {
            try report(act(bike, resident, .kilometresByBike, hundredths, length, until: end))
        }
        let map = cast.partner(.maps, &random)
        guard random.happens(plan.accidents.doubled), cast.isBound(resident, to: map) else {
            return
        }
        tally.doubled += 1
        let seen = max(1, hundredths - 5 + random.below(11))
        let second = CivilTime.second
        try report(
            act(map, resident, .navigatedRide, seen, length - 20 * second, until: end - 5 * second))
    }

    private mutating func act(
        _ partner: Cast.Partner, _ resident: Int, _ wording: Act.Wording, _ quantity: Int,
        _ length: Int64, until end: Int64
    ) -> Act {
        numbers[partner.index] += 1
        return Act(
            partner: partner, wording: wording,
            subject: cast.subject(of: resident, at: partner), number: numbers[partner.index],
            random: (random.next(), random.next()), quantity: quantity,
            startedAt: end - max(0, length), endedAt: end)
    }

    // MARK: How it is reported

    private mutating func report(_ act: Act) throws(FileFailure) {
        let accidents = plan.accidents
        let fate = random.below(10_000)
        if fate < accidents.invalid {
            let flaw = Self.flaws[tally.invalid % Self.flaws.count]
            if try write(flaw.report(act, clock: clock), from: act) { tally.invalid += 1 }
            return
        }
        if fate < accidents.invalid + accidents.unbound {
            var report = Report(act)
            report.subject = cast.strangersSubject(act.number, at: act.partner)
            if try write(report, from: act) { tally.unbound += 1 }
            return
        }
        var told = act
        let isLate = fate < accidents.invalid + accidents.unbound + accidents.late
        if isLate {
            // Transit's own records come two days later.
            let days = act.partner.role == .rideCodes ? 2 : 1 + random.below(28)
            told = act.earlier(days: days)
        }
        guard try write(Report(told), from: told) else { return }
        if isLate { tally.late += 1 }
        remember(told)
        try reportAgain()
    }

    private mutating func reportAgain() throws(FileFailure) {
        if random.happens(plan.accidents.resent) {
            let act = recall()
            if try write(Report(act), from: act) { tally.resent += 1 }
        }
        if random.happens(plan.accidents.conflicting) {
            let act = recall()
            if try write(Report(act.contradicted()), from: act) { tally.conflicting += 1 }
        }
    }

    private mutating func remember(_ act: Act) {
        if recent.count < 64 {
            recent.append(act)
        } else {
            recent[random.below(recent.count)] = act
        }
        guard random.happens(200) else { return }
        if remembered.count < 256 {
            remembered.append(act)
        } else {
            remembered[random.below(remembered.count)] = act
        }
    }

    /// An act that was reported before; something has been.
    private mutating func recall() -> Act {
        if !remembered.isEmpty && random.happens(2_000) {
            return remembered[random.below(remembered.count)]
        }
        return recent[random.below(recent.count)]
    }

    /// Writes one event's line, unless the day is full.
    private mutating func write(_ report: Report, from act: Act) throws(FileFailure) -> Bool {
        guard tally.events < plan.events else { return false }
        tally.events += 1
        report.append(to: &file.buffer, from: act.partner.id)
        try file.flushIfFull()
        return true
    }
}

extension Act.Wording {
    fileprivate static let tripByMetro = Self(
        behaviour: "metro", unit: "trip", places: 0, evidence: "ride_code", hasInterval: true)
    fileprivate static let kilometresByMetro = Self(
        behaviour: "metro", unit: "km", places: 2, evidence: "ride_code", hasInterval: true)
    fileprivate static let tripByBus = Self(
        behaviour: "bus", unit: "trip", places: 0, evidence: "ride_code", hasInterval: true)
    fileprivate static let kilometresByBus = Self(
        behaviour: "bus", unit: "km", places: 2, evidence: "ride_code", hasInterval: true)
    fileprivate static let tripByBike = Self(
        behaviour: "cycling", unit: "trip", places: 0, evidence: "operator_order",
        hasInterval: true, hasVehicle: true)
    fileprivate static let kilometresByBike = Self(
        behaviour: "cycling", unit: "km", places: 2, evidence: "operator_order",
        hasInterval: true, hasVehicle: true)
    fileprivate static let navigatedRide = Self(
        behaviour: "cycling", unit: "km", places: 2, evidence: "map_navigation",
        hasInterval: true)
    fileprivate static let electricRide = Self(
        behaviour: "ebike", unit: "km", places: 2, evidence: "operator_order",
        hasInterval: true, hasVehicle: true)
    fileprivate static let walk = Self(
        behaviour: "walking", unit: "step", places: 0, evidence: "steps", hasInterval: true,
        source: 1)
    fileprivate static let takeaway = Self(
        behaviour: "no_disposable_tableware", unit: "order", places: 0,
        evidence: "operator_order", hasInterval: false)
    fileprivate static let cleanPlate = Self(
        behaviour: "clean_plate", unit: "meal", places: 0, evidence: "photo",
        hasInterval: false)
    fileprivate static let drive = Self(
        behaviour: "nev_driving", unit: "km", places: 1, evidence: "telematics",
        hasInterval: true, hasVehicle: true)
    fileprivate static let charge = Self(
        behaviour: "nev_charging", unit: "kWh", places: 1, evidence: "telematics",
        hasInterval: true, hasVehicle: true)
    fileprivate static let hail = Self(
        behaviour: "nev_ride_hailing", unit: "km", places: 2, evidence: "payment",
        hasInterval: true)
    fileprivate static let bag = Self(
        behaviour: "own_shopping_bag", unit: "visit", places: 0, evidence: "receipt",
        hasInterval: false)
    fileprivate static let clothes = Self(
        behaviour: "clothes_recycling", unit: "kg", places: 2, evidence: "weighing",
        hasInterval: false)
    fileprivate static let boxes = Self(
        behaviour: "takeaway_box_recycling", unit: "kg", places: 3, evidence: "weighing",
        hasInterval: false)
    fileprivate static let cartons = Self(
        behaviour: "carton_reuse", unit: "carton", places: 0, evidence: "operator_order",
        hasInterval: false)
    fileprivate static let appliance = Self(
        behaviour: "green_appliance", unit: "unit", places: 0, evidence: "receipt",
        hasInterval: false, hasSerial: true)
}
