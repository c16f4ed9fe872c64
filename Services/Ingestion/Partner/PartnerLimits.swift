/// The numbers of GSP/1, which partners are told in `WELCOME`, and those behind its credit.
package enum PartnerLimits {
    package static let batchEventsMax = 1_000
    /// Of the body frame.
    package static let messageBytesMax = 1_048_576
    /// Of one event, as it was sent.
    package static let eventBytesMax = 16_384
    package static let requestIDBytesMax = 64
    package static let pastDaysMax = 30
    package static let futureSecondsMax = 300
    package static let intervalHoursMax = 24

    /// Un-receipted events and bytes of all partners together: twice what the writer takes at the
    /// edge in one transaction.
    package static let windowEventsMax = 4_000
    package static let windowBytesMax = 8 << 20
    /// A partner counts as active for so long after its last message.
    package static let activeMilliseconds: Int64 = 10_000
    /// For so long after a window was told, messages sent under the one before are still welcome.
    package static let graceMilliseconds: Int64 = 2_000

    package static let overdraftsMax = 10
    package static let overdraftMilliseconds: Int64 = 60_000
    package static let suspensionMilliseconds: Int64 = 60_000
    /// What a client should wait before it repeats what found no room.
    package static let busyRetryMilliseconds: Int64 = 200
    /// What a client should wait before it repeats what found no service.
    package static let unavailableRetryMilliseconds: Int64 = 1_000

    /// Partners that one deployment can have: their windows and names are kept in memory.
    package static let partnersMax = 4_096
    package static let sourcesPerPartnerMax = 64

    /// Free disk below which windows shrink, and below which they are shut.
    package static let diskBytesAmple: Int64 = 1 << 30
    package static let diskBytesMin: Int64 = 128 << 20
}
