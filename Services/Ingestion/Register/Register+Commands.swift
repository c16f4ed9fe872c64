import GRDB
import Messages
import Model
import ZeroMQ

/// The commands that change the register. Each looks at everything first and then writes, so that a
/// refusal has changed nothing; each says the same again when it is repeated.
extension Register {
    func add(_ command: AddPartner, in database: Database) throws -> ReplyMessage {
        if let refusal = malformation(of: command) { return refusal }
        let sources = command.sources.sorted()
        let behaviours = catalogue.behaviours.map(\.code).filter(command.behaviours.contains)
        if let partner = partner(command.id) {
            let licensed = zip(catalogue.behaviours, partner.licences)
                .filter { $1 != nil }.map(\.0.code)
            guard partner.publicKey == command.publicKey,
                partner.sources.map(\.urn).sorted() == sources, licensed == behaviours
            else {
                return .refused("partner_exists", "\(command.id) is registered, with other data")
            }
            return try .ok(try record(of: partner, in: database))
        }
        for partner in partners {
            if partner.publicKey == command.publicKey {
                return .refused("key_taken", "this public key is another partner's")
            }
            if let taken = partner.sources.first(where: { sources.contains($0.urn) }) {
                return .refused(
                    "source_taken", "\(taken.urn) belongs to \(partner.id), and does for ever")
            }
        }
        guard partners.count < PartnerLimits.partnersMax else {
            return .refused("too_many_partners", "\(PartnerLimits.partnersMax) are registered")
        }
        try IngestionStore.insert(
            AddPartner(
                id: command.id, sources: sources, behaviours: behaviours,
                publicKey: command.publicKey), in: database)
        try loadPartners(from: database)
        noteChangedPartners()
        guard let partner = partner(command.id) else {
            preconditionFailure("the partner was just added")
        }
        return try .ok(try record(of: partner, in: database))
    }

    private func malformation(of command: AddPartner) -> ReplyMessage? {
        guard PartnerID.isLegal(command.id) else {
            return .invalid(
                "bad_partner_id", "a partner's id has \(PartnerID.rule)")
        }
        guard (1...PartnerLimits.sourcesPerPartnerMax).contains(command.sources.count),
            Set(command.sources).count == command.sources.count,
            command.sources.allSatisfy({ Identifier.isLegal($0) })
        else {
            return .invalid(
                "bad_sources",
                "a partner has 1 to \(PartnerLimits.sourcesPerPartnerMax) different sources, each "
                    + "of 1 to \(Identifier.bytesMax) bytes without control characters")
        }
        guard !command.behaviours.isEmpty else {
            return .invalid("bad_behaviours", "a partner is licensed for at least one behaviour")
        }
        if let unknown = command.behaviours.first(where: { catalogue.index(of: $0) == nil }) {
            return .invalid("unknown_behaviour", "the catalogue has no behaviour \(unknown)")
        }
        guard PublicKey(z85: command.publicKey) != nil else {
            return .invalid("bad_public_key", "a public key is 40 characters of Z85")
        }
        return nil
    }

    private func record(of partner: Partner, in database: Database) throws -> PartnerRecord {
        PartnerRecord(
            id: partner.id, sources: partner.sources.map(\.urn),
            behaviours: zip(catalogue.behaviours, partner.licences)
                .filter { $1 != nil }.map(\.0.code).sorted(),
            publicKey: partner.publicKey,
            counts: try IngestionStore.counts(in: database)[partner.id] ?? ReceiptCounts())
    }

    // MARK: Residents

    func add(_ command: AddResident, in database: Database) throws -> ReplyMessage {
        guard Identifier.isLegal(command.key) else { return .badResidentKey(command.key) }
        switch try standing(of: command.key, in: database) {
        case .registered(let resident):
            return try .ok(ResidentRecord(key: command.key, resident: resident))
        case .free(let resident):
            let record = ResidentRecord(key: command.key, resident: resident)
            try IngestionStore.insert(record, in: database)
            return try .ok(record)
        case .collides:
            return .residentCollision(command.key)
        }
    }

    private enum Standing {
        case registered(ResidentID)
        /// Not registered yet; this is whom it would name.
        case free(ResidentID)
        /// Not registered, and another key has the same identity.
        case collides
    }

    private func standing(of key: String, in database: Database) throws -> Standing {
        if let resident = try IngestionStore.resident(of: key, in: database) {
            return .registered(resident)
        }
        let resident = ResidentID(registrationKey: key, secret: secrets.resident)
        return try IngestionStore.key(of: resident, in: database) == nil
            ? .free(resident) : .collides
    }

    // MARK: Bindings

    /// What an import will write, gathered while it may still be refused.
    private struct ImportPlan {
        struct Binding {
            var partner: Partner
            var subject: String
            var resident: ResidentID
        }

        struct Place: Hashable {
            var partner: Int64
            var subject: String
        }

        struct Pair: Hashable {
            var partner: Int64
            var resident: ResidentID
        }

        var residents: [ResidentRecord] = []
        var keys: [ResidentID: String] = [:]
        var bindings: [Binding] = []
        var bound: [Place: ResidentID] = [:]
        var subjects: [Pair: String] = [:]
        var reply = ImportBindings.Reply(
            bound: 0, unchanged: 0, residentsAdded: 0, subjects: [])
    }

