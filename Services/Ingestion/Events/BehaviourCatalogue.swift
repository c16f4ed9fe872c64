import Foundation
package import Model

/// What partners may report: behaviours, their units and maxima.
///
/// Read once at the start from `deploy/methodologies/behaviours.json`.
package struct BehaviourCatalogue: Sendable, Equatable {
    package struct Behaviour: Sendable, Equatable {
        package var code: String
        package var intervalRequired: Bool
        package var units: [Unit]
    }

    package struct Unit: Sendable, Equatable {
        package var name: String
        /// The most that one event may claim.
        package var maximum: Quantity
    }

    package enum Limits {
        package static let behavioursMax = 256
        package static let codeBytesMax = 64
    }

    package static let schema = "greenseason.behaviours.v1"

    package let behaviours: [Behaviour]

    /// Reads the file at `path`.
    package init(path: String) throws(CatalogueError) {
        let data: Data
        do {
            data = try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            throw CatalogueError("\(path): cannot be read: \(error.localizedDescription)")
        }
        do {
            try self.init(json: Array(data))
        } catch {
            throw CatalogueError("\(path): \(error.reason)")
        }
    }

    /// Reads the format of `behaviours.json`; members of no use to ingestion are passed over.
    package init(json: [UInt8]) throws(CatalogueError) {
        let file: File
        do {
            file = try JSONDecoder().decode(File.self, from: Data(json))
        } catch {
            throw CatalogueError("not a catalogue of behaviours: \(error)")
        }
        guard file.schema == Self.schema else {
            throw CatalogueError("the schema is \(file.schema), not \(Self.schema)")
        }
        guard (1...Limits.behavioursMax).contains(file.behaviours.count) else {
            throw CatalogueError("it must list 1 to \(Limits.behavioursMax) behaviours")
        }
        var codes: Set<String> = []
        var behaviours: [Behaviour] = []
        for entry in file.behaviours {
            guard (1...Limits.codeBytesMax).contains(entry.code.utf8.count),
                codes.insert(entry.code).inserted
            else {
                throw CatalogueError("the code \"\(entry.code)\" is empty, long, or occurs twice")
            }
            guard !entry.units.isEmpty else {
                throw CatalogueError("\(entry.code) has no units")
            }
            var units: [Unit] = []
            for (name, unit) in entry.units.sorted(by: { $0.key < $1.key }) {
                guard let maximum = Quantity(decimal: unit.quantityMax), maximum.rawValue > 0 else {
                    throw CatalogueError(
                        "\(entry.code), unit \(name): quantity_max is not a positive decimal")
                }
                units.append(Unit(name: name, maximum: maximum))
            }
            behaviours.append(
                Behaviour(
                    code: entry.code, intervalRequired: entry.interval == .required, units: units))
        }
        self.behaviours = behaviours
    }

    /// The place of the behaviour called `code`, or nil.
    package func index(of code: String) -> Int? {
        behaviours.firstIndex { $0.code == code }
    }

    private struct File: Decodable {
        var schema: String
        var behaviours: [Entry]

        struct Entry: Decodable {
            enum Interval: String, Decodable {
                case required
                case optional
            }

            var code: String
            var interval: Interval
            var units: [String: Unit]
        }

        struct Unit: Decodable {
            var quantityMax: String

            enum CodingKeys: String, CodingKey {
                case quantityMax = "quantity_max"
            }
        }
    }
}

/// Why a catalogue cannot be used: one line for the operator.
package struct CatalogueError: Error, Equatable, CustomStringConvertible {
    package var reason: String

    init(_ reason: String) { self.reason = reason }

    package var description: String { reason }
}
