import Rewards
import Streams
import Testing

/// Voucher codes: the same in every run, and hardly ever misread.
@Suite struct VoucherCodeTests {
    private let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ")

    private func code(_ number: UInt8) throws -> VoucherCode {
        let order = try #require(OrderID(bytes: Array(repeating: number, count: 16)))
        return RewardsCity.voucherKey.code(of: order)
    }

    @Test func `an order has one code, and another key or order another`() throws {
        let order = try #require(OrderID(bytes: Array(repeating: 1, count: 16)))
        let other = try #require(VoucherKey(Array(repeating: 9, count: 32)))
        #expect(try code(1) == code(1))
        #expect(try code(1) != code(2))
        #expect(try code(1) != other.code(of: order))
        #expect(
            try code(1).description.map { $0 == "-" ? "-" : "X" }.joined()
                == "XXXX-XXXX-XXXX-XXXX-X")
        #expect(VoucherKey([1, 2, 3]) == nil)
    }

    @Test func `every wrong symbol and every exchange of two is found`() throws {
        for number in 0..<UInt8(20) {
            let symbols = Array(try code(number).description).filter { $0 != "-" }
            for index in symbols.indices {
                for symbol in alphabet where symbol != symbols[index] {
                    var wrong = symbols
                    wrong[index] = symbol
                    #expect(VoucherCode(String(wrong)) == nil)
                }
                for other in symbols.indices where symbols[other] != symbols[index] {
                    var wrong = symbols
                    wrong.swapAt(index, other)
                    #expect(VoucherCode(String(wrong)) == nil)
                }
            }
        }
    }

    @Test func `a code is read as people type it`() throws {
        // A code with a zero and a one in it.
        let code = try #require(
            (0..<UInt8.max).lazy.compactMap { try? self.code($0) }
                .first { $0.description.contains("0") && $0.description.contains("1") })
        let text = code.description
        #expect(VoucherCode(text) == code)
        #expect(VoucherCode(text.lowercased()) == code)
        #expect(VoucherCode(text.filter { $0 != "-" }) == code)
        #expect(
            VoucherCode(String(text.map { $0 == "0" ? "o" : $0 == "1" ? "l" : $0 })) == code)
        #expect(VoucherCode("") == nil)
        #expect(VoucherCode(text + "0") == nil)
        #expect(VoucherCode("U" + text.dropFirst()) == nil)
    }

    @Test func `an order's identity is read as it is written`() throws {
        let order = try #require(OrderID(bytes: (0..<16).map { $0 * 15 }))
        #expect(OrderID(order.description) == order)
        #expect(OrderID(order.description.uppercased()) == order)
        #expect(OrderID(String(order.description.dropLast())) == nil)
        #expect(OrderID("g" + order.description.dropFirst()) == nil)
        #expect(OrderID(bytes: []) == nil)
    }
}
