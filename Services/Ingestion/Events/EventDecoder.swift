import Crypto
import Glibc
import Model

/// Turns a CloudEvent's JSON into a typed report, or says what is wrong with it.
///
/// This is all that can be checked without knowing the partner or the past, so it runs on the
/// edge's thread, beside the writer. JSON is judged first, then the members in a fixed order,
/// whatever order they come in. `null` stands for an absent member, as CloudEvents has it.
struct EventDecoder {
    private let codes: [[UInt8]]
    private let units: [[[UInt8]]]
    private var hasher: EventHasher

    init(catalogue: BehaviourCatalogue, key: SymmetricKey) {
        codes = catalogue.behaviours.map { Array($0.code.utf8) }
        units = catalogue.behaviours.map { $0.units.map { Array($0.name.utf8) } }
        hasher = EventHasher(key: key)
    }

    enum Fault: Error {
        case json(JSONFault)
        case event(Rejection)

        var rejection: Rejection {
            switch self {
            case .json(let fault): Rejection(.invalidEvent, fault.message)
            case .event(let rejection): rejection
            }
        }
    }

    /// Decodes the event that begins where `scanner` stands, and leaves the scanner behind it.
    mutating func decode(
        _ scanner: inout JSONScanner, of partner: String
    ) throws(Fault) -> BehaviourReport {
        guard scanner.next == UInt8(ascii: "{") else {
            do throws(JSONFault) { _ = try scanner.value(level: 1) } catch { throw .json(error) }
            throw .event(Rejection(.invalidEvent, "an event is a JSON object"))
        }
        let members: EventMembers
        do throws(JSONFault) {
            members = try EventMembers(&scanner)
        } catch {
            throw .json(error)
        }
        do throws(Rejection) {
            return try report(of: members, in: scanner, of: partner)
        } catch {
            throw .event(error)
        }
    }

    private mutating func report(
        of members: EventMembers, in scanner: JSONScanner, of partner: String
    ) throws(Rejection) -> BehaviourReport {
        let text = EventTexts(scanner)
        try text.equals(members.specversion, "1.0", at: "specversion")
        let id = try text.identifier(members.id, at: "id")
        let source = try text.identifier(members.source, at: "source")
        try text.equals(members.type, EventType.behaviour, at: "type")
        let time = try text.instant(members.time, at: "time")
        let subject = try text.identifier(members.subject, at: "subject")
        try text.json(members.datacontenttype, at: "datacontenttype")
        if members.hasBase64 {
            throw Rejection(
                .invalidEvent, field: "data_base64", "data must be JSON, in the member data")
        }
        if let name = members.illegalName {
            throw Rejection(
                .invalidEvent, field: text.legal(name),
                "names of extensions are made of a-z and 0-9")
        }
        guard members.dataIsObject else {
            throw Rejection(.invalidEvent, field: "data", "data must be a JSON object")
        }
        let behaviour = try text.required(members.behaviour, at: "data.behaviour")
        let quantity = try text.quantity(members.quantity, at: "data.quantity")
        let unit = try text.required(members.unit, at: "data.unit")
        let startedAt = try text.optionalInstant(members.startedAt, at: "data.startedAt")
        let endedAt = try text.optionalInstant(members.endedAt, at: "data.endedAt")
        guard members.evidenceIsObject else {
            throw Rejection(.invalidEvent, field: "data.evidence", "evidence must be a JSON object")
        }
        let evidence = try text.evidence(members.kind, at: "data.evidence.kind")
        let reference = try text.short(members.reference, at: "data.evidence.reference")
        let vehicle = try text.short(members.vehicle, at: "data.evidence.vehicle")
        let serial = try text.short(members.serial, at: "data.evidence.serial")

        let known = scanner.withBytes(of: behaviour) { position(of: $0, in: codes) }
        let measured = known.flatMap { known in
            scanner.withBytes(of: unit) { position(of: $0, in: units[known]) }
        }
        hasher.begin(.identity)
        scanner.withBytes(of: source) { hasher.add($0) }
        scanner.withBytes(of: id) { hasher.add($0) }
        let identity = hasher.finish()

        hasher.begin(.subject)
        hasher.add(partner)
        scanner.withBytes(of: subject) { hasher.add($0) }
        let binding = hasher.finish()

        hasher.begin(.content)
        // One by one: a list of them would be an allocation an event.
        hasher.add(time.rawValue)
        hasher.add(startedAt?.rawValue ?? 0)
        hasher.add(endedAt?.rawValue ?? 0)
        hasher.add(quantity.rawValue)
        hasher.add(UInt8(evidence.rawValue))
        var presence: UInt8 = 0
        if startedAt != nil { presence |= 1 }
        if endedAt != nil { presence |= 2 }
        if reference != nil { presence |= 4 }
        if vehicle != nil { presence |= 8 }
        if serial != nil { presence |= 16 }
        hasher.add(presence)
        hasher.add(
            UnsafeBufferPointer(
                start: EventType.behaviour.utf8Start,
                count: EventType.behaviour.utf8CodeUnitCount))
        let none = TextRange(start: 0, count: 0)
        scanner.withBytes(of: subject) { hasher.add($0) }
        scanner.withBytes(of: behaviour) { hasher.add($0) }
        scanner.withBytes(of: unit) { hasher.add($0) }
        scanner.withBytes(of: reference ?? none) { hasher.add($0) }
        scanner.withBytes(of: vehicle ?? none) { hasher.add($0) }
        scanner.withBytes(of: serial ?? none) { hasher.add($0) }
        return BehaviourReport(
            id: id, source: source, subject: subject, time: time, startedAt: startedAt,
            endedAt: endedAt, behaviour: known, unit: measured, quantity: quantity,
            evidence: evidence, reference: reference, vehicle: vehicle, serial: serial,
            identity: identity, content: hasher.finish(), binding: binding)
    }

