import Model
import Wire

/// A version made ready to decide: its rule, its days, and what it is called in the store.
///
/// A class, because every event is handed one, and a copy would retain each of its texts.
final class ReadyVersion: Sendable {
    let row: Int32
    let id: MethodVersion.ID
    let rule: ScoringRule
    let period: CapPeriod
    let days: ClosedRange<LocalDay>
    /// What all its awards say alike.
    let template: Scored

    init(_ version: MethodVersion, row: Int32) throws(RuleError) {
        self.row = row
        id = version.id
        rule = try version.rule()
        period = version.period
        days = version.validFrom...(version.validTo ?? LocalDay(.max))
        var template = Scored()
        template.behaviour = version.field.behaviour
        template.method = version.id.method
        template.version = version.id.version
        self.template = template
    }
}

/// Which version decides, by behaviour, unit and day, with what the store knows of each field.
struct FieldTable {
    typealias Index = Int

    /// One kind of behaviour in one unit, as the deployment's city scores it.
    struct Field {
        let behaviour: String
        let unit: String
        /// In the order of their days, which do not overlap; empty where nothing is active.
        let versions: [ReadyVersion]
        /// The rows of the two words, once they were looked up.
        var words: (behaviour: Int64, unit: Int64)?
        /// The latest day decided.
        var decidedDay: LocalDay?
        var isTouched = false
    }

    private struct Key: Hashable {
        var behaviour: String
        var unit: String
    }

    private var indices: [Key: Index] = [:]
    private(set) var fields: [Field] = []
    private(set) var touched: [Index] = []

    subscript(index: Index) -> Field { fields[index] }

    /// The version that decides on `day`.
    func version(of index: Index, on day: LocalDay) -> ReadyVersion? {
        // The newest come last and are asked for most.
        fields[index].versions.last { $0.days.contains(day) }
    }

    mutating func add(behaviour: String, unit: String, versions: [ReadyVersion]) {
        indices[Key(behaviour: behaviour, unit: unit)] = fields.count
        fields.append(Field(behaviour: behaviour, unit: unit, versions: versions))
    }

    /// The field's place; one that nothing is known of is added, without versions.
    mutating func index(behaviour: String, unit: String) -> Index {
        let key = Key(behaviour: behaviour, unit: unit)
        if let index = indices[key] { return index }
        add(behaviour: behaviour, unit: unit, versions: [])
        return fields.count - 1
    }

    mutating func know(
        _ index: Index, words: (behaviour: Int64, unit: Int64), decidedDay: LocalDay?
    ) {
        fields[index].words = words
        fields[index].decidedDay = decidedDay
    }

    /// Notes that an event of `day` was decided.
    mutating func decided(_ index: Index, on day: LocalDay) {
        if let latest = fields[index].decidedDay, latest >= day { return }
        fields[index].decidedDay = day
        if !fields[index].isTouched {
            fields[index].isTouched = true
            touched.append(index)
        }
    }

    /// The latest days have been written.
    mutating func written() {
        for index in touched { fields[index].isTouched = false }
        touched.removeAll(keepingCapacity: true)
    }
}
