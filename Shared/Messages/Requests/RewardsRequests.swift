package import Model

/// Takes a catalogue document (`greenseason.catalogue.v1`) into the store as its new version.
///
/// Stock moves by the difference to what the former version gave, so loading never un-sells.
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

    package struct Reply: Codable, Sendable, Equatable {
        package var resident: ResidentID
        /// Sum of the lots that have not expired.
        package var spendable: Points
        package var debt: Points
        package var awarded: Points
        package var spent: Points
        package var expired: Points
        package var lots: [Lot]

        package init(
            resident: ResidentID, spendable: Points, debt: Points, awarded: Points, spent: Points,
            expired: Points, lots: [Lot]
        ) {
            self.resident = resident
            self.spendable = spendable
            self.debt = debt
            self.awarded = awarded
            self.spent = spent
            self.expired = expired
            self.lots = lots
        }
    }

    package var resident: ResidentID

    package init(resident: ResidentID) { self.resident = resident }
}

/// Exchanges points for a reward: one order for one key.
///
/// Refusals: `unknown_item`, `out_of_stock`, `insufficient_points`, `no_catalogue`.
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
/// Refusals: `unknown_order`, `already_cancelled`, `donation_final`.
package struct CancelOrder: Command {
    package static let method = "rewards.order.cancel"
    package typealias Reply = OrderRecord

    package var order: String

    package init(order: String) { self.order = order }
}

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

    package var resident: ResidentID

    package init(resident: ResidentID) { self.resident = resident }
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
