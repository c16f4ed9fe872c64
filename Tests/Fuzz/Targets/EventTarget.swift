import Foundation
import Ingestion
import Model

extension FuzzTarget {
    /// One CloudEvent, decoded by itself, in an array, re-spaced and re-ordered.
    ///
    /// What is accepted here Foundation accepts too, and the same event in other words is the same
    /// event. Foundation is laxer elsewhere (repeated names, trailing commas), and refuses numbers
    /// beyond a Double, which are passed over here: nobody reads them.
    static let event = FuzzTarget(
        "event", seeds: { try SeedFiles.events(most: 60) + [Array(Furnishing.ride.utf8)] },
        run: { bytes in
            guard bytes.first(where: { $0 > 0x20 }) == UInt8(ascii: "{"),
                case .report(let report)? = decode(bytes)
            else { return }
            let again = decode(Array("[".utf8) + bytes + Array(" ]".utf8))
            require(means(again, report), "an array changes its element")
            let spaced = respaced(bytes)
            if spaced.count < PartnerLimits.eventBytesMax {
                require(means(decode(spaced), report), "white space changes an event")
            }
            guard let value = try? JSONSerialization.jsonObject(with: Data(bytes)) else {
                require(holdsHugeNumber(bytes), "Foundation refuses an accepted event")
                return
            }
            let sorted = try JSONSerialization.data(
                withJSONObject: value, options: [.sortedKeys, .withoutEscapingSlashes])
            guard sorted.count < PartnerLimits.eventBytesMax else { return }
            require(means(decode(Array(sorted)), report), "the order of members changes an event")
        })

    /// The one item of a body; nil if the body is refused whole.
    private static func decode(_ body: [UInt8]) -> PartnerBatch.Item? {
        var decoder = BatchDecoder(
            catalogue: Furnishing.catalogue, secrets: Furnishing.secrets)
        let batch = try? decoder.decode(
            body, of: Furnishing.partner, arrived: Furnishing.noon)
        guard let batch else { return nil }
        require(batch.items.count == 1, "one object, one item")
        for case .report(let report) in batch.items {
            for text in [report.id, report.source, report.subject] {
                require(
                    Identifier.isLegal(batch.text(text)), "an identifier that is not legal")
            }
            require(report.quantity.rawValue >= 0, "a negative quantity")
        }
        return batch.items.first
    }

    /// Whether `item` says what `report` says, wherever its texts lie.
    private static func means(_ item: PartnerBatch.Item?, _ report: BehaviourReport) -> Bool {
        guard case .report(let other)? = item else { return false }
        return other.identity == report.identity && other.content == report.content
            && other.binding == report.binding && other.eventTime == report.eventTime
            && other.endTime == report.endTime && other.quantity == report.quantity
            && other.behaviour == report.behaviour && other.unit == report.unit
            && other.evidence == report.evidence
    }

    /// The same JSON with white space wherever it may stand.
    private static func respaced(_ json: [UInt8]) -> [UInt8] {
        var spaced: [UInt8] = []
        var isText = false
        var isEscaped = false
        for byte in json {
            if isText {
                spaced.append(byte)
                isText = isEscaped || byte != UInt8(ascii: "\"")
                isEscaped = !isEscaped && byte == UInt8(ascii: "\\")
            } else if ",:{}[]\"".utf8.contains(byte) {
                isText = byte == UInt8(ascii: "\"")
                spaced += isText ? [0x20, byte] : [0x0D, 0x0A, byte, 0x09]
            } else {
                spaced.append(byte)
            }
        }
        return spaced
    }

    /// Whether a number stands there that no Double holds: with an exponent, or very long.
    private static func holdsHugeNumber(_ json: [UInt8]) -> Bool {
        String(decoding: json, as: UTF8.self).contains(/[0-9][eE]|[0-9]{300}/)
    }
}
