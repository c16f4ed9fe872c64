import Foundation

/// A file of the registry: its name, for whoever must mend it, and its bytes.
package struct RegistryDocument: Sendable {
    package var name: String
    package var bytes: [UInt8]

    package enum Limits {
        package static let bytesMax = 4_194_304
    }

    package init(name: String, bytes: [UInt8]) {
        self.name = name
        self.bytes = bytes
    }

    package init(path: String) throws(MethodologyProblem) {
        do {
            self.init(name: path, bytes: Array(try Data(contentsOf: URL(fileURLWithPath: path))))
        } catch {
            throw MethodologyProblem(
                file: path, message: "cannot be read: \(error.localizedDescription)")
        }
    }

    /// The document's members, if it is JSON of that schema.
    func members(ofSchema schema: String) throws(MethodologyProblem) -> JSONMembers {
        guard bytes.count <= Limits.bytesMax else {
            throw problem("has more than \(Limits.bytesMax) bytes")
        }
        let value: JSONValue
        do {
            value = try JSONDecoder().decode(JSONValue.self, from: Data(bytes))
        } catch {
            throw problem("is not JSON: \(error)")
        }
        guard case .object(let members) = value else { throw problem("is not a JSON object") }
        let document = JSONMembers(members)
        let found: String
        do {
            found = try document.text("schema")
        } catch {
            throw problem(error.message)
        }
        guard found == schema else {
            throw problem("schema is \"\(found)\"; this program reads \"\(schema)\"")
        }
        return document
    }

    private func problem(_ message: String) -> MethodologyProblem {
        MethodologyProblem(file: name, message: message)
    }
}