    func bind(_ command: ImportBindings, in database: Database) throws -> ReplyMessage {
        guard command.rows.count <= ImportBindings.rowsMax else {
            return .invalid("too_many_rows", "at most \(ImportBindings.rowsMax) rows at a time")
        }
        var draft = ImportPlan()
        for (index, row) in command.rows.enumerated() {
            if let refusal = try plan(row, number: index + 1, into: &draft, in: database) {
                return refusal
            }
        }
        for record in draft.residents { try IngestionStore.insert(record, in: database) }
        for binding in draft.bindings {
            let partner = binding.partner.number
            let isFirst = try IngestionStore.consents(
                of: binding.resident, to: partner, in: database
            ).isEmpty
            try IngestionStore.insertBinding(
                of: binding.subject, at: partner, to: binding.resident, in: database)
            // A second subject of the same resident brings no consent back that was withdrawn.
            if isFirst {
                try IngestionStore.insert(
                    .everything, of: binding.resident, to: partner, in: database)
                expect(binding.subject, of: binding.partner.id, for: binding.resident)
            }
        }
        return try .ok(draft.reply)
    }

    private func plan(
        _ row: ImportBindings.Row, number: Int, into plan: inout ImportPlan, in database: Database
    ) throws -> ReplyMessage? {
        guard let partner = partner(row.partner) else {
            return .refused("unknown_partner", "row \(number): no partner \(row.partner)")
        }
        guard Identifier.isLegal(row.resident) else {
            return .badResidentKey("row \(number): \(row.resident)")
        }
        let resident: ResidentID
        switch try standing(of: row.resident, in: database) {
        case .registered(let known):
            resident = known
        case .free(let new):
            if let key = plan.keys[new], key != row.resident {
                return .residentCollision("row \(number): \(row.resident)")
            }
            if plan.keys.updateValue(row.resident, forKey: new) == nil {
                plan.residents.append(ResidentRecord(key: row.resident, resident: new))
                plan.reply.residentsAdded += 1
            }
            resident = new
        case .collides:
            return .residentCollision("row \(number): \(row.resident)")
        }
        let pair = ImportPlan.Pair(partner: partner.number, resident: resident)
        let subject: String
        if let given = row.subject {
            subject = given
        } else if let earlier = plan.subjects[pair] {
            subject = earlier
        } else if let standing = try IngestionStore.subjects(
            of: resident, at: partner.number, in: database
        ).first {
            subject = standing
        } else {
            subject = secrets.subject(of: resident.rawValue, for: partner.id)
        }
        guard Identifier.isLegal(subject) else {
            return .invalid(
                "bad_subject",
                "row \(number): a subject has 1 to \(Identifier.bytesMax) bytes and no control "
                    + "characters")
        }
        let place = ImportPlan.Place(partner: partner.number, subject: subject)
        let bound =
            try plan.bound[place]
            ?? IngestionStore.resident(boundTo: subject, of: partner.number, in: database)
        if let bound, bound != resident {
            return .refused(
                "subject_taken", "row \(number): \(subject) is bound to another resident")
        }
        if bound == nil {
            plan.bindings.append(
                ImportPlan.Binding(partner: partner, subject: subject, resident: resident))
            plan.reply.bound += 1
        } else {
            plan.reply.unchanged += 1
        }
        plan.bound[place] = resident
        plan.subjects[pair] = plan.subjects[pair] ?? subject
        plan.reply.subjects.append(subject)
        return nil
    }

    // MARK: Consents

    /// - Parameter now: What "now" is for a command that names no moment; nil if nobody knows yet.
    func change(
        _ command: ChangeConsent, now: Instant?, in database: Database
    ) throws -> ReplyMessage {
        guard let partner = partner(command.partner) else {
            return .refused("unknown_partner", "no partner \(command.partner)")
        }
        if let behaviour = command.behaviour, catalogue.index(of: behaviour) == nil {
            return .invalid("unknown_behaviour", "the catalogue has no behaviour \(behaviour)")
        }
        guard let resident = try IngestionStore.resident(of: command.resident, in: database) else {
            return .refused("unknown_resident", "nobody is registered as \(command.resident)")
        }
        let subjects = try IngestionStore.subjects(
            of: resident, at: partner.number, in: database)
        guard let subject = subjects.first else {
            return .refused(
                "unknown_binding", "\(command.resident) is not bound to \(command.partner)")
        }
        guard let at = command.at ?? now else {
            return .refused("clock_unset", "the clock has no time yet: name one, or set it")
        }
        guard CityClock.Limits.times.contains(at) else {
            return .invalid("bad_time", "a consent changes in the years 1970 to 9999")
        }
        let change = ConsentChange(
            behaviour: command.behaviour, at: at, granted: command.granted)
        try IngestionStore.insert(change, of: resident, to: partner.number, in: database)
        forget(subjects, of: partner.id)
        let changes = try IngestionStore.consents(of: resident, to: partner.number, in: database)
        return try .ok(
            BindingRecord(
                partner: partner.id, subject: subject, resident: resident,
                consents: Consents(changes).intervals))
    }
}

extension ReplyMessage {
    fileprivate static func badResidentKey(_ key: String) -> ReplyMessage {
        .invalid(
            "bad_resident_key",
            "\(key): a registration key has 1 to \(Identifier.bytesMax) bytes and no control "
                + "characters")
    }

    fileprivate static func residentCollision(_ key: String) -> ReplyMessage {
        .refused(
            "resident_collision",
            "\(key): another key has the same resident id; register it under another key")
    }
}
