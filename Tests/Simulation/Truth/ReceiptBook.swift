import Greenctl

/// All receipts that partners hold, and what they say together.
struct ReceiptBook {
    /// What was accepted, and where it stands.
    struct Entry {
        var report: Report
        var place: Place
    }

    struct Place: Hashable, Comparable, CustomStringConvertible {
        var partition: Int
        var sequence: UInt64

        var description: String { "behaviour/\(partition)/\(sequence)" }

        static func < (left: Self, right: Self) -> Bool {
            (left.partition, left.sequence) < (right.partition, right.sequence)
        }
    }

    private struct Name: Hashable {
        var source: String
        var id: String
    }

    private var byName: [Name: Entry] = [:]
    private var byPlace: [Place: Name] = [:]

    /// In the order of their places.
    var entries: [Entry] { byName.values.sorted { $0.place < $1.place } }

    /// Takes a receipt that says that `report` counts, for the first time or again.
    mutating func note(_ report: Report, at place: Place) throws {
        let name = Name(source: report.source, id: report.id)
        if let earlier = byName[name] {
            guard earlier.place == place else {
                throw Violation(
                    "I8", "(\(name.source), \(name.id)) stands at \(earlier.place) and at \(place)")
            }
            guard earlier.report.variant == report.variant else {
                throw Violation(
                    "I8", "two contents of (\(name.source), \(name.id)) both count")
            }
            return
        }
        if let other = byPlace[place] {
            throw Violation(
                "I8",
                "\(place) belongs to (\(other.source), \(other.id)) and to (\(name.source), "
                    + "\(name.id))")
        }
        byName[name] = Entry(report: report, place: place)
        byPlace[place] = name
    }

    /// Whether `report`, and no other content under its name, is known to count.
    func counts(_ report: Report) -> Bool {
        byName[Name(source: report.source, id: report.id)]?.report.variant == report.variant
    }

    /// What of it a log knows that ends at `heads`.
    func upTo(_ heads: [UInt64]) -> ReceiptBook {
        var book = self
        for (place, name) in byPlace where place.sequence > heads[place.partition] {
            book.byPlace[place] = nil
            book.byName[name] = nil
        }
        return book
    }
}
