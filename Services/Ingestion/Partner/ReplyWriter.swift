import Messages
import Model

/// Writes the JSON of GSP/1's replies, straight into bytes.
///
/// By hand, because a receipt is written for every event there is.
struct ReplyWriter {
    private(set) var bytes: [UInt8] = []

    init(capacity: Int = 256) { bytes.reserveCapacity(capacity) }

    private mutating func raw(_ text: StaticString) {
        bytes.append(
            contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    private mutating func number(_ value: UInt64) {
        var digits: (UInt64, UInt64, UInt32) = (0, 0, 0)
        withUnsafeMutableBytes(of: &digits) { buffer in
            var rest = value
            var index = buffer.count
            repeat {
                index -= 1
                buffer[index] = UInt8(ascii: "0") + UInt8(rest % 10)
                rest /= 10
            } while rest > 0
            bytes.append(contentsOf: buffer[index...])
        }
    }

    /// A JSON string; `text` is valid UTF-8.
    private mutating func string(_ text: some Sequence<UInt8>) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case ..<0x20:
                raw("\\u00")
                bytes.append(UInt8(ascii: "0") + byte >> 4)
                let low = byte & 15
                bytes.append(low < 10 ? UInt8(ascii: "0") + low : UInt8(ascii: "a") + low - 10)
            default:
                bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func credit(_ window: CreditLedger.Window) {
        raw("\"credit\":{\"events\":")
        number(UInt64(window.events))
        raw(",\"bytes\":")
        number(UInt64(window.bytes))
        raw("}")
    }

    private mutating func strings(_ texts: [String]) {
        raw("[")
        for (index, text) in texts.enumerated() {
            if index > 0 { raw(",") }
            string(text.utf8)
        }
        raw("]")
    }
}

extension ReplyWriter {
    static func welcome(
        _ partner: PartnerDirectory.Entry, credit: CreditLedger.Window
    ) -> [UInt8] {
        var writer = ReplyWriter(capacity: 1_024)
        writer.raw("{\"partner\":")
        writer.string(partner.id.utf8)
        writer.raw(",\"sources\":")
        writer.strings(partner.sources)
        writer.raw(",\"behaviours\":")
        writer.strings(partner.behaviours)
        writer.raw(",")
        writer.credit(credit)
        writer.raw(",\"limits\":{\"batchEventsMax\":")
        writer.number(UInt64(PartnerLimits.batchEventsMax))
        writer.raw(",\"messageBytesMax\":")
        writer.number(UInt64(PartnerLimits.messageBytesMax))
        writer.raw(",\"eventBytesMax\":")
        writer.number(UInt64(PartnerLimits.eventBytesMax))
        writer.raw(",\"pastDaysMax\":")
        writer.number(UInt64(PartnerLimits.pastDaysMax))
        writer.raw(",\"futureSecondsMax\":")
        writer.number(UInt64(PartnerLimits.futureSecondsMax))
        writer.raw("}}")
        return writer.bytes
    }

    static func pong(credit: CreditLedger.Window) -> [UInt8] {
        var writer = ReplyWriter()
        writer.raw("{")
        writer.credit(credit)
        writer.raw("}")
        return writer.bytes
    }

    static func error(_ error: PartnerError) -> [UInt8] {
        var writer = ReplyWriter()
        writer.raw("{\"code\":")
        writer.string(error.code.rawValue.utf8)
        writer.raw(",\"message\":")
        writer.string(error.message.utf8)
        if let milliseconds = error.retryAfterMilliseconds {
            writer.raw(",\"retryable\":true,\"retryAfterMs\":")
            writer.number(UInt64(milliseconds))
        } else {
            writer.raw(",\"retryable\":false,\"retryAfterMs\":null")
        }
        writer.raw("}")
        return writer.bytes
    }

    static func receipts(
        _ receipts: [Receipt], for batch: PartnerBatch, credit: CreditLedger.Window
    ) -> [UInt8] {
        precondition(receipts.count == batch.items.count, "every event has its receipt")
        var writer = ReplyWriter(capacity: 64 + 128 * receipts.count)
        writer.raw("{\"receipts\":[")
        for (index, receipt) in receipts.enumerated() {
            if index > 0 { writer.raw(",") }
            switch batch.items[index] {
            case .report(let report):
                writer.names(report.id, report.source, in: batch.bytes)
            case .refused(let refused):
                writer.names(refused.id, refused.source, in: batch.bytes)
            }
            writer.outcome(receipt)
        }
        writer.raw("],")
        writer.credit(credit)
        writer.raw("}")
        return writer.bytes
    }

    private mutating func names(_ id: TextRange?, _ source: TextRange?, in texts: [UInt8]) {
        raw("{\"id\":")
        if let id { string(texts[id.bounds]) } else { raw("null") }
        if let source {
            raw(",\"source\":")
            string(texts[source.bounds])
        }
    }

    private mutating func outcome(_ receipt: Receipt) {
        switch receipt {
        case .accepted(let partition, let sequence):
            raw(",\"status\":\"accepted\"")
            position(partition, sequence)
        case .duplicate(let partition, let sequence):
            raw(",\"status\":\"duplicate\"")
            position(partition, sequence)
        case .rejected(let rejection):
            raw(",\"status\":\"rejected\",\"code\":")
            string(rejection.code.rawValue.utf8)
            if let field = rejection.field {
                raw(",\"field\":")
                string(field.utf8)
            }
            raw(",\"message\":")
            string(rejection.message.utf8)
        }
        raw("}")
    }

    private mutating func position(_ partition: Int, _ sequence: UInt64) {
        raw(",\"position\":\"")
        number(UInt64(partition))
        raw("/")
        number(sequence)
        raw("\"")
    }
}
