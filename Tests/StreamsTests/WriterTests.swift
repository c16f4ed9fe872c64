import GRDB
import Messages
import Model
import Storage
import Streams
import StreamsTestKit
import SwiftProtobuf
import Testing
import Wire

/// State, log and cursors move together, or not at all.
struct WriterTests {
    private let store: Store
    private let domain = CounterDomain()
    private let writer: Writer<CounterDomain>

    init() throws {
        store = try Store.inMemory(migrations: CounterRecords.migrations)
        writer = try makeWriter(on: store, domain: domain)
    }

    private func records<Value>(_ read: (CounterRecords) throws -> Value) throws -> Value {
        try store.writer.read { try read(CounterRecords(database: $0)) }
    }

    private func deadLetters() throws -> [(sequence: Int64, reason: String, event: [UInt8])] {
        try store.writer.read { database in
            try Row.fetchAll(
                database, sql: "SELECT sequence, reason, event FROM dead_letter ORDER BY sequence"
            ).map { ($0[0], $0[1], ($0[2] as DatabaseBytes).bytes) }
        }
    }

    // MARK: Blocks

    @Test func `each input block causes one output block`() throws {
        var stream = RecordedStream(.behaviour)
        let commit = try writer.commit([
            .block(try stream.block(of: [counted(1), counted(2)])),
            .block(try stream.block(of: [counted(3)])),
            .block(try stream.block(of: [counted(4), counted(5), counted(6)], partition: 1)),
        ])
        #expect(commit.blocks.map(\.partition) == [0, 0, 1])
        #expect(commit.blocks.map(\.first) == [1, 3, 1])
        #expect(commit.blocks.map(\.count) == [2, 1, 3])
        #expect(commit.eventsApplied == 6)
        #expect(
            try commit.blocks.events(as: PointsEvent.self).map(\.resident) == [1, 2, 3, 4, 5, 6])
        #expect(domain.commits == 1)
    }

    @Test
    func `a block is closed when it has grown to its target, and a larger event stands alone`()
        throws
    {
        let half = Block.Limits.bodyBytesTarget / 2
        let commit = try writer.commit([
            .errand(CounterDomain.Errand(partition: 0, numbers: 1...3, bytes: half), 1),
            .errand(CounterDomain.Errand(partition: 0, numbers: 4...4, bytes: 1_000_000), 2),
            .errand(CounterDomain.Errand(partition: 0, numbers: 5...6), 3),
        ])
        #expect(commit.blocks.map(\.count) == [1, 1, 1, 1, 2])
        #expect(commit.results.map(\.1) == [[1, 2, 3], [4], [5, 6]])
        #expect(writer.heads[0].sequence == 6)
        #expect(writer.heads[0].totals == ControlTotals(events: 6, milligrams: 0, points: 6))
    }

    @Test func `errands and commands of one transaction share blocks`() throws {
        let commit = try writer.commit([
            .errand(CounterDomain.Errand(partition: 0, numbers: 1...2), 7),
            .errand(CounterDomain.Errand(partition: 0, numbers: 3...4), 8),
        ])
        #expect(commit.blocks.map(\.count) == [4])
        #expect(commit.results.map(\.0) == [7, 8])
    }

    @Test func `totals are cumulative, and stand at every edge`() throws {
        var stream = RecordedStream(.behaviour)
        for number in 1...3 {
            _ = try writer.commit([.block(try stream.block(of: [counted(Int64(number))]))])
        }
        for sequence in UInt64(0)...3 {
            #expect(
                try edge(at: sequence)?.totals
                    == ControlTotals(
                        events: sequence, milligrams: Int64(sequence), points: 2 * Int64(sequence)))
        }
        #expect(try edge(at: 4) == nil)
    }

    private func edge(at sequence: UInt64) throws -> EventLog.Head? {
        try store.writer.read {
            try EventLog.edge(at: sequence, partition: 0, of: writer.identity, in: $0)
        }
    }

    @Test func `a log rebuilt from the same inputs has the same chain, however they were grouped`()
        throws
    {
        var stream = RecordedStream(.behaviour)
        var random = SplitMix64(seed: 4)
        var blocks: [ReceivedBlock] = []
        for number in 1...40 {
            let events = (0..<Int.random(in: 1...4, using: &random)).map { _ in
                counted(Int64(number), bytes: .random(in: 0...30_000, using: &random))
            }
            blocks.append(
                try stream.block(of: events, partition: .random(in: 0..<3, using: &random)))
        }
        func rebuilt(_ groups: (Int) -> Int) throws -> [EventLog.Head] {
            let store = try Store.inMemory(migrations: CounterRecords.migrations)
            let writer = try makeWriter(on: store, domain: CounterDomain())
            var rest = blocks[...]
            var edges: [EventLog.Head] = []
            while !rest.isEmpty {
                let count = min(groups(rest.count), rest.count)
                _ = try writer.commit(rest.prefix(count).map { .block($0) })
                rest.removeFirst(count)
            }
            try store.writer.read { database in
                for block in try (0..<3).flatMap({
                    try EventLog.blocks(after: 0, partition: $0, bytesMax: .max, in: database)
                }) {
                    edges.append(
                        EventLog.Head(
                            partition: block.partition, sequence: block.last, chain: block.chain,
                            totals: block.totals))
                }
            }
            return edges
        }
        let one = try rebuilt { _ in 1 }
        #expect(one.count > 40)
        #expect(try rebuilt { _ in 40 } == one)
        #expect(try rebuilt { $0 % 5 + 1 } == one)
    }

    @Test func `pages hold whole blocks, at least one, within their bytes`() throws {
        for _ in 0..<5 {
            _ = try writer.commit([
                .errand(CounterDomain.Errand(partition: 0, numbers: 1...2, bytes: 500), 0)
            ])
        }
        func firsts(after sequence: UInt64, bytesMax: Int) throws -> [UInt64] {
            try store.writer.read {
                try EventLog.blocks(after: sequence, partition: 0, bytesMax: bytesMax, in: $0)
            }.map(\.first)
        }
        #expect(try firsts(after: 0, bytesMax: 1) == [1])
        #expect(try firsts(after: 2, bytesMax: 2_500) == [3, 5])
        #expect(try firsts(after: 4, bytesMax: 1 << 20) == [5, 7, 9])
        #expect(try firsts(after: 10, bytesMax: 1 << 20) == [])
    }

    @Test func `a page is read only after a cursor on the chain`() throws {
        _ = try writer.commit([.errand(CounterDomain.Errand(partition: 0, numbers: 1...4), 0)])
        _ = try writer.commit([.errand(CounterDomain.Errand(partition: 0, numbers: 5...6), 0)])
        let log = writer.identity.log
        let other = try #require(LogID(repeatElement(9, count: 16)))
        let chain = try #require(try edge(at: 4)).chain
        func page(
            _ log: LogID?, _ sequence: UInt64, _ chain: Chain?, partition: Int = 0
        ) throws -> LogPage? {
            try store.writer.read {
                try LogPage.read(
                    after: Streams.Cursor(log: log, sequence: sequence, chain: chain),
                    partition: partition, bytesMax: 1 << 20, of: writer.identity, in: $0)
            }
        }
        #expect(try page(nil, 0, nil)?.blocks.map(\.first) == [1, 5])
        #expect(try page(log, 4, chain)?.blocks.map(\.first) == [5])
        #expect(try page(log, 4, chain)?.verdict == .ok)
        #expect(try page(log, 6, chain)?.verdict == .forked)
        #expect(try page(log, 3, chain)?.verdict == .forked)
        #expect(try page(log, 4, nil)?.verdict == .forked)
        #expect(try page(other, 4, chain)?.verdict == .forked)
        #expect(try page(other, 0, nil)?.verdict == .forked)
        #expect(try page(log, 7, chain)?.verdict == .ahead)
        #expect(try page(log, .max, chain)?.verdict == .ahead)
        #expect(try page(nil, 0, nil, partition: 3)?.verdict == nil)
        #expect(try page(nil, 0, nil, partition: 2)?.blocks.isEmpty == true)
    }

    // MARK: Rolling back

    @Test func `a transaction that fails leaves nothing, and succeeds when tried again`() throws {
        var stream = RecordedStream(.behaviour)
        _ = try writer.commit([.block(try stream.block(of: [counted(1)]))])
        let before = (heads: writer.heads, cursor: writer.cursor(of: .behaviour, partition: 0))
        let jobs: [Writer<CounterDomain>.Job] = [
            .block(try stream.block(of: [counted(2), counted(3)])),
            .command(try spend(1, key: 1), 4),
            .errand(CounterDomain.Errand(partition: 1, numbers: 1...3), 5),
        ]
        domain.faults.flushes = 2
        for _ in 0..<2 {
            #expect(throws: CounterDomain.DiskFailed.self) { try writer.commit(jobs) }
            #expect(writer.heads == before.heads)
            #expect(writer.cursor(of: .behaviour, partition: 0) == before.cursor)
            #expect(try records { try $0.total() } == 1)
            #expect(try records { try $0.numbers(in: 0) } == [1])
            #expect(try commandCount() == 0)
        }
        let commit = try writer.commit(jobs)
        #expect(commit.blocks.map(\.first) == [2, 4, 1])
        #expect(commit.replies.map(\.1.status) == [.ok])
        #expect(try records { try $0.total() } == 2)
        #expect(try records { try $0.numbers(in: 0) } == [1, 2, 3])
        #expect(domain.commits == 2)
    }

    @Test func `a failure while applying is tried again, never skipped`() throws {
        var stream = RecordedStream(.behaviour)
        let block = try stream.block(of: [counted(1)])
        domain.faults.applies = 1
        #expect(throws: CounterDomain.DiskFailed.self) { try writer.commit([.block(block)]) }
        #expect(writer.cursor(of: .behaviour, partition: 0) == .start)
        #expect(try writer.commit([.block(block)]).eventsApplied == 1)
        #expect(try deadLetters().isEmpty)
    }

    @Test func `when even the rollback fails, memory is read back before anything else`() throws {
        var stream = RecordedStream(.behaviour)
        let block = try stream.block(of: [counted(1), counted(2)])
        domain.faults.flushes = 1
        domain.faults.rollbacks = 2
        // The first attempt, and a second one that cannot even begin.
        for _ in 0..<2 {
            #expect(throws: CounterDomain.DiskFailed.self) { try writer.commit([.block(block)]) }
        }
        let commit = try writer.commit([.block(block)])
        #expect(commit.blocks.map(\.first) == [1])
        #expect(writer.cursor(of: .behaviour, partition: 0) == block.cursor)
        #expect(try records { try $0.sequences(in: 0) } == [1, 2])
    }

    // MARK: What cannot be applied

    @Test func `what can never be applied becomes a dead letter, and the rest goes on`() throws {
        var stream = RecordedStream(.behaviour)
        let commit = try writer.commit([
            .block(try stream.block(of: [counted(1), counted(-2), counted(3)])),
            .block(try stream.block(of: [counted(-4)])),
        ])
        #expect(commit.deadLetters == 2)
        #expect(commit.blocks.map(\.count) == [2])
        #expect(writer.cursor(of: .behaviour, partition: 0).sequence == 4)
        #expect(try records { try $0.sequences(in: 0) } == [1, 3])
        let letters = try deadLetters()
        #expect(letters.map(\.sequence) == [2, 4])
        #expect(letters.map(\.reason) == ["nobody counts backwards", "nobody counts backwards"])
        #expect(try BehaviourEvent(serializedBytes: letters[0].event) == counted(-2))
    }

    @Test func `bytes that are no event become a dead letter`() throws {
        let block = try received([bytes("\u{FF}not an event"), try counted(5).serializedBytes()])
        #expect(try writer.commit([.block(block)]).deadLetters == 1)
        #expect(try records { try $0.numbers(in: 0) } == [5])
    }

    @Test func `an unknown event that may be skipped is skipped`() throws {
        var stream = RecordedStream(.behaviour)
        let commit = try writer.commit([
            .block(try stream.block(of: [unknown(critical: false), counted(2)]))
        ])
        #expect(commit.deadLetters == 0)
        #expect(commit.stopped.isEmpty)
        #expect(try records { try $0.sequences(in: 0) } == [2])
    }

    @Test func `an unknown event that must not be skipped stops its partition there and no other`()
        throws
    {
        var stream = RecordedStream(.behaviour)
        let before = try stream.block(of: [counted(1)])
        let commit = try writer.commit([
            .block(before),
            .block(try stream.block(of: [counted(2), unknown(critical: true)])),
            .block(try stream.block(of: [counted(4)])),
            .block(try stream.block(of: [counted(5)], partition: 1)),
            .command(try spend(2, key: 1), 9),
        ])
        #expect(commit.stopped.map(\.0) == [.behaviour])
        #expect(commit.stopped.map(\.partition) == [0])
        #expect(commit.replies.map(\.1.status) == [.ok])
        #expect(writer.cursor(of: .behaviour, partition: 0) == before.cursor)
        #expect(try records { try $0.numbers(in: 0) } == [1])
        #expect(try records { try $0.numbers(in: 1) } == [5])

        // What was already on its way behind it is not applied, and said once is said.
        let later = try writer.commit([
            .block(try stream.block(of: [counted(6)])),
            .block(try stream.block(of: [counted(7)], partition: 1)),
        ])
        #expect(later.stopped.isEmpty)
        #expect(try records { try $0.numbers(in: 0) } == [1])
        #expect(try records { try $0.numbers(in: 1) } == [5, 7])
    }

    @Test func `a stop is told even if the transaction fails for another reason first`() throws {
        var stream = RecordedStream(.behaviour)
        let jobs: [Writer<CounterDomain>.Job] = [
            .block(try stream.block(of: [unknown(critical: true)]))
        ]
        domain.faults.flushes = 1
        #expect(throws: CounterDomain.DiskFailed.self) { try writer.commit(jobs) }
        #expect(try writer.commit(jobs).stopped.map(\.partition) == [0])
    }

    @Test func `a program that knows the event reads on where the other stopped`() throws {
        var stream = RecordedStream(.behaviour)
        let before = try stream.block(of: [counted(1)])
        var event = unknown(critical: true)
        let block = try stream.block(of: [event])
        _ = try writer.commit([.block(before), .block(block)])
        event.accepted.behaviour = "known now"
        let upgraded = try makeWriter(on: store, domain: CounterDomain())
        #expect(upgraded.cursor(of: .behaviour, partition: 0) == before.cursor)
    }

    @Test(arguments: [[0x0A], [0xFF, 0xFF], []] as [[UInt8]])
    func `a block whose body is not its events stops its partition`(body: [UInt8]) throws {
        var block = try received([try counted(1).serializedBytes()])
        block.block.body += body
        if body.isEmpty { block.block.count = 2 }
        let commit = try writer.commit([
            .block(block), .errand(CounterDomain.Errand(partition: 0, numbers: 1...1), 0),
        ])
        #expect(commit.stopped.map(\.partition) == [0])
        #expect(commit.results.count == 1)
        #expect(try records { try $0.numbers(in: 0) } == [])
    }

    /// A block of partition 0 that holds these events.
    private func received(_ events: [[UInt8]]) throws -> ReceivedBlock {
        let log = try #require(LogID(0..<16))
        var body: [UInt8] = []
        for event in events { BlockBody.append(event, to: &body) }
        let chain = Chain(log: log, stream: .behaviour, partition: 0)
            .extended(first: 1, count: events.count, body: body)
        return ReceivedBlock(
            stream: .behaviour, log: log,
            block: Block(
                partition: 0, first: 1, count: events.count, chain: chain,
                recorded: Instant(milliseconds: 0), totals: ControlTotals(), body: body))
    }

    // MARK: Commands

    private func commandCount() throws -> Int? {
        try store.writer.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM command") }
    }

    private func earn(_ count: Int) throws {
        var stream = RecordedStream(.behaviour)
        _ = try writer.commit([
            .block(try stream.block(of: Array(repeating: counted(1), count: count)))
        ])
    }

    private func reply(_ command: CommandMessage) throws -> ReplyMessage {
        let commit = try writer.commit([.command(command, 3)])
        #expect(commit.replies.map(\.0) == [3])
        return try #require(commit.replies.first).1
    }

    @Test func `the same key and request give the same reply, and are carried out once`() throws {
        try earn(10)
        let first = try reply(try spend(4, key: 1))
        #expect(try first == .ok(Spend.Reply(left: 6)))
        #expect(try reply(try spend(4, key: 1)) == first)
        #expect(try records { try $0.total() } == 6)
        #expect(try reply(try spend(4, key: 2)) == .ok(Spend.Reply(left: 2)))
        #expect(try commandCount() == 2)
    }

    @Test func `the same key twice in one transaction is carried out once`() throws {
        try earn(10)
        let command = try spend(3, key: 1)
        let commit = try writer.commit([.command(command, 0), .command(command, 1)])
        #expect(commit.replies.map(\.0) == [0, 1])
        #expect(commit.replies[0].1 == commit.replies[1].1)
        #expect(try records { try $0.total() } == 7)
    }

    @Test func `the same key with another request is a conflict`() throws {
        try earn(10)
        _ = try reply(try spend(4, key: 1))
        #expect(try reply(try spend(5, key: 1)).status == .conflict)
        var other = try spend(4, key: 1)
        other.method = "counter.earn"
        #expect(try reply(other).status == .conflict)
        #expect(try records { try $0.total() } == 6)
    }

    @Test func `keys are each caller's own`() throws {
        try earn(10)
        _ = try reply(try spend(4, key: 1, caller: "one"))
        #expect(
            try reply(try spend(5, key: 1, caller: "two")) == .ok(Spend.Reply(left: 1)))
    }

    @Test func `what was refused is decided afresh`() throws {
        let command = try spend(2, key: 1)
        #expect(try reply(command).status == .refused)
        #expect(try commandCount() == 0)
        try earn(2)
        #expect(try reply(command) == .ok(Spend.Reply(left: 0)))
        // Carried out, it is remembered: another refusal would now be wrong.
        #expect(try reply(command) == .ok(Spend.Reply(left: 0)))
    }

    @Test func `a key has sixteen to sixty-four bytes`() throws {
        try earn(100)
        for count in 0...70 {
            var command = try spend(1, key: 0)
            command.key = Array(repeating: 5, count: count)
            #expect(try reply(command).status == ((16...64).contains(count) ? .ok : .invalid))
        }
    }

    @Test func `methods and bodies that are none are invalid, and not remembered`() throws {
        var command = try spend(1, key: 1)
        command.method = "counter.earn"
        #expect(try reply(command).code == "unknown_method")
        command.method = Spend.method
        command.body = bytes("[]")
        #expect(try reply(command).code == "bad_body")
        #expect(try commandCount() == 0)
    }

    @Test func `commands are remembered over a restart`() throws {
        try earn(10)
        let first = try reply(try spend(4, key: 1))
        let again = try makeWriter(on: store, domain: CounterDomain())
        #expect(try again.commit([.command(try spend(4, key: 1), 0)]).replies.map(\.1) == [first])
    }

    // MARK: Reopening

    @Test func `a writer that opens the store again goes on where the other was`() throws {
        var stream = RecordedStream(.behaviour)
        _ = try writer.commit([
            .block(try stream.block(of: [counted(1)])),
            .block(try stream.block(of: [counted(1)], partition: 2)),
        ])
        let again = try makeWriter(on: store, domain: CounterDomain())
        #expect(again.identity == writer.identity)
        #expect(again.heads == writer.heads)
        for partition in 0..<3 {
            #expect(
                again.cursor(of: .behaviour, partition: partition)
                    == writer.cursor(of: .behaviour, partition: partition))
        }
        let commit = try again.commit([.block(try stream.block(of: [counted(2)]))])
        #expect(commit.blocks.map(\.first) == [2])
        #expect(try records { try $0.total() } == 3)
    }

    @Test func `a store of another stream or another division is refused`() throws {
        func establish(_ stream: StreamName, _ partitions: Int) throws {
            var random = SplitMix64(seed: 1)
            _ = try store.writer.write {
                try LogIdentity.establish(
                    stream: stream, partitions: partitions, using: &random, in: $0)
            }
        }
        #expect(throws: LogIdentityError.otherStream(kept: .points, wanted: .profile)) {
            try establish(.profile, 3)
        }
        #expect(throws: LogIdentityError.otherDivision(kept: 3, wanted: 4)) {
            try establish(.points, 4)
        }
        try establish(.points, 3)
    }

    @Test func `every log has a name of its own`() throws {
        var random = SplitMix64(seed: 1)
        let names = Set((0..<100).map { _ in LogID.random(using: &random) })
        #expect(names.count == 100)
    }
}

/// A writer of the stream `points`, in three partitions, whose log has one name in every store.
private func makeWriter(
    on store: Store, domain: CounterDomain
) throws -> Writer<CounterDomain> {
    var random = SplitMix64(seed: 42)
    let identity = try store.writer.write {
        try LogIdentity.establish(stream: .points, partitions: 3, using: &random, in: $0)
    }
    return try Writer(
        identity: identity, database: store.writer, domain: domain,
        now: { Instant(milliseconds: 1_786_300_000_000) })
}

private func spend(_ amount: Int64, key: UInt8, caller: String = "test") throws -> CommandMessage {
    CommandMessage(
        method: Spend.method, caller: caller, key: Array(repeating: key, count: 16),
        body: try JSON.encode(Spend(amount: amount)))
}
