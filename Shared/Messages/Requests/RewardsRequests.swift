package import Model

/// Takes a catalogue document (`greenseason.catalogue.v1`) into the store as its new version.
///
/// Stock moves by the difference to what the former version gave, so loading never un-sells. The
/// current version loaded again changes nothing.
///
/// Invalid as `bad_catalogue`, with what is wrong in one line. Refusals: `version_taken` (the same
/// version with another content), `version_superseded` (an older version), `stock_below_sold`,
/// `kind_changed`.
package struct LoadCatalogue: Command {
    package static let method = "rewards.catalogue.load"

    package struct Reply: Codable, Sendable, Equatable {
        package var version: String
        package var items: Int

        package init(version: String, items: Int) {
            self.version = version
            self.items = items
        }
    }

    /// The document as JSON text, at most 512 KiB.
    package var document: String

    package init(document: String) { self.document = document }
}

/// The rewards that can be had now.
package struct ListRewards: Query {
    package static let method = "rewards.catalogue.list"
    package typealias Reply = Listing<RewardRecord>

    package init() {}
}

package struct RewardRecord: Codable, Sendable, Equatable {
    package var code: String
    package var nameZh: String
    package var nameEn: String
    /// `voucher` or `donation`.
    package var kind: String
    package var points: Points
    /// What is left; nil: without limit.
    package var stock: Int64?
    package var sold: Int64
    /// Days that a voucher is valid, the day of the order included; 0 for a donation.
    package var validDays: Int

    package init(
        code: String, nameZh: String, nameEn: String, kind: String, points: Points, stock: Int64?,
        sold: Int64, validDays: Int
    ) {
        self.code = code
        self.nameZh = nameZh
        self.nameEn = nameEn
        self.kind = kind
        self.points = points
        self.stock = stock
        self.sold = sold
        self.validDays = validDays
    }
}

/// A resident's points: what can be spent, what is owed, and when lots expire.
package struct ShowPoints: Query {
    package static let method = "rewards.points.show"

    package struct Lot: Codable, Sendable, Equatable {
        package var earnedDay: String
        package var expiresAfter: String
        package var remaining: Points

        package init(earnedDay: String, expiresAfter: String, remaining: Points) {
            self.earnedDay = earnedDay
            self.expiresAfter = expiresAfter
            self.remaining = remaining
        }
    }

    /// One movement of points into or out of what the resident has or owes.
    package struct Move: Codable, Sendable, Equatable {
        /// The kind of account that gives.
        ///
        /// One of `issuance`, `resident`, `hold`, `redeemed`, `donated`, `expired` and `debt`; a
        /// reward's points leave the resident for the order's hold.
        package var from: String
        package var to: String
        package var points: Points
        /// The day whose lot gives or takes; nil for a debt.
        package var earnedDay: String?

        package init(from: String, to: String, points: Points, earnedDay: String?) {
            self.from = from
            self.to = to
            self.points = points
            self.earnedDay = earnedDay
        }
    }

    /// awarded = spendable + spent + expired + reversed − debt.
    package struct Reply: Codable, Sendable, Equatable {
        package var resident: ResidentID
        /// Sum of the lots that have not expired.
        package var spendable: Points
        package var debt: Points
        package var awarded: Points
        /// Taken back because what had earned it was corrected or withdrawn.
        package var reversed: Points
        package var spent: Points
        package var expired: Points
        /// What is left, soonest-to-expire first.
        package var lots: [Lot]
        /// The latest movements, newest first.
        package var moves: [Move]

        package init(
            resident: ResidentID, spendable: Points, debt: Points, awarded: Points,
            reversed: Points, spent: Points, expired: Points, lots: [Lot], moves: [Move]
        ) {
            self.resident = resident
            self.spendable = spendable
            self.debt = debt
            self.awarded = awarded
            self.reversed = reversed
            self.spent = spent
            self.expired = expired
            self.lots = lots
            self.moves = moves
        }
    }

    package static let movesMax = 500

    package var resident: ResidentID
    /// How many movements to show, 0 to `movesMax`.
    package var moves: Int

    package init(resident: ResidentID, moves: Int = 10) {
        self.resident = resident
        self.moves = moves
    }
}

/// Exchanges points for a reward: one order for one key.
///
/// Refusals, the first that applies: `no_catalogue`, `unknown_item`, `out_of_stock`,
/// `insufficient_points` (too few, or some are owed).
package struct RedeemReward: Command {
    package static let method = "rewards.order.redeem"
    package typealias Reply = OrderRecord

    package var resident: ResidentID
    package var item: String

    package init(resident: ResidentID, item: String) {
        self.resident = resident
        self.item = item
    }
}

/// Takes an order back: the same lots are restored, the voucher is void.
///
/// Refusals: `unknown_order`, `donation_final`, `already_cancelled`, `voucher_expired`.
package struct CancelOrder: Command {
    package static let method = "rewards.order.cancel"
    package typealias Reply = OrderRecord

    package var order: String

    package init(order: String) { self.order = order }
}

/// One order, by its identity; refused as `unknown_order` if there is none.
package struct ShowOrder: Query {
    package static let method = "rewards.order.show"
    package typealias Reply = OrderRecord

    package var order: String

    package init(order: String) { self.order = order }
}

/// A resident's orders, newest first.
package struct ListOrders: Query {
    package static let method = "rewards.order.list"
    package typealias Reply = Listing<OrderRecord>

    package static let limitMax = 500

    package var resident: ResidentID
    /// 1 to `limitMax`.
    package var limit: Int
    /// The order after which to read on: the former page's `next`.
    package var before: String?

    package init(resident: ResidentID, limit: Int = 50, before: String? = nil) {
        self.resident = resident
        self.limit = limit
        self.before = before
    }
}

package struct OrderRecord: Codable, Sendable, Equatable {
    /// 32 hexadecimal digits, derived from the command's key.
    package var order: String
    package var resident: ResidentID
    package var item: String
    package var kind: String
    package var points: Points
    /// `filled` or `cancelled`.
    package var state: String
    /// Code that a merchant checks; nil for a donation.
    package var voucher: String?
    package var orderedDay: String
    package var validUntil: String?

    package init(
        order: String, resident: ResidentID, item: String, kind: String, points: Points,
        state: String, voucher: String?, orderedDay: String, validUntil: String?
    ) {
        self.order = order
        self.resident = resident
        self.item = item
        self.kind = kind
        self.points = points
        self.state = state
        self.voucher = voucher
        self.orderedDay = orderedDay
        self.validUntil = validUntil
    }
}
