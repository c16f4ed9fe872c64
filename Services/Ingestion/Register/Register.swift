import GRDB
import Messages
import Model

/// Partners, residents, bindings and consents, as the writer's thread uses them.
///
/// The truth is in the store. In memory are all partners, for they are few, and the bindings used
/// lately; whatever a transaction changed here, `rolledBack` drops.
final class Register {
    let catalogue: BehaviourCatalogue
    let secrets: IngestionSecrets
    let directory: PartnerDirectory
    private let partitionCount: Int
    private(set) var partners: [Partner] = []
    private var placeByID: [String: Int] = [:]
    /// By the digest of (partner, subject), those under the consent to everything.
    private var plain = BindingTable()
    /// The others.
    private var particular = RecentlyUsed<Digest128, Binding>(
        generationMax: Limits.particularPerGenerationMax)
    private var hasher: EventHasher
    private var counts: [Int: ReceiptCounts] = [:]
    private var partnersChanged = false

    enum Limits {
        static let residentsPerPage = 1_000
        /// Half of those in memory whose residents said more than yes: 32,768 in about 10 MB.
        static let particularPerGenerationMax = 16_384
    }

    init(
        catalogue: BehaviourCatalogue, secrets: IngestionSecrets, partitionCount: Int,
        database: Database
    ) throws {
        self.catalogue = catalogue
        self.secrets = secrets
        self.partitionCount = partitionCount
        hasher = EventHasher(key: secrets.event)
        directory = PartnerDirectory()
        try loadPartners(from: database)
        publishPartners()
    }

    func loadPartners(from database: Database) throws {
        partners = try IngestionStore.partners(in: database).map {
            Partner($0, catalogue: catalogue)
        }
        placeByID = Dictionary(
            uniqueKeysWithValues: partners.enumerated().map { ($0.element.id, $0.offset) })
    }

    func noteChangedPartners() { partnersChanged = true }

    private func publishPartners() {
        directory.replace(
            with: partners.map { partner in
                PartnerDirectory.Entry(
                    id: partner.id, publicKey: partner.publicKey,
                    sources: partner.sources.map(\.urn),
                    behaviours: zip(catalogue.behaviours, partner.licences)
                        .filter { $1 != nil }.map(\.0.code))
            })
    }

    func place(ofPartner id: String) -> Int? { placeByID[id] }

    func partner(_ id: String) -> Partner? { placeByID[id].map { partners[$0] } }

    // MARK: Events

    /// Whom the report is about, or nil if its partner has no binding for the subject.
    func binding(
        for report: BehaviourReport, in batch: PartnerBatch, of partner: Int64,
        from database: Database
    ) throws -> Binding? {
        if let (resident, partition) = plain.find(report.binding) {
            return Binding(resident: resident, partition: partition, consents: .everything)
        }
        if let binding = particular.find(report.binding) { return binding }
        let stored = try batch.bytes.withUnsafeBytes {
            try IngestionStore.binding(
                of: UnsafeRawBufferPointer(rebasing: $0[report.subject.bounds]), at: partner,
                in: database)
        }
        guard let (resident, changes) = stored else { return nil }
        let binding = Binding(
            resident: resident, partition: resident.partition(of: partitionCount),
            consents: Consents(changes))
        if binding.consents.isEverything {
            plain.insert(report.binding, resident: resident, partition: binding.partition)
        } else {
            particular.insert(binding, for: report.binding)
        }
        return binding
    }

    /// Who was just bound is soon heard of: their first event need not ask the store.
    ///
    /// Right as long as the transaction is the one that wrote the binding and its consent.
    func expect(_ subject: String, of partner: String, for resident: ResidentID) {
        plain.insert(
            hasher.subject(subject, of: partner), resident: resident,
            partition: resident.partition(of: partitionCount))
    }

    /// What was cached of these subjects no longer holds.
    func forget(_ subjects: [String], of partner: String) {
        for subject in subjects {
            let digest = hasher.subject(subject, of: partner)
            plain.remove(digest)
            particular.remove(digest)
        }
    }

    /// Adds to what became of a partner's events in this transaction.
    func count(_ count: ReceiptCounts, for place: Int) {
        counts[place, default: ReceiptCounts()] += count
    }

    // MARK: Transactions

    func flush(in database: Database) throws {
        for (place, count) in counts {
            try IngestionStore.add(count, to: partners[place].number, in: database)
        }
        counts.removeAll(keepingCapacity: true)
    }

    func committed() {
        guard partnersChanged else { return }
        partnersChanged = false
        publishPartners()
    }

    func rolledBack(to database: Database) throws {
        counts.removeAll()
        plain.removeAll()
        particular.removeAll()
        partnersChanged = false
        try loadPartners(from: database)
    }
}

extension ReceiptCounts {
    static func += (left: inout Self, right: Self) {
        left.received += right.received
        left.accepted += right.accepted
        left.duplicate += right.duplicate
        left.rejected += right.rejected
    }
}
