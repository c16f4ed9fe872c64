package import GRDB
package import Model

/// The facts in a Rewards store, for the canonical dump, the audit and tests: read only.
package struct RewardsRecords {
    let database: Database

    package init(_ database: Database) { self.database = database }

    // MARK: What equal stores agree on

    package struct Balance: Equatable, Sendable {
        package var resident: ResidentID
        /// What is left in the lots that have not expired.
        package var spendable: Points
        package var debt: Points
    }

    package struct Lot: Equatable, Sendable {
        package var resident: ResidentID
        package var earnedDay: LocalDay
        package var awarded: Points
        /// What can still be spent: nothing once the lot has expired, posted or not.
        package var remaining: Points
    }

    /// Every resident to whom anything was ever awarded, by identity.
    package func balances() throws -> [Balance] {
        var spendable: [ResidentID: Points] = [:]
        for lot in try lots() { spendable[lot.resident, default: .zero] += lot.remaining }
        return try Row.fetchAll(
            database, sql: "SELECT resident, debt FROM account ORDER BY resident"
        ).compactMap { row in
            ResidentID(rawValue: row[0]).map {
                Balance(resident: $0, spendable: spendable[$0] ?? .zero, debt: Points(row[1]))
            }
        }
    }

    /// Every lot, by resident and earned day.
    package func lots() throws -> [Lot] {
        let firstOpenDays = try firstOpenDays()
        var lots: [Lot] = []
        func add(_ row: Row, on day: LocalDay, awarded: Points, remaining: Points) {
            guard let resident = ResidentID(rawValue: row[0]) else { return }
            let isOpen = firstOpenDays[row[1] as Int].map { day >= $0 } ?? true
            lots.append(
                Lot(
                    resident: resident, earnedDay: day, awarded: awarded,
                    remaining: isOpen ? remaining : .zero))
        }
        let stored = try Row.fetchCursor(
            database,
            sql: """
                SELECT resident, partition, place, lot.awarded, remaining
                FROM lot JOIN account ON account.number = place & ?
                """,
            arguments: [LotPlace.Limits.accountsMax - 1])
        while let row = try stored.next() {
            add(
                row, on: LotPlace(rawValue: row[2]).day, awarded: Points(row[3]),
                remaining: Points(row[4]))
        }
        let unsettled = try Row.fetchCursor(
            database, sql: "SELECT resident, partition, day, points FROM tail")
        while let row = try unsettled.next() {
            add(
                row, on: LocalDay(row[2] as Int32), awarded: Points(row[3]),
                remaining: Points(row[3]))
        }
        lots.sort { ($0.resident, $0.earnedDay) < ($1.resident, $1.earnedDay) }
        return Self.merged(lots)
    }

    /// Makes one lot of neighbours that are of one resident and day.
    private static func merged(_ parts: [Lot]) -> [Lot] {
        var lots: [Lot] = []
        lots.reserveCapacity(parts.count)
        for part in parts {
            if let last = lots.last, last.resident == part.resident,
                last.earnedDay == part.earnedDay
            {
                lots[lots.count - 1].awarded += part.awarded
                lots[lots.count - 1].remaining += part.remaining
            } else {
                lots.append(part)
            }
        }
        return lots
    }

    private func firstOpenDays() throws -> [Int: LocalDay] {
        var days: [Int: LocalDay] = [:]
        for partition in try Int.fetchAll(database, sql: "SELECT partition FROM calendar") {
            days[partition] =
                try RewardsStore.calendar(of: partition, in: database).firstOpenDay
        }
        return days
    }

    /// Every order, oldest first.
    package func orders() throws -> [Order] { try RewardsStore.orders(in: database) }

    // MARK: Sums

    package func calendar(of partition: Int) throws -> CityCalendar {
        try RewardsStore.calendar(of: partition, in: database)
    }

    /// Points that issuance gave the residents of `partition`, less those it took back.
    ///
    /// It equals the points of the stream's control totals at the partition's cursor.
    package func issuance(of partition: Int) throws -> Points {
        let points = try Int64.fetchOne(
            database,
            sql: """
                SELECT sum(CASE source WHEN ? THEN points ELSE 0 END)
                    - sum(CASE target WHEN ? THEN points ELSE 0 END)
                FROM flow WHERE partition = ?
                """,
            arguments: [
                AccountKind.issuance.rawValue, AccountKind.issuance.rawValue, partition,
            ])
        return Points(points ?? 0)
    }

    /// Points awarded to residents of `partition` that accounts and lots do not hold yet.
    ///
    /// - Parameter partition: nil: of all.
    func unsettled(of partition: Int? = nil) throws -> Points {
        let points = try Int64.fetchOne(
            database, sql: "SELECT sum(points) FROM tail WHERE partition = ? OR ? IS NULL",
            arguments: [partition, partition])
        return Points(points ?? 0)
    }

    /// What one kind of account gave another.
    package struct Flow: Equatable, Sendable {
        package var source: AccountKind
        package var target: AccountKind
        package var transfers: Int64
        package var points: Points
    }

    /// The flows as they were folded, transaction by transaction.
    package func foldedFlows() throws -> [Flow] {
        try flows(
            sql: """
                SELECT source, target, sum(transfers), sum(points) FROM flow
                GROUP BY source, target ORDER BY source, target
                """)
    }

    /// The flows added up anew from every transfer.
    package func postedFlows() throws -> [Flow] {
        try flows(
            sql: """
                SELECT source, target, count(*), sum(points) FROM transfer
                GROUP BY source, target ORDER BY source, target
                """)
    }

    private func flows(sql: String) throws -> [Flow] {
        try Row.fetchAll(database, sql: sql).compactMap { row in
            guard let source = AccountKind(rawValue: row[0]),
                let target = AccountKind(rawValue: row[1])
            else { return nil }
            return Flow(
                source: source, target: target, transfers: row[2], points: Points(row[3]))
        }
    }

    /// Where all points ever awarded are: awarded = held + spent + expired + reversed + balance −
    /// debt.
    package struct Conservation: Equatable, Sendable {
        package var awarded = Points.zero
        package var held = Points.zero
        package var spent = Points.zero
        package var expired = Points.zero
        package var reversed = Points.zero
        package var balance = Points.zero
        package var debt = Points.zero

        package var holds: Bool {
            awarded == held + spent + expired + reversed + balance - debt
        }

        package init(_ flows: [Flow]) {
            for flow in flows {
                if flow.source == .issuance {
                    awarded += flow.points
                } else {
                    add(Points.zero - flow.points, to: flow.source)
                }
                if flow.target == .issuance {
                    reversed += flow.points
                } else {
                    add(flow.points, to: flow.target)
                }
            }
        }

        fileprivate init() {}

        private mutating func add(_ points: Points, to kind: AccountKind) {
            switch kind {
            case .issuance: break
            case .resident: balance += points
            case .hold: held += points
            case .redeemed, .donated: spent += points
            case .expired: expired += points
            case .debt: debt -= points
            }
        }
    }

    /// The same sums over the residents' accounts, in which nothing is ever held, and what the
    /// journal has for them.
    package func accountSums() throws -> Conservation {
        let row = try Row.fetchOne(
            database,
            sql: """
                SELECT sum(awarded), sum(spent), sum(expired), sum(reversed), sum(balance),
                    sum(debt)
                FROM account HAVING count(*) > 0
                """)
        guard let row else { return Conservation() }
        var sums = Conservation()
        let unsettled = try unsettled()
        sums.awarded = Points(row[0]) + unsettled
        sums.spent = Points(row[1])
        sums.expired = Points(row[2])
        sums.reversed = Points(row[3])
        sums.balance = Points(row[4]) + unsettled
        sums.debt = Points(row[5])
        return sums
    }
}
