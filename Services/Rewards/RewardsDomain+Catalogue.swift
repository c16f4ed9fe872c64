import Foundation
import Messages
import Model
import Streams
import Wire

/// The catalogue: which rewards there are, and how many were ever given to sell.
extension RewardsDomain {
    /// Takes a document as the newest version, or says why the whole of it is refused.
    ///
    /// What is left of an item is what was given less what is sold, so a version that gives less
    /// than is sold is refused: nothing can be un-sold.
    func load(
        _ request: LoadCatalogue, by command: CommandMessage, in transaction: Transaction
    ) throws -> ReplyMessage {
        let catalogue: Catalogue
        do throws(CatalogueError) {
            catalogue = try Catalogue(document: request.document)
        } catch {
            return .invalid("bad_catalogue", error.description)
        }
        let reply = LoadCatalogue.Reply(version: catalogue.version, items: catalogue.items.count)
        let database = transaction.database
        let current = try RewardsStore.currentCatalogue(in: database)
        if let current, current.version == catalogue.version {
            guard try Catalogue(document: current.document) == catalogue else {
                return .refused(
                    "version_taken",
                    "version \(catalogue.version) says something else; give this one a new version")
            }
            return try .ok(reply)
        }
        if try RewardsStore.catalogueExists(version: catalogue.version, in: database) {
            return .refused(
                "version_superseded",
                "version \(catalogue.version) was replaced; give this one a new version")
        }
        for item in catalogue.items {
            guard let stored = try RewardsStore.item(item.code, in: database) else { continue }
            guard stored.item.kind == item.kind else {
                return .refused(
                    "kind_changed", "\(item.code) is a \(stored.item.kind.rawValue) for ever")
            }
            if let stock = item.stock, stock < stored.sold {
                return .refused(
                    "stock_below_sold",
                    "\(stored.sold) of \(item.code) are sold, and only \(stock) would be given")
            }
        }

        let number = (current?.number ?? 0) + 1
        try RewardsStore.insert(
            RewardsStore.StoredCatalogue(
                number: number, version: catalogue.version, document: request.document),
            in: database)
        for (place, item) in catalogue.items.enumerated() {
            try RewardsStore.save(item, place: place, of: number, in: database)
        }
        // The deployment has one catalogue; its first partition carries it.
        var event = event(
            of: nil, in: 0, after: transaction.inputCursor(of: .points, partition: 0))
        event.critical = true
        event.id = Data(OrderID(of: command).bytes)
        event.catalogueLoaded.version = catalogue.version
        event.catalogueLoaded.document = Data(request.document.utf8)
        try transaction.emit(event, to: 0)
        return try .ok(reply)
    }
}
