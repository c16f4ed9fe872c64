import GRDB
import Model
import Storage

/// Statements of the catalogue and of orders.
extension RewardsStore {
    /// An item as the newest catalogue that offered it describes it, and how many are sold.
    struct StoredItem {
        var item: Catalogue.Item
        /// Number of the newest catalogue that offered it.
        var catalogue: Int64
        var sold: Int64

        /// What is left to sell; nil: without limit.
        var left: Int64? { item.stock.map { $0 - sold } }
    }

    struct StoredCatalogue {
        var number: Int64
        var version: String
        var document: String
    }

    /// The newest catalogue: the one that is offered.
    static func currentCatalogue(in database: Database) throws -> StoredCatalogue? {
        try Row.fetchOne(
            database,
            sql: "SELECT number, version, document FROM catalogue ORDER BY number DESC LIMIT 1"
        ).map { StoredCatalogue(number: $0[0], version: $0[1], document: $0[2]) }
    }

    static func currentCatalogueNumber(in database: Database) throws -> Int64? {
        try Int64.fetchOne(database.cachedStatement(sql: "SELECT max(number) FROM catalogue"))
    }

    static func catalogueExists(version: String, in database: Database) throws -> Bool {
        try Bool.fetchOne(
            database, sql: "SELECT EXISTS (SELECT 1 FROM catalogue WHERE version = ?)",
            arguments: [version]) ?? false
    }

    static func insert(_ catalogue: StoredCatalogue, in database: Database) throws {
        try database.execute(
            sql: "INSERT INTO catalogue (number, version, document) VALUES (?, ?, ?)",
            arguments: [catalogue.number, catalogue.version, catalogue.document])
    }

    static func item(_ code: String, in database: Database) throws -> StoredItem? {
        try Row.fetchOne(
            database.cachedStatement(sql: "\(selectItem) WHERE code = ?"), arguments: [code]
        ).map(storedItem)
    }

    static func items(of catalogue: Int64, in database: Database) throws -> [StoredItem] {
        try Row.fetchAll(
            database, sql: "\(selectItem) WHERE catalogue = ? ORDER BY place",
            arguments: [catalogue]
        ).map(storedItem)
    }

    private static let selectItem = """
        SELECT code, name_zh, name_en, kind, points, given, valid_days, catalogue, sold FROM item
        """

    private static func storedItem(_ row: Row) -> StoredItem {
        StoredItem(
            item: Catalogue.Item(
                code: row[0], nameZh: row[1], nameEn: row[2], kind: kind(row[3]),
                points: Points(row[4]), stock: row[5], validDays: row[6]),
            catalogue: row[7], sold: row[8])
    }

    private static func kind(_ text: String) -> RewardKind {
        guard let kind = RewardKind(rawValue: text) else {
            preconditionFailure("the table checks its kinds")
        }
        return kind
    }

    static func save(
        _ item: Catalogue.Item, place: Int, of catalogue: Int64, in database: Database
    ) throws {
        try database.cachedStatement(
            sql: """
                INSERT INTO item (code, catalogue, place, name_zh, name_en, kind, points, given,
                    sold, valid_days)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?)
                ON CONFLICT (code) DO UPDATE SET
                    catalogue = excluded.catalogue, place = excluded.place,
                    name_zh = excluded.name_zh, name_en = excluded.name_en,
                    points = excluded.points, given = excluded.given,
                    valid_days = excluded.valid_days
                """
        ).execute(arguments: [
            item.code, catalogue, place, item.nameZh, item.nameEn, item.kind.rawValue,
            item.points.rawValue, item.stock, item.validDays,
        ])
    }

    static func addSold(_ count: Int64, of item: String, in database: Database) throws {
        try database.cachedStatement(sql: "UPDATE item SET sold = sold + ? WHERE code = ?")
            .execute(arguments: [count, item])
    }

    static func nextOrderNumber(in database: Database) throws -> Int64 {
        let last = try Int64.fetchOne(
            database.cachedStatement(sql: "SELECT max(number) FROM reward_order"))
        return (last ?? 0) + 1
    }

    static func insert(_ order: Order, in database: Database) throws {
        try database.cachedStatement(
            sql: """
                INSERT INTO reward_order (number, id, resident, item, kind, points, state, day,
                    valid_until, first_transfer, lots, earlier)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            order.number, DatabaseBytes(order.id.bytes), order.resident.rawValue, order.item,
            order.kind.rawValue, order.points.rawValue, order.state.rawValue, order.day.rawValue,
            order.validUntil?.rawValue, order.firstTransfer, order.lots, order.earlier,
        ])
    }

    static func cancel(_ order: Order, in database: Database) throws {
        try database.cachedStatement(
            sql: "UPDATE reward_order SET state = 'cancelled' WHERE number = ?"
        ).execute(arguments: [order.number])
    }

    static func order(_ id: OrderID, in database: Database) throws -> Order? {
        try Row.fetchOne(
            database.cachedStatement(sql: "\(selectOrder) WHERE id = ?"),
            arguments: [DatabaseBytes(id.bytes)]
        ).map(order)
    }

    static func order(number: Int64, in database: Database) throws -> Order? {
        try Row.fetchOne(
            database.cachedStatement(sql: "\(selectOrder) WHERE number = ?"), arguments: [number]
        ).map(order)
    }

    static func orders(in database: Database) throws -> [Order] {
        try Row.fetchAll(database, sql: "\(selectOrder) ORDER BY number").map(order)
    }

    private static let selectOrder = """
        SELECT number, id, resident, item, kind, points, state, day, valid_until, first_transfer,
            lots, earlier
        FROM reward_order
        """

    private static func order(_ row: Row) -> Order {
        guard let id = OrderID(bytes: (row[1] as DatabaseBytes).bytes),
            let resident = ResidentID(rawValue: row[2]), let state = Order.State(rawValue: row[6])
        else { preconditionFailure("the table checks its orders") }
        return Order(
            number: row[0], id: id, resident: resident, item: row[3], kind: kind(row[4]),
            points: Points(row[5]), state: state, day: LocalDay(row[7] as Int32),
            validUntil: (row[8] as Int32?).map { LocalDay($0) }, firstTransfer: row[9],
            lots: row[10], earlier: row[11])
    }
}
