/// What residents of the city do, and how likely at which hour of the local day.
enum Habit: CaseIterable {
    case commute, bus, ride, electricBike, eveningWalk, takeaway, cleanPlate, drive, charge
    case hail, bag, clothes, boxes, cartons, appliance

    /// Whose report it is; a commute needs a map app too, and every city has one.
    var role: Cast.Role {
        switch self {
        case .commute, .bus: .rideCodes
        case .ride, .electricBike: .bikes
        case .eveningWalk: .maps
        case .takeaway: .takeaways
        case .drive, .charge: .cars
        case .hail: .hailing
        case .cleanPlate, .bag: .shops
        case .clothes, .boxes, .cartons: .recycling
        case .appliance: .appliances
        }
    }

    /// Relative weights of the 24 hours, from midnight.
    var hours: [Int] {
        switch self {
        case .commute:
            [2, 0, 0, 0, 0, 12, 60, 190, 220, 90, 36, 30, 36, 30, 30, 36, 60, 170, 200, 110, 60]
                + [40, 24, 8]
        case .bus:
            [2, 0, 0, 0, 2, 20, 90, 170, 150, 60, 50, 40, 40, 40, 40, 50, 90, 150, 140, 80, 50]
                + [30, 20, 6]
        case .ride:
            [8, 4, 2, 2, 4, 20, 80, 260, 300, 110, 60, 80, 110, 90, 60, 60, 90, 240, 280, 150]
                + [90, 70, 40, 20]
        case .electricBike:
            [0, 0, 0, 0, 0, 1, 2, 6, 6, 2, 1, 1, 2, 2, 1, 1, 2, 6, 6, 3, 2, 1, 1, 0]
        case .eveningWalk:
            [0, 0, 0, 0, 0, 6, 20, 16, 8, 6, 4, 4, 6, 6, 4, 4, 6, 12, 30, 70, 80, 50, 16, 4]
        case .takeaway:
            [8, 4, 2, 0, 0, 0, 4, 12, 14, 8, 16, 130, 190, 90, 30, 20, 24, 80, 140, 110, 60, 40]
                + [24, 14]
        case .cleanPlate:
            [0, 0, 0, 0, 0, 0, 2, 10, 8, 2, 2, 30, 60, 20, 4, 2, 4, 20, 40, 24, 8, 2, 0, 0]
        case .drive:
            [3, 1, 1, 1, 2, 6, 24, 60, 56, 26, 20, 20, 22, 20, 20, 22, 30, 54, 60, 36, 24, 16]
                + [10, 6]
        case .charge:
            [4, 2, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 3, 2, 2, 2, 2, 3, 4, 5, 6, 6, 6, 5]
        case .hail:
            [14, 8, 4, 3, 3, 6, 12, 30, 34, 24, 20, 20, 24, 22, 20, 20, 24, 36, 40, 36, 34, 36]
                + [34, 24]
        case .bag:
            [0, 0, 0, 0, 0, 1, 6, 12, 16, 24, 26, 20, 12, 10, 12, 16, 22, 34, 36, 24, 14, 6, 1, 0]
        case .clothes:
            [0, 0, 0, 0, 0, 0, 0, 0, 1, 4, 6, 4, 2, 3, 4, 5, 4, 3, 2, 1, 0, 0, 0, 0]
        case .boxes:
            [0, 0, 0, 0, 0, 0, 1, 2, 2, 2, 2, 2, 4, 6, 4, 2, 2, 3, 6, 8, 6, 4, 2, 0]
        case .cartons:
            [0, 0, 0, 0, 0, 0, 0, 2, 3, 6, 8, 8, 8, 6, 6, 8, 10, 12, 14, 10, 6, 2, 0, 0]
        case .appliance:
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0]
        }
    }
}

/// The hours of a day with the habits of each, ready to draw from.
struct Timetable {
    private let habits: [Habit]
    /// For each hour, the running sums of the habits' weights.
    private let sums: [[Int]]

    init(_ cast: Cast) {
        let habits = Habit.allCases.filter { cast.has($0.role) }
        self.habits = habits
        sums = (0..<24).map { hour in
            var sum = 0
            return habits.map { habit in
                sum += habit.hours[hour]
                return sum
            }
        }
    }

    func weight(_ hour: Int) -> Int { sums[hour].last ?? 0 }

    func habit(_ hour: Int, _ random: inout SplitMix64) -> Habit {
        let drawn = random.below(max(1, weight(hour)))
        let index = sums[hour].firstIndex { drawn < $0 }
        return habits[index ?? 0]
    }
}
