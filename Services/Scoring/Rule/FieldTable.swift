import Messages
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

    /// The numbers of one kind of text, found without making a String of what an event says.
    private struct Codes {
        private var numbers: [[UInt8]: Int] = [:]
        private var table = TextTable()

        func number(of code: TextSlice) -> Int? { table.number(of: code) }

        mutating func number(adding code: String) -> Int {
            if let number = numbers[Array(code.utf8)] { return number }
            let number = numbers.count
            numbers[Array(code.utf8)] = number
            table.add(code, number: number)
            return number
        }
    }

    private var behaviours = Codes()
    private var units = Codes()
    /// By the number of their behaviour: a behaviour is counted in a few units.
    private var indices: [[(unit: Int, index: Index)]] = []
    private(set) var fields: [Field] = []
    private(set) var touched: [Index] = []

    subscript(index: Index) -> Field { fields[index] }

    /// The version that decides on `day`.
    func version(of index: Index, on day: LocalDay) -> ReadyVersion? {
        // The newest come last and are asked for most.
        fields[index].versions.last { $0.days.contains(day) }
    }

    mutating func add(behaviour: String, unit: String, versions: [ReadyVersion]) {
        let number = behaviours.number(adding: behaviour)
        if number == indices.count { indices.append([]) }
        indices[number].append((units.number(adding: unit), fields.count))
        fields.append(Field(behaviour: behaviour, unit: unit, versions: versions))
    }

    /// The field's place; one that nothing is known of is added, without versions.
    mutating func index(behaviour: TextSlice, unit: TextSlice) -> Index {
        if let number = behaviours.number(of: behaviour), let unit = units.number(of: unit) {
            for known in indices[number] where known.unit == unit { return known.index }
        }
        add(behaviour: behaviour.string, unit: unit.string, versions: [])
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
