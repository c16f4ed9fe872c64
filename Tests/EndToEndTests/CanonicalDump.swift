import Foundation

/// The parts of a canonical dump that tests compare, as the text of their rows.
struct CanonicalDump {
    var periods: [String]
    var balances: [String]
    var lots: [String]

    init(_ text: String) throws {
        let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
        func rows(_ service: String, _ table: String) -> [String] {
            let section = object?[service] as? [String: Any]
            return (section?[table] as? [[Any]] ?? []).map { "\($0)" }
        }
        periods = rows("scoring", "periods")
        balances = rows("rewards", "balances")
        lots = rows("rewards", "lots")
    }
}
