import GRDB
package import Model

/// Recomputing a Rewards store from its transfers and orders.
extension RewardsRecords {
    package enum Limits {
        /// Residents recomputed by one call: well under a second of one snapshot, and enough that
        /// reading the journal's tail for each call is little of it.
        package static let residentsPerSliceMax = 4_000
    }

    /// The first thing that does not add up, in one line, or nil if everything does.
    ///
    /// It reads the whole store on this one snapshot. On a live store call `differenceInSums`,
    /// `differenceInOrders` and the slices of `differenceInResidents` on snapshots of their own.
    package func firstDifference() throws -> String? {
        if let difference = try differenceInSums() { return difference }
        if let difference = try differenceInOrders() { return difference }
        var last: ResidentID?
        repeat {
            let slice = try differenceInResidents(after: last)
            if let difference = slice.difference { return difference }
            last = slice.last
        } while last != nil
        return nil
    }

    /// Compares transfers, folded flows, accounts and lots with each other as wholes.
    package func differenceInSums() throws -> String? {
        let posted = try postedFlows()
        let folded = try foldedFlows()
        for flow in posted where !folded.contains(flow) {
            let other = folded.first { $0.source == flow.source && $0.target == flow.target }
            return "\(flow.source.code) to \(flow.target.code): the transfers give "
                + "\(flow.points.rawValue) points in \(flow.transfers), folded are "
                + "\(other?.points.rawValue ?? 0) in \(other?.transfers ?? 0)"
        }
        if let flow = folded.first(where: { !posted.contains($0) }) {
            return "\(flow.source.code) to \(flow.target.code): there are no transfers, folded are "
                + "\(flow.points.rawValue) points"
        }
        let sums = Conservation(posted)
        guard sums.holds else { return "the points awarded are not where they should be: \(sums)" }
        let accounts = try accountSums()
        guard accounts == sums else {
            return "the transfers come to \(sums), the accounts to \(accounts)"
        }
        let issued = try Row.fetchAll(
            database,
            sql: "SELECT partition, sum(awarded) - sum(reversed) FROM account GROUP BY partition")
        for row in issued {
            let flow = try issuance(of: row[0])
            let given = Points(row[1]) + (try unsettled(of: row[0]))
            guard flow == given else {
                return "partition \(row[0] as Int): issuance gave \(flow.rawValue) points, "
                    + "the accounts were given \(given.rawValue)"
            }
        }
        let settled = try Int64.fetchOne(database, sql: "SELECT sum(remaining) FROM lot") ?? 0
        let left = Points(settled) + (try unsettled())
        guard left == sums.balance else {
            return "the lots hold \(left.rawValue) points, the balances \(sums.balance.rawValue)"
        }
        return try differenceInExpiry()
    }

    /// Finds a lot that expiry has passed and that still has something left.
    private func differenceInExpiry() throws -> String? {
        for partition in try Int.fetchAll(database, sql: "SELECT partition FROM calendar") {
            let calendar = try RewardsStore.calendar(of: partition, in: database)
            let row = try Row.fetchOne(
                database,
                sql: """
                    SELECT place, remaining FROM lot
                    WHERE place BETWEEN ? AND ? AND remaining > 0 LIMIT 1
                    """,
                arguments: [
                    CityCalendar(partition: partition).posted.rawValue, calendar.posted.rawValue,
                ])
            if let row {
                let place = LotPlace(rawValue: row[0])
                return "account number \(place.number), lot of \(place.day): it has expired, and "
                    + "\(row[1] as Int64) are left"
            }
        }
        return nil
    }

