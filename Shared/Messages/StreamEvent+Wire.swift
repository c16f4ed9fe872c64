import SwiftProtobuf
package import Wire

/// The events of which there are many, written by hand: `EventEncodingTests` holds them to what
/// SwiftProtobuf writes. The others take its way. `Wire::schema` is the field: this module's
/// constant of the same name hides it here.
extension StreamEvent {
    package func write(to wire: inout WireBuffer) throws {
        let bytes: [UInt8] = try serializedBytes()
        bytes.withUnsafeBytes { wire.write(fields: $0) }
    }
}

extension BehaviourEvent {
    package func write(to wire: inout WireBuffer) throws {
        wire.write(UInt64(self.Wire::schema), field: 1)
        wire.write(critical, field: 2)
        wire.write(resident, field: 3)
        wire.write(zigzag: eventTimeMs, field: 4)
        wire.write(fixed: idHigh, field: 5)
        wire.write(fixed: idLow, field: 6)
        switch payload {
        case .accepted(let accepted): wire.write(field: 10) { accepted.write(to: &$0) }
        case .residentErased(let erased): wire.write(field: 13) { $0.write(erased.unknownFields) }
        case .dayEnded(let ended): wire.write(field: 14) { ended.write(to: &$0) }
        case nil: break
        }
        wire.write(unknownFields)
    }
}

extension PointsEvent {
    package func write(to wire: inout WireBuffer) throws {
        wire.write(UInt64(self.Wire::schema), field: 1)
        wire.write(critical, field: 2)
        wire.write(resident, field: 3)
        wire.write(zigzag: eventTimeMs, field: 4)
        wire.write(cause, field: 5)
        switch payload {
        case .scored(let scored): wire.write(field: 10) { scored.write(to: &$0) }
        case .refused(let refused): wire.write(field: 11) { refused.write(to: &$0) }
        case .residentErased(let erased): wire.write(field: 13) { $0.write(erased.unknownFields) }
        case .dayEnded(let ended): wire.write(field: 14) { ended.write(to: &$0) }
        case nil: break
        }
        wire.write(unknownFields)
    }
}

extension Accepted {
    fileprivate func write(to wire: inout WireBuffer) {
        wire.write(behaviour, field: 1)
        wire.write(unit, field: 2)
        wire.write(quantityMillionths, field: 3)
        wire.write(zigzag: endedMs, field: 4)
        wire.write(Int64(evidence), field: 5)
        wire.write(unknownFields)
    }
}

extension Scored {
    fileprivate func write(to wire: inout WireBuffer) {
        wire.write(behaviour, field: 1)
        wire.write(method, field: 2)
        wire.write(version, field: 3)
        wire.write(zigzag: Int64(day), field: 4)
        wire.write(zigzag: milligrams, field: 5)
        wire.write(zigzag: points, field: 6)
        wire.write(milligramsBeforeCap, field: 7)
        wire.write(Int64(reason.rawValue), field: 8)
        wire.write(Int64(evidence), field: 9)
        wire.write(unknownFields)
    }
}

extension Refused {
    fileprivate func write(to wire: inout WireBuffer) {
        wire.write(behaviour, field: 1)
        wire.write(zigzag: Int64(day), field: 2)
        wire.write(reason, field: 3)
        wire.write(unknownFields)
    }
}

extension DayEnded {
    fileprivate func write(to wire: inout WireBuffer) {
        wire.write(zigzag: Int64(day), field: 1)
        wire.write(unknownFields)
    }
}
