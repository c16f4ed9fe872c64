import GRDB
import Ingestion
import Messages
import Model
import Rewards
import Scoring
import Simulation
import Streams
import Wire

/// Defects of what the services decide.
extension Defect {
    static let claimsBeforeWriting = Defect(
        name: "an id is claimed before it is written", seedsMax: 500
    ) {
        $0.ingestion = { world in
            ServiceMachine(
                Services.ingestion(in: world).substitutingBehindEdge(Unforgetting.init), in: world)
        }
    }

    static let takesConflictForDuplicate = Defect(
        name: "a conflict is taken for a duplicate", seedsMax: 50
    ) {
        $0.ingestion = { world in
            ServiceMachine(
                Services.ingestion(in: world).substitutingBehindEdge(Indifferent.init), in: world)
        }
    }

    static let skipsDayAfterRestart = Defect(
        name: "a day is not ended after a restart", seedsMax: 50
    ) {
        $0.ingestion = { world in
            var ingestion = Services.ingestion(in: world)
            ingestion.prepare = { try $0.execute(sql: "UPDATE day_ended SET day = day + 1") }
            return ServiceMachine(ingestion, in: world)
        }
    }

    static let roundsTwice = Defect(name: "a total is rounded twice", seedsMax: 10) {
        $0.scoring = { world in
            ServiceMachine(Services.scoring(in: world).substituting(Rounding.init), in: world)
        }
    }

    static let cancelMakesLot = Defect(
        name: "a cancel gives points back to another lot", seedsMax: 200
    ) {
        $0.rewards = { world in
            ServiceMachine(
                Services.rewards(in: world).substituting(Renewing.init), in: world)
        }
    }

    static let expiresSpentLots = Defect(
        name: "expiry forgets what was spent", seedsMax: 500
    ) {
        $0.rewards = { world in
            ServiceMachine(
                Services.rewards(in: world).substituting(Oblivious.init), in: world)
        }
    }
}

/// Keeps what it noted of a transaction that never happened.
private final class Unforgetting: Substitute<IngestionDomain> {
    override func rolledBack(to database: Database) {}
}

/// Compares names and not contents.
private final class Indifferent: Substitute<IngestionDomain> {
    override func perform(
        _ errand: IngestionErrand, in transaction: Transaction
    ) throws -> IngestionResult {
        guard case .batch(var batch) = errand else {
            return try super.perform(errand, in: transaction)
        }
        batch.items = batch.items.map { item in
            guard case .report(var report) = item else { return item }
            report.content = report.identity
            return .report(report)
        }
        return try super.perform(.batch(batch), in: transaction)
    }
}

/// Rounds quantities to tenths before grams are worked out from them.
private final class Rounding: Substitute<ScoringDomain> {
    override func apply(
        _ event: BehaviourInput, at position: EventPosition, in transaction: Transaction
    ) throws {
        var event = event
        if case .accepted(var accepted) = event.payload {
            accepted.quantityMillionths -= accepted.quantityMillionths % 100_000
            event.payload = .accepted(accepted)
        }
        try super.apply(event, at: position, in: transaction)
    }
}

/// Gives a cancelled order's points back to the newest lot, where they live longest.
private final class Renewing: Substitute<RewardsDomain> {
    override func handle(
        _ command: CommandMessage, in transaction: Transaction
    ) throws -> ReplyMessage {
        let reply = try super.handle(command, in: transaction)
        guard command.method == CancelOrder.method, reply.status == .ok else { return reply }
        let order = try JSON.decode(OrderRecord.self, from: reply.body)
        // A lot's place ends in its account's number.
        let lots = try Row.fetchAll(
            transaction.database,
            sql: """
                SELECT place, remaining FROM lot JOIN account ON place & 17179869183 = number
                WHERE resident = ? ORDER BY place
                """, arguments: [order.resident.rawValue])
        guard let oldest = lots.first(where: { $0["remaining"] > 0 }), let newest = lots.last else {
            return reply
        }
        let points: Int64 = oldest["remaining"]
        try transaction.database.execute(
            sql: "UPDATE lot SET remaining = 0 WHERE place = ?",
            arguments: [oldest["place"] as Int64])
        try transaction.database.execute(
            sql: "UPDATE lot SET awarded = awarded + ?, remaining = remaining + ? WHERE place = ?",
            arguments: [points, points, newest["place"] as Int64])
        return reply
    }
}

/// Lets everything expire that a lot was awarded, spent or not.
private final class Oblivious: Substitute<RewardsDomain> {
    override func apply(
        _ event: PointsInput, at position: EventPosition, in transaction: Transaction
    ) throws {
        if case .dayEnded(let day) = event.payload {
            try super.flush(in: transaction)
            let first = LotPlace(
                partition: position.partition, day: LocalDay(day).advanced(by: -730),
                number: 0)
            let end = LotPlace(
                partition: position.partition, day: first.day.advanced(by: 1), number: 0)
            try transaction.database.execute(
                sql: "UPDATE lot SET remaining = awarded WHERE place >= ? AND place < ?",
                arguments: [first.rawValue, end.rawValue])
        }
        try super.apply(event, at: position, in: transaction)
    }
}