    /// Compares orders with what was sold, what was spent, and the holds they passed through.
    package func differenceInOrders() throws -> String? {
        let spent = try Int64.fetchOne(
            database, sql: "SELECT sum(points) FROM reward_order WHERE state = 'filled'")
        let sums = Conservation(try foldedFlows())
        guard spent ?? 0 == sums.spent.rawValue else {
            return
                "the orders that stand cost \(spent ?? 0) points, \(sums.spent.rawValue) are spent"
        }
        let sold = try Row.fetchOne(
            database,
            sql: """
                SELECT code, sold, live FROM (
                    SELECT code, sold, (
                        SELECT count(*) FROM reward_order
                        WHERE item = code AND state = 'filled') AS live
                    FROM item)
                WHERE sold <> live LIMIT 1
                """)
        if let sold {
            return "item \(sold[0] as String): \(sold[1] as Int64) are sold, "
                + "\(sold[2] as Int64) orders stand"
        }
        let hold = try Row.fetchOne(
            database,
            sql: """
                SELECT reward_order, sum(CASE target WHEN ? THEN points ELSE -points END) AS held
                FROM transfer WHERE reward_order IS NOT NULL
                GROUP BY reward_order HAVING held <> 0 LIMIT 1
                """,
            arguments: [AccountKind.hold.rawValue])
        if let hold {
            return "order number \(hold[0] as Int64): its hold keeps \(hold[1] as Int64) points"
        }
        let price = try Row.fetchOne(
            database,
            sql: """
                SELECT o.number, o.points, sum(t.points) AS paid FROM reward_order AS o
                LEFT JOIN transfer AS t ON t.number >= o.first_transfer
                    AND t.number < o.first_transfer + o.lots AND t.reward_order = o.number
                    AND t.target = ?
                    AND t.account = (SELECT number FROM account WHERE resident = o.resident)
                GROUP BY o.number HAVING paid IS NOT o.points LIMIT 1
                """,
            arguments: [AccountKind.hold.rawValue])
        if let price {
            return "order number \(price[0] as Int64): it costs \(price[1] as Int64) points, "
                + "its lots gave \((price[2] as Int64?) ?? 0)"
        }
        return nil
    }

    /// Recomputes the accounts and lots of the next residents from their own transfers.
    ///
    /// `last` is where to go on, or nil after the last resident.
    package func differenceInResidents(
        after resident: ResidentID?, limit: Int = Limits.residentsPerSliceMax
    ) throws -> (difference: String?, last: ResidentID?) {
        let residents = try RewardsStore.residents(after: resident, limit: limit, in: database)
        let accounts = try AccountQuery(.resident, in: database)
        var unsettled: [Int64: [UnsettledAward]] = [:]
        try RewardsStore.forEachUnsettled(in: database) {
            unsettled[$0.account, default: []].append($0)
        }
        for resident in residents {
            guard var account = try accounts.account(resident.rawValue) else { continue }
            for award in unsettled[account.number] ?? [] { account.fold(award) }
            if let difference = try difference(of: account) { return (difference, resident) }
        }
        return (nil, residents.count == limit ? residents.last : nil)
    }

    private func difference(of account: Account) throws -> String? {
        let resident = account.resident
        var flows: [Flow] = []
        var lots: [LocalDay: RewardsStore.StoredLot] = [:]
        try RewardsStore.forEachTransfer(of: account, in: database) { transfer in
            flows.append(
                Flow(
                    source: transfer.source, target: transfer.target, transfers: 1,
                    points: transfer.points))
            guard let day = transfer.day else { return true }
            var lot =
                lots[day] ?? RewardsStore.StoredLot(day: day, awarded: .zero, remaining: .zero)
            if transfer.source == .issuance { lot.awarded += transfer.points }
            if transfer.source == .resident { lot.remaining -= transfer.points }
            if transfer.target == .resident { lot.remaining += transfer.points }
            lots[day] = lot
            return true
        }
        let sums = Conservation(flows)
        var stored = Conservation([])
        stored.awarded = account.awarded
        stored.spent = account.spent
        stored.expired = account.expired
        stored.reversed = account.reversed
        stored.balance = account.balance
        stored.debt = account.debt
        guard sums == stored else {
            return "resident \(resident): the transfers come to \(sums), the account to \(stored)"
        }
        let listed = try RewardsStore.lots(of: account, since: LocalDay(.min), in: database)
        for lot in listed where lots[lot.day] != lot {
            let posted = lots[lot.day]
            return "resident \(resident), lot of \(lot.day): \(lot.awarded.rawValue) awarded and "
                + "\(lot.remaining.rawValue) left, the transfers come to "
                + "\(posted?.awarded.rawValue ?? 0) and \(posted?.remaining.rawValue ?? 0)"
        }
        guard listed.count == lots.count else {
            return "resident \(resident): the transfers name \(lots.count) lots, "
                + "\(listed.count) are there"
        }
        return nil
    }
}

extension RewardsRecords.Conservation: CustomStringConvertible {
    package var description: String {
        "awarded \(awarded.rawValue), held \(held.rawValue), spent \(spent.rawValue), "
            + "expired \(expired.rawValue), reversed \(reversed.rawValue), "
            + "balance \(balance.rawValue), debt \(debt.rawValue)"
    }
}
