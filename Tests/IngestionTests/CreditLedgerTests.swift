import Ingestion
import Testing

/// Windows: what is told, what is let through, and who is suspended.
@Suite struct CreditLedgerTests {
    private static let whole = CreditLedger.Window(events: 4_000, bytes: 8 << 20)

    @Test func `a partner alone may have the whole window`() {
        var ledger = CreditLedger()
        #expect(ledger.tell("a", at: 0) == Self.whole)
        for _ in 1...4 { #expect(ledger.admit("a", events: 1_000, bytes: 1, at: 1) == .admitted) }
        #expect(ledger.admit("a", events: 1, bytes: 1, at: 1) == .overdraft)
        ledger.release("a", events: 1_000, bytes: 1)
        #expect(ledger.admit("a", events: 1_000, bytes: 1, at: 2) == .admitted)
    }

    @Test func `bytes are bounded as events are`() {
        var ledger = CreditLedger()
        _ = ledger.tell("a", at: 0)
        for _ in 1...8 { #expect(ledger.admit("a", events: 1, bytes: 1 << 20, at: 1) == .admitted) }
        #expect(ledger.admit("a", events: 1, bytes: 1, at: 1) == .overdraft)
    }

    @Test func `a message before any word about credit is welcome`() {
        var ledger = CreditLedger()
        #expect(ledger.admit("a", events: 1_000, bytes: 1 << 20, at: 0) == .admitted)
    }

    @Test func `active partners share, but everybody may have a batch while there is room`() {
        var ledger = CreditLedger()
        let partners = (1...20).map { "p\($0)" }
        for partner in partners { _ = ledger.tell(partner, at: 0) }
        // Counted anew once a second.
        #expect(ledger.tell("p1", at: 1_000) == .init(events: 1_000, bytes: 1 << 20))
        #expect(ledger.admit("p1", events: 1_000, bytes: 1, at: 1_000) == .admitted)
        #expect(ledger.tell("p2", at: 1_000).events == 1_000)
        for partner in ["p2", "p3"] {
            #expect(ledger.admit(partner, events: 1_000, bytes: 1, at: 1_000) == .admitted)
        }
        #expect(ledger.tell("p4", at: 1_000).events == 200, "the pipeline is more than half full")
        // Long silent, the others are no longer counted.
        for partner in ["p1", "p2", "p3"] { ledger.release(partner, events: 1_000, bytes: 1) }
        #expect(ledger.tell("p5", at: 60_000) == Self.whole)
    }

    @Test func `a full pipeline leaves nobody more than they have`() {
        var ledger = CreditLedger()
        _ = ledger.tell("a", at: 0)
        for _ in 1...4 { #expect(ledger.admit("a", events: 1_000, bytes: 1, at: 0) == .admitted) }
        #expect(ledger.tell("b", at: 0).events == 0)
        #expect(ledger.tell("a", at: 2_000).events <= 4_000)
        ledger.release("a", events: 1_000, bytes: 1)
        #expect(ledger.tell("b", at: 2_000).events == 1_000)
    }

    @Test func `what was sent under the former window is welcome for a moment`() {
        var ledger = CreditLedger()
        _ = ledger.tell("a", at: 0)
        ledger.permille = 0
        #expect(ledger.tell("a", at: 10_000) == .shut)
        #expect(ledger.admit("a", events: 1_000, bytes: 1, at: 11_999) == .admitted)
        #expect(ledger.admit("a", events: 1, bytes: 1, at: 12_000) == .overdraft)
    }

    @Test func `windows shrink with what may be given out`() {
        var ledger = CreditLedger()
        ledger.permille = 500
        #expect(ledger.tell("a", at: 0) == .init(events: 2_000, bytes: 4 << 20))
        ledger.permille = 0
        #expect(ledger.tell("a", at: 0) == .shut)
    }

    @Test func `ten overdrafts in a minute suspend a partner for a minute`() {
        var ledger = CreditLedger()
        _ = ledger.tell("a", at: 0)
        for second in 1...9 {
            #expect(
                ledger.admit("a", events: 4_001, bytes: 1, at: Int64(second) * 1_000) == .overdraft)
        }
        #expect(
            ledger.admit("a", events: 4_001, bytes: 1, at: 60_999)
                == .suspended(milliseconds: 60_000))
        #expect(ledger.suspension(of: "a", at: 61_000) == 59_999)
        #expect(
            ledger.admit("a", events: 1, bytes: 1, at: 61_000) == .suspended(milliseconds: 59_999))
        #expect(ledger.tell("a", at: 61_000) == .shut)
        #expect(ledger.admit("b", events: 1, bytes: 1, at: 61_000) == .admitted)
        #expect(ledger.suspension(of: "a", at: 120_999) == 0)
        #expect(ledger.tell("a", at: 120_999).events > 0)
        #expect(ledger.admit("a", events: 1, bytes: 1, at: 121_000) == .admitted)
    }

    @Test func `overdrafts that lie apart suspend nobody`() {
        var ledger = CreditLedger()
        _ = ledger.tell("a", at: 0)
        for number in 0..<100 {
            #expect(
                ledger.admit("a", events: 4_001, bytes: 1, at: Int64(number) * 6_667) == .overdraft)
        }
    }

    @Test(arguments: [
        (Int64(2) << 30, 1_000), (1 << 30, 1_000), (576 << 20, 500), (128 << 20, 0), (0, 0),
    ])
    func `a filling disk shuts the windows by and by`(free: Int64, permille: Int) {
        #expect(PartnerEdge.permille(ofFreeBytes: free) == permille)
    }
}
