/// One step of a recorded day: one line of a `day.jsonl`.
///
///     {"clock":"2026-08-10T06:00:00+08:00"}       ingestion's manual clock is set
///     {"partner":"bike-one","event":{…}}          a partner publishes one event
///     {"partner":"bike-one","raw":"not json"}     a partner publishes this as a whole body
///     {"specversion":"1.0",…}                     one event of a partner named elsewhere
///
/// A wrapper's members stand in this order, and its first member tells it from a bare event. The
/// bytes of an event are the ones between the wrapper's colon and its closing brace, exactly as
/// they stand: what is resent is the same to the byte. Before the clock is set, every earlier
/// event must have its receipt.
package enum CityStep: Equatable, Sendable {
    /// The clock's new time, RFC 3339 as written.
    case clock(String)
    /// One event's JSON; its partner, unless the line is a bare event.
    case event(partner: String?, bytes: [UInt8])
    /// A body to be published whole, mostly one that cannot be read.
    case raw(partner: String, bytes: [UInt8])

    /// Reads one line, which holds one whole JSON object.
    init(line: ArraySlice<UInt8>) throws(JSONScanner.Fault) {
        var scanner = JSONScanner(line)
        scanner.skipSpace()
        let start = scanner.position
        try scanner.expect("{")
        scanner.skipSpace()
        let key = scanner.peek == UInt8(ascii: "\"") ? try scanner.text() : []
        switch String(decoding: key, as: UTF8.self) {
        case "clock":
            try scanner.expect(":")
            self = .clock(String(decoding: try scanner.text(), as: UTF8.self))
            try scanner.expect("}")
        case "partner":
            try scanner.expect(":")
            let partner = String(decoding: try scanner.text(), as: UTF8.self)
            try scanner.expect(",")
            let content = String(decoding: try scanner.text(), as: UTF8.self)
            try scanner.expect(":")
            switch content {
            case "event":
                self = .event(partner: partner, bytes: Array(line[try scanner.value()]))
            case "raw":
                self = .raw(partner: partner, bytes: try scanner.text())
            default:
                throw scanner.fault("after \"partner\" comes \"event\" or \"raw\"")
            }
            try scanner.expect("}")
        default:
            scanner.position = start
            self = .event(partner: nil, bytes: Array(line[try scanner.value()]))
        }
        scanner.skipSpace()
        guard scanner.isAtEnd else { throw scanner.fault("more than one value") }
        try scanner.checkText()
    }
}
