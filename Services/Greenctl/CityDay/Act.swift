/// One thing a resident did, as one partner saw it.
struct Act {
    /// How a kind of act is worded.
    struct Wording {
        let behaviour: String
        let unit: String
        /// Decimal places of its quantities.
        let places: Int
        let evidence: String
        /// Whether the report says when the act began.
        let hasInterval: Bool
        var hasVehicle = false
        var hasSerial = false
        /// Which of the partner's sources reports it.
        var source = 0
    }

    let partner: Cast.Partner
    let wording: Wording
    let subject: String
    /// The running number of the partner's order, and the random bits of a UUID.
    let number: Int
    var random: (UInt64, UInt64)
    /// In the last decimal place of the wording.
    var quantity: Int
    var startedAt: Int64
    var endedAt: Int64

    /// The same act, `days` earlier.
    func earlier(days: Int) -> Act {
        var act = self
        act.startedAt -= Int64(days) * CivilTime.day
        act.endedAt -= Int64(days) * CivilTime.day
        return act
    }

    /// The same order with another quantity or reference, as when a database was changed by hand.
    func contradicted() -> Act {
        var act = self
        if wording.places > 0 || wording.unit == "step" {
            act.quantity += quantity > 1 ? -1 : 1
        } else {
            act.random.0 ^= 1
        }
        return act
    }

    var id: String {
        if partner.drawsRandomIDs {
            // Version 4, variant 1: RFC 9562.
            let high = (random.0 & ~0xF000) | 0x4000
            let low = (random.1 & ~(0b11 << 62)) | (0b10 << 62)
            let text = hexadecimal(high, width: 16) + hexadecimal(low, width: 16)
            var id = ""
            for (place, digit) in text.utf8.enumerated() {
                if place == 8 || place == 12 || place == 16 || place == 20 { id.append("-") }
                id.unicodeScalars.append(Unicode.Scalar(digit))
            }
            return id
        }
        // An order is numbered on the day it begins, and keeps its number however late it comes.
        let days = (startedAt + CivilTime.cityOffset) / CivilTime.day
        return partner.role.prefix + CivilTime.date(days, separator: "") + "-"
            + CivilTime.digits(number, width: 9)
    }
}

/// A CloudEvent as text.
///
/// A member that is `nil` is left out; texts hold nothing to escape.
struct Report {
    var specversion = "1.0"
    var id: String
    var source: String
    var type = "cn.greenseason.behaviour.v1"
    var time: String?
    var subject: String?
    var behaviour: String
    /// JSON as it will stand, for most a string.
    var quantity: String
    var unit: String
    var startedAt: String?
    var endedAt: String?
    /// JSON of the evidence.
    var evidence: String?
    /// JSON of more members, each with a comma before it: of the event, and of its data.
    var extensions = ""
    var dataExtensions = ""

    init(_ act: Act) {
        let wording = act.wording
        let times = act.partner.times
        id = act.id
        source = act.partner.sources[wording.source]
        time = CivilTime.text(act.endedAt, times)
        subject = act.subject
        behaviour = wording.behaviour
        unit = wording.unit
        quantity = "\"\(Self.decimal(act.quantity, places: wording.places))\""
        if wording.hasInterval {
            startedAt = CivilTime.text(act.startedAt, times)
            endedAt = time
        }
        var evidence = "{\"kind\":\"\(wording.evidence)\""
        if wording.evidence != "steps" {
            evidence += ",\"reference\":\"\(hexadecimal(act.random.0, width: 16))\""
        }
        if wording.hasVehicle {
            evidence += ",\"vehicle\":\"\(hexadecimal(act.random.1 >> 36, width: 7))\""
        }
        if wording.hasSerial {
            evidence += ",\"serial\":\"\(hexadecimal(act.random.1, width: 16))\""
        }
        self.evidence = evidence + "}"
    }

    private static func decimal(_ value: Int, places: Int) -> String {
        if places == 0 { return String(value) }
        var scale = 1
        for _ in 0..<places { scale *= 10 }
        return "\(value / scale)." + CivilTime.digits(value % scale, width: places)
    }

    /// Writes the line of this event into `bytes`, with its line feed.
    func append(to bytes: inout [UInt8], from partner: String) {
        func put(_ text: String) { bytes.append(contentsOf: text.utf8) }
        func member(_ opening: String, _ value: String?) {
            guard let value else { return }
            put(opening)
            put(value)
            put("\"")
        }
        member("{\"partner\":\"", partner)
        member(",\"event\":{\"specversion\":\"", specversion)
        member(",\"id\":\"", id)
        member(",\"source\":\"", source)
        member(",\"type\":\"", type)
        member(",\"time\":\"", time)
        member(",\"subject\":\"", subject)
        put(extensions)
        member(",\"data\":{\"behaviour\":\"", behaviour)
        put(",\"quantity\":")
        put(quantity)
        member(",\"unit\":\"", unit)
        member(",\"startedAt\":\"", startedAt)
        member(",\"endedAt\":\"", endedAt)
        if let evidence {
            put(",\"evidence\":")
            put(evidence)
        }
        put(dataExtensions)
        put("}}}\n")
    }
}
