import Crypto
package import Model

/// What one message of a partner holds: its bytes, and what each event in them came to so far.
package struct PartnerBatch: Sendable {
    package enum Item: Sendable, Equatable {
        case report(BehaviourReport)
        case refused(Refused)
    }

    /// An event that is refused whatever the register says.
    package struct Refused: Sendable, Equatable {
        /// nil if it had none, or none that may be repeated.
        package var id: TextRange?
        package var source: TextRange?
        package var rejection: Rejection
    }

    package var partner: String
    /// When it came in, by this machine's clock.
    package var arrived: Instant
    /// The body, followed by the texts of it that had escapes.
    package var bytes: [UInt8]
    package var items: [Item]

    package func text(_ range: TextRange) -> String {
        String(decoding: bytes[range.bounds], as: UTF8.self)
    }
}

/// Why a message fails as a whole.
package enum BodyFault: Error, Equatable {
    case badJSON(String)
    case tooManyEvents
}

/// Takes a PUBLISH body apart into events and decodes each by itself.
///
/// A body is `bad_json` if it is not UTF-8, begins with a byte order mark, is neither an object nor
/// an array, or cannot be cut into its elements. An element of an array that brackets and quotes
/// delimit, but that is not JSON inside, spoils nothing but itself. A body that is one event has
/// nothing else to spare: if it is not JSON, the message is not.
package struct BatchDecoder {
    private var events: EventDecoder

    /// - Parameter eventKey: The key of the digests that tell events apart.
    package init(catalogue: BehaviourCatalogue, secrets: IngestionSecrets) {
        events = EventDecoder(catalogue: catalogue, key: secrets.event)
    }

    package mutating func decode(
        _ body: [UInt8], of partner: String, arrived: Instant
    ) throws(BodyFault) -> PartnerBatch {
        guard isUTF8(body) else { throw .badJSON("the body is not UTF-8") }
        guard !body.starts(with: [0xEF, 0xBB, 0xBF]) else {
            throw .badJSON("the body begins with a byte order mark")
        }
        let result = body.withUnsafeBufferPointer { bytes -> Result<PartnerBatch, BodyFault> in
            var reading = Reading(scanner: JSONScanner(bytes), bytes: bytes, partner: partner)
            do throws(BodyFault) {
                try reading.readAll(with: &events)
            } catch {
                return .failure(error)
            }
            let unescaped = reading.scanner.unescaped
            return .success(
                PartnerBatch(
                    partner: partner, arrived: arrived,
                    bytes: unescaped.isEmpty ? body : body + unescaped, items: reading.items))
        }
        return try result.get()
    }

    private func isUTF8(_ body: [UInt8]) -> Bool {
        do {
            _ = try UTF8Span(validating: body.span)
            return true
        } catch {
            return false
        }
    }

    private struct Reading {
        var scanner: JSONScanner
        let bytes: UnsafeBufferPointer<UInt8>
        let partner: String
        var items: [Item] = []

        typealias Item = PartnerBatch.Item

        mutating func readAll(with events: inout EventDecoder) throws(BodyFault) {
            scanner.skipSpace()
            switch scanner.next {
            case UInt8(ascii: "{"):
                try readElement(with: &events, alone: true)
            case UInt8(ascii: "["):
                try readArray(with: &events)
            default:
                throw .badJSON("the body is neither an object nor an array")
            }
            scanner.skipSpace()
            guard scanner.next == nil else { throw .badJSON("something follows the JSON") }
        }

        private mutating func readArray(with events: inout EventDecoder) throws(BodyFault) {
            _ = scanner.take(UInt8(ascii: "["))
            scanner.skipSpace()
            if scanner.take(UInt8(ascii: "]")) { return }
            items.reserveCapacity(min(PartnerLimits.batchEventsMax, bytes.count / 256))
            while true {
                guard items.count < PartnerLimits.batchEventsMax else { throw .tooManyEvents }
                scanner.skipSpace()
                try readElement(with: &events, alone: false)
                scanner.skipSpace()
                if scanner.take(UInt8(ascii: "]")) { return }
                guard scanner.take(UInt8(ascii: ",")) else {
                    throw .badJSON("the array's elements cannot be told apart")
                }
            }
        }

        private mutating func readElement(
            with events: inout EventDecoder, alone: Bool
        ) throws(BodyFault) {
            let start = scanner.index
            let item: Item
            do throws(EventDecoder.Fault) {
                item = .report(try events.decode(&scanner, of: partner))
            } catch {
                if alone, case .json(.syntax) = error { throw .badJSON("the body is not JSON") }
                scanner.rewind(to: start)
                guard scanner.passDelimited() else {
                    throw .badJSON("the body ends inside a value, or its brackets do not match")
                }
                item = refused(error.rejection, from: start)
            }
            if scanner.index - start > PartnerLimits.eventBytesMax {
                items.append(refused(.tooLarge, from: start))
            } else {
                items.append(item)
            }
        }

        /// Finds what the answer should name, as far as the event can be read.
        private mutating func refused(_ rejection: Rejection, from start: Int) -> Item {
            let end = scanner.index
            let (id, source) = identity(from: start)
            scanner.rewind(to: end)
            return .refused(PartnerBatch.Refused(id: id, source: source, rejection: rejection))
        }

        private mutating func identity(from start: Int) -> (id: TextRange?, source: TextRange?) {
            var id: TextRange?
            var source: TextRange?
            scanner.rewind(to: start)
            do throws(JSONFault) {
                var event = try scanner.enterObject(level: 1)
                while id == nil || source == nil, let name = try scanner.nextName(in: &event) {
                    let isID = scanner.isEqual(name, "id")
                    guard isID || scanner.isEqual(name, "source") else {
                        guard scanner.passDelimited() else { return (id, source) }
                        continue
                    }
                    guard case .text(let text) = try scanner.value(level: 2),
                        scanner.withBytes(of: text, Identifier.isLegal)
                    else { continue }
                    if isID { id = text } else { source = text }
                }
            } catch {
                // What comes after the fault cannot be told; what came before stands.
                return (id, source)
            }
            return (id, source)
        }
    }
}

extension Rejection {
    fileprivate static let tooLarge = Rejection(
        .eventTooLarge, "an event may have at most \(PartnerLimits.eventBytesMax) bytes")
}