    /// Few enough to look through: lengths alone rule out most.
    private func position(of bytes: UnsafeBufferPointer<UInt8>, in words: [[UInt8]]) -> Int? {
        words.firstIndex { $0.count == bytes.count && $0.elementsEqual(bytes) }
    }
}

/// The members of an event that mean something here, as they stand, nothing judged yet.
private struct EventMembers {
    var specversion: JSONScanner.Value?
    var id: JSONScanner.Value?
    var source: JSONScanner.Value?
    var type: JSONScanner.Value?
    var time: JSONScanner.Value?
    var subject: JSONScanner.Value?
    var datacontenttype: JSONScanner.Value?
    var hasBase64 = false
    var illegalName: TextRange?
    var dataIsObject = false
    var behaviour: JSONScanner.Value?
    var quantity: JSONScanner.Value?
    var unit: JSONScanner.Value?
    var startedAt: JSONScanner.Value?
    var endedAt: JSONScanner.Value?
    var evidenceIsObject = false
    var kind: JSONScanner.Value?
    var reference: JSONScanner.Value?
    var vehicle: JSONScanner.Value?
    var serial: JSONScanner.Value?

    init(_ scanner: inout JSONScanner) throws(JSONFault) {
        var event = try scanner.enterObject(level: 1)
        while let name = try scanner.nextName(in: &event) {
            if scanner.isEqual(name, "data"), scanner.next == UInt8(ascii: "{") {
                try readData(&scanner)
                continue
            }
            let value = try scanner.value(level: 2)
            if scanner.isEqual(name, "specversion") {
                specversion = value
            } else if scanner.isEqual(name, "id") {
                id = value
            } else if scanner.isEqual(name, "source") {
                source = value
            } else if scanner.isEqual(name, "type") {
                type = value
            } else if scanner.isEqual(name, "time") {
                time = value
            } else if scanner.isEqual(name, "subject") {
                subject = value
            } else if scanner.isEqual(name, "datacontenttype") {
                datacontenttype = value
            } else if scanner.isEqual(name, "data_base64") {
                hasBase64 = true
            } else if illegalName == nil, !scanner.withBytes(of: name, Self.isLegalName) {
                illegalName = name
            }
        }
    }

    private mutating func readData(_ scanner: inout JSONScanner) throws(JSONFault) {
        dataIsObject = true
        var data = try scanner.enterObject(level: 2)
        while let name = try scanner.nextName(in: &data) {
            if scanner.isEqual(name, "evidence"), scanner.next == UInt8(ascii: "{") {
                try readEvidence(&scanner)
                continue
            }
            let value = try scanner.value(level: 3)
            if scanner.isEqual(name, "behaviour") {
                behaviour = value
            } else if scanner.isEqual(name, "quantity") {
                quantity = value
            } else if scanner.isEqual(name, "unit") {
                unit = value
            } else if scanner.isEqual(name, "startedAt") {
                startedAt = value
            } else if scanner.isEqual(name, "endedAt") {
                endedAt = value
            }
        }
    }

    private mutating func readEvidence(_ scanner: inout JSONScanner) throws(JSONFault) {
        evidenceIsObject = true
        var evidence = try scanner.enterObject(level: 3)
        while let name = try scanner.nextName(in: &evidence) {
            let value = try scanner.value(level: 4)
            if scanner.isEqual(name, "kind") {
                kind = value
            } else if scanner.isEqual(name, "reference") {
                reference = value
            } else if scanner.isEqual(name, "vehicle") {
                vehicle = value
            } else if scanner.isEqual(name, "serial") {
                serial = value
            }
        }
    }

    private static func isLegalName(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
        !name.isEmpty
            && name.allSatisfy {
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
            }
    }
}
