/// A way in which a report can be wrong, so that the edge must reject it.
package enum Flaw: Int, CaseIterable, Sendable {
    case numberQuantity, foreignSource, unknownBehaviour, unlicensed, wrongUnit, zeroQuantity
    case loneStart, tooOld, fromTheFuture, noEvidence, tooLarge, noTime, hugeQuantity, reversed
    case exponentQuantity, leapSecond, overlong, otherVersion, otherType, correction, withdrawal
    case unknownEvidence, negativeQuantity, noOffset, noSubject, repeatedKey, tooDeep, binaryData

    /// The code of the receipt that a report with this flaw must get.
    package var code: String {
        switch self {
        case .foreignSource: "source_not_allowed"
        case .unknownBehaviour: "unknown_behaviour"
        case .unlicensed: "behaviour_not_licensed"
        case .wrongUnit: "unit_mismatch"
        case .zeroQuantity, .hugeQuantity: "quantity_out_of_range"
        case .loneStart, .reversed, .overlong: "interval_invalid"
        case .tooOld: "too_late"
        case .fromTheFuture: "in_future"
        case .tooLarge: "event_too_large"
        case .numberQuantity, .noEvidence, .noTime, .exponentQuantity, .leapSecond, .otherVersion,
            .otherType, .correction, .withdrawal, .unknownEvidence, .negativeQuantity, .noOffset,
            .noSubject, .repeatedKey, .tooDeep, .binaryData:
            "invalid_event"
        }
    }

    /// The report of `act` with this flaw, when ingestion's clock stands at `clock`.
    func report(_ act: Act, clock: Int64) -> Report {
        var act = act
        switch self {
        case .tooOld:
            act = act.earlier(days: 31 + Int(act.random.0 % 30))
        case .fromTheFuture:
            let length = act.endedAt - act.startedAt
            act.endedAt = clock + 301 * CivilTime.second + Int64(act.random.0 % 86_400_000)
            act.startedAt = act.endedAt - length
        default:
            break
        }
        var report = Report(act)
        corrupt(&report, act)
        return report
    }

    private func corrupt(_ report: inout Report, _ act: Act) {
        let times = act.partner.times
        switch self {
        case .tooOld, .fromTheFuture: break
        case .numberQuantity: report.quantity = "1.5"
        case .exponentQuantity: report.quantity = "\"1e2\""
        case .negativeQuantity: report.quantity = "\"-1\""
        case .zeroQuantity: report.quantity = "\"0.00\""
        case .hugeQuantity: report.quantity = "\"999999\""
        case .foreignSource: report.source = "urn:partner:somebody-else"
        case .unknownBehaviour: report.behaviour = "teleporting"
        case .unlicensed:
            report.behaviour = act.partner.role == .recycling ? "bus" : "carton_reuse"
            report.unit = act.partner.role == .recycling ? "trip" : "carton"
            report.quantity = "\"1\""
        case .wrongUnit: report.unit = "mile"
        case .loneStart:
            report.startedAt = CivilTime.text(act.startedAt, times)
            report.endedAt = nil
        case .reversed:
            report.startedAt = CivilTime.text(act.endedAt, times)
            report.endedAt = CivilTime.text(act.endedAt - CivilTime.minute, times)
        case .overlong:
            report.startedAt = CivilTime.text(act.endedAt - 25 * CivilTime.hour, times)
            report.endedAt = CivilTime.text(act.endedAt, times)
        case .noEvidence: report.evidence = nil
        case .unknownEvidence: report.evidence = "{\"kind\":\"hearsay\"}"
        case .noTime: report.time = nil
        case .leapSecond: report.time = "2016-12-31T23:59:60Z"
        case .noOffset: report.time = report.time.map { String($0.prefix(19)) }
        case .noSubject: report.subject = nil
        case .otherVersion: report.specversion = "0.3"
        case .otherType: report.type = "cn.greenseason.weather.v1"
        case .correction:
            report.type = "cn.greenseason.behaviour.corrected.v1"
            report.dataExtensions = ",\"replaces\":\"no-such-order\""
        case .withdrawal:
            report.type = "cn.greenseason.behaviour.withdrawn.v1"
            report.dataExtensions = ",\"replaces\":\"no-such-order\""
        case .repeatedKey: report.dataExtensions = ",\"unit\":\"\(report.unit)\""
        case .tooDeep:
            let brackets = (String(repeating: "[", count: 17), String(repeating: "]", count: 17))
            report.dataExtensions = ",\"route\":\(brackets.0)\(brackets.1)"
        case .binaryData: report.extensions = ",\"data_base64\":\"AAAA\""
        case .tooLarge:
            report.extensions = ",\"padding\":\"\(String(repeating: "x", count: 17_000))\""
        }
    }
}
