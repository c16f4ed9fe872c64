import Foundation
import GRDB
import Greenctl
import Simulation
import Streams
import SwiftProtobuf
import Wire

/// Defects of the log, its transactions, and what carries it.
extension Defect {
    static let publishesBeforeCommit = Defect(
        name: "blocks are published before they are committed", seedsMax: 500
    ) { $0.announcesEarly = true }

    static let movesCursorAlone = Defect(
        name: "the cursor moves later than what was applied", seedsMax: 500
    ) {
        $0.rewards = { world in
            var rewards = Services.rewards(in: world)
            // Every other time, it is left to a later transaction to write it.
            rewards.prepare = {
                try $0.execute(
                    sql: """
                        CREATE TEMP TRIGGER later BEFORE INSERT ON cursor WHEN NEW.sequence % 2
                        BEGIN SELECT RAISE(IGNORE); END
                        """)
            }
            return ServiceMachine(rewards, in: world)
        }
    }

    static let receiptsBeforeSync = Defect(
        name: "receipts are given before the sync", seedsMax: 500
    ) {
        $0.ingestion = { world in
            var ingestion = Services.ingestion(in: world)
            ingestion.prepare = { try $0.execute(sql: "PRAGMA synchronous = OFF") }
            return ServiceMachine(ingestion, in: world)
        }
    }

    static let syncsNormally = Defect(
        name: "a store syncs as GRDB's default says", seedsMax: 500
    ) {
        $0.scoring = { world in
            var scoring = Services.scoring(in: world)
            scoring.prepare = { try $0.execute(sql: "PRAGMA synchronous = NORMAL") }
            return ServiceMachine(scoring, in: world)
        }
    }

    static let fetchesOnOwnHead = Defect(
        name: "a HEAD overtakes its blocks and is believed", seedsMax: 10, faults: []
    ) { $0.tellsHeadFirst = true }

    static let trustsAnyChain = Defect(
        name: "the chain is not checked", seedsMax: 500,
        faults: [Fault(at: 3_500, .restore(.ingestion, milliseconds: 8_000))]
    ) {
        $0.arriving = { block, cursor in
            guard let chain = cursor.chain, block.first == cursor.sequence + 1 else { return block }
            var block = block
            block.chain = chain.extended(
                first: block.first, count: block.count, body: block.body)
            return block
        }
        $0.asked = { question, witness in
            var question = question
            question.cursor.chain =
                witness.chain(
                    of: question.stream, partition: question.partition,
                    at: question.cursor.sequence) ?? question.cursor.chain
            return question
        }
    }

    static let reencodesPages = Defect(
        name: "a PAGE holds its events encoded anew", seedsMax: 50
    ) {
        $0.leaving = { frames in
            guard var page = try? SLPPage(serializedBytes: frames[0]) else { return frames }
            var body: [UInt8] = []
            var offset = 0
            for index in page.blocks.indices {
                let count = Int(page.blocks[index].bodyBytes)
                let old = Array(frames[1][offset..<offset + count])
                offset += count
                var new: [UInt8] = []
                // Another encoder: the same fields, and one that this version does not know left
                // out.
                try? BlockBody.forEachEvent(in: old) { bytes in
                    var event = try BehaviourEvent(serializedBytes: bytes)
                    event.schema = 0
                    BlockBody.append(try event.serializedBytes(), to: &new)
                }
                page.blocks[index].bodyBytes = UInt32(new.count)
                body += new
            }
            guard let header = try? page.serializedBytes() as [UInt8] else { return frames }
            return [header, body]
        }
    }
}
