/// The behaviours that partners may report, and the units in which each is counted.
package struct BehaviourUnits: Sendable {
    private let units: [String: Set<String>]

    package static let schema = "greenseason.behaviours.v1"

    package init(_ document: RegistryDocument) throws(MethodologyProblem) {
        let members = try document.members(ofSchema: Self.schema)
        var units: [String: Set<String>] = [:]
        do throws(JSONMembers.Wrong) {
            for behaviour in try members.objects("behaviours") {
                let code = try behaviour.code("code")
                guard units[code] == nil else {
                    throw JSONMembers.Wrong(message: "the behaviour \(code) occurs twice")
                }
                units[code] = Set(try behaviour.object("units").names)
            }
        } catch {
            throw MethodologyProblem(file: document.name, message: error.message)
        }
        self.units = units
    }

    package func knows(_ behaviour: String) -> Bool { units[behaviour] != nil }

    package func knows(_ behaviour: String, in unit: String) -> Bool {
        units[behaviour]?.contains(unit) ?? false
    }
}
