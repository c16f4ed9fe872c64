import Model

/// What an event must fulfil that was not there before.
///
/// The rules between the duplicate check and the binding, in the protocol's order. Pure: the same
/// report, partner and time give the same answer.
struct ReportRules {
    let catalogue: BehaviourCatalogue

    /// The behaviour that `report` is about, if everything about it is right.
    func behaviour(
        of report: BehaviourReport, licences: [Validity?], now: Instant
    ) -> Result<BehaviourCatalogue.Behaviour, Rejection> {
        guard let place = report.behaviour else {
            return .failure(
                Rejection(
                    .unknownBehaviour, field: "data.behaviour",
                    "the catalogue has no such behaviour"))
        }
        let behaviour = catalogue.behaviours[place]
        guard let licence = licences[place], licence.covers(report.eventTime) else {
            return .failure(
                Rejection(
                    .behaviourNotLicensed, field: "data.behaviour",
                    "this partner may not report it"))
        }
        guard let unit = report.unit else {
            return .failure(
                Rejection(
                    .unitMismatch, field: "data.unit", "the behaviour is not measured in this unit")
            )
        }
        guard report.quantity.rawValue > 0, report.quantity <= behaviour.units[unit].maximum else {
            return .failure(
                Rejection(
                    .quantityOutOfRange, field: "data.quantity",
                    "it must be more than 0 and at most \(behaviour.units[unit].maximum)"))
        }
        if let rejection = intervalFault(of: report, behaviour) ?? lateness(of: report, now: now) {
            return .failure(rejection)
        }
        return .success(behaviour)
    }

    private func intervalFault(
        of report: BehaviourReport, _ behaviour: BehaviourCatalogue.Behaviour
    ) -> Rejection? {
        switch (report.startedAt, report.endedAt) {
        case (nil, nil):
            return behaviour.intervalRequired
                ? Rejection(
                    .intervalInvalid, field: "data.startedAt",
                    "the behaviour needs startedAt and endedAt") : nil
        case (nil, _?):
            return Rejection(
                .intervalInvalid, field: "data.startedAt", "endedAt comes with startedAt")
        case (_?, nil):
            return Rejection(
                .intervalInvalid, field: "data.endedAt", "startedAt comes with endedAt")
        case (let started?, let ended?):
            if ended < started {
                return Rejection(
                    .intervalInvalid, field: "data.endedAt", "it lies before startedAt")
            }
            if ended.rawValue - started.rawValue > Self.intervalMillisecondsMax {
                return Rejection(
                    .intervalInvalid, field: "data.endedAt",
                    "an interval has at most \(PartnerLimits.intervalHoursMax) hours")
            }
            return nil
        }
    }

    private func lateness(of report: BehaviourReport, now: Instant) -> Rejection? {
        let age = now.rawValue - report.endTime.rawValue
        if age > Self.ageMillisecondsMax {
            return Rejection(
                .tooLate, field: report.endTimeField,
                "it lies more than \(PartnerLimits.pastDaysMax) days back")
        }
        if -age > Self.leadMillisecondsMax {
            return Rejection(
                .inFuture, field: report.endTimeField,
                "it lies more than \(PartnerLimits.futureSecondsMax) seconds ahead")
        }
        return nil
    }

    private static let intervalMillisecondsMax = Int64(PartnerLimits.intervalHoursMax) * 3_600_000
    private static let ageMillisecondsMax = Int64(PartnerLimits.pastDaysMax) * 86_400_000
    private static let leadMillisecondsMax = Int64(PartnerLimits.futureSecondsMax) * 1_000
}
