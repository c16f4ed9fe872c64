import Crypto
import Model

extension MethodVersion {
    /// SHA-256 over everything by which the version decides, except its last day.
    ///
    /// The bytes are lines of `name=value`, each ended by a line feed, in this order: `schema`
    /// (`greenseason.method.v1`), `method`, `version`, `city`, `status`, `behaviour`, `unit`,
    /// `family`, the formula's parameters by name, `cap` (`none` or `<quantity> <period>`),
    /// `valid_from`, `points` (`per_whole_gram <n>` or `per_unit <n>`), `points_max` (`none` or a
    /// number). Numbers are exact, in lowest terms, so spelling them otherwise changes nothing;
    /// names hold no line feed. Names for people, sources and examples can be corrected freely.
    ///
    /// The last day is pinned beside it: a version must be able to end for a successor to begin.
    package var fingerprint: [UInt8] {
        var lines = [
            ("schema", "greenseason.method.v1"), ("method", id.method), ("version", id.version),
            ("city", field.city), ("status", isActive ? "active" : "inactive"),
            ("behaviour", field.behaviour), ("unit", field.unit), ("family", formula.family),
        ]
        lines += formula.parameters.map { ($0.name, $0.value.description) }
        lines.append(("cap", cap.map { "\($0.quantity) \($0.per.rawValue)" } ?? "none"))
        lines.append(("valid_from", validFrom.description))
        switch points.basis {
        case .perWholeGram(let points): lines.append(("points", "per_whole_gram \(points)"))
        case .perUnit(let points): lines.append(("points", "per_unit \(points)"))
        }
        lines.append(("points_max", points.periodMax.map(String.init) ?? "none"))
        var hash = SHA256()
        for (name, value) in lines { hash.update(data: Array("\(name)=\(value)\n".utf8)) }
        return Array(hash.finalize())
    }
}
