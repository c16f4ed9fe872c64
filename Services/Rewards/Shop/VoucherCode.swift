import Crypto

/// What a resident shows and a merchant types: `7KQ2-M0XD-5T9A-HJ3V-R`.
///
/// Sixteen symbols carry the first ten bytes of HMAC-SHA256(voucher key, order id), five bits each,
/// first bit first; a seventeenth checks them. The alphabet is Crockford's base 32, without the
/// letters I, L, O and U.
///
/// The check symbol is a Reed–Solomon parity over GF(32), the field of x⁵ + x² + 1 with generator
/// α = 2: the seventeen symbols s₀…s₁₆ satisfy Σ αⁱ·sᵢ = 0. No weight is zero and no two are the
/// same, so every single wrong symbol and every exchange of two symbols, neighbours or not, is
/// found. (ISO 7064's hybrid systems miss some exchanges and need 36 symbols.)
package struct VoucherCode: Hashable, Sendable {
    /// Seventeen values of five bits that satisfy the check.
    private let symbols: [UInt8]

    private static let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)
    private static let payloadBytes = 10
    private static let payloadSymbols = 16
    private static let groupSymbols = 4

    init(payload: [UInt8]) {
        precondition(payload.count == Self.payloadBytes, "ten bytes make sixteen symbols")
        var symbols: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for byte in payload {
            bits = bits << 8 | UInt32(byte)
            count += 8
            while count >= 5 {
                count -= 5
                symbols.append(UInt8(bits >> UInt32(count) & 31))
            }
        }
        // Σ αⁱ·sᵢ = 0 for the last one: s₁₆ = α⁻¹⁶ · Σ, and α³¹ = 1.
        let check = Field.times(
            Field.power(31 - Self.payloadSymbols), Self.weightedSum(of: symbols))
        self.symbols = symbols + [check]
    }

    /// Reads a code as people type it: any case, any grouping, and O, I or L for the digit meant.
    ///
    /// nil if it is not one: then it was misread, and no order need be looked up.
    package init?(_ text: String) {
        var symbols: [UInt8] = []
        for character in text.uppercased().utf8 {
            switch character {
            case UInt8(ascii: "-"), UInt8(ascii: " "): continue
            case UInt8(ascii: "O"): symbols.append(0)
            case UInt8(ascii: "I"), UInt8(ascii: "L"): symbols.append(1)
            default:
                guard let value = Self.alphabet.firstIndex(of: character) else { return nil }
                symbols.append(UInt8(value))
            }
        }
        guard symbols.count == Self.payloadSymbols + 1, Self.weightedSum(of: symbols) == 0 else {
            return nil
        }
        self.symbols = symbols
    }

    private static func weightedSum(of symbols: [UInt8]) -> UInt8 {
        var sum: UInt8 = 0
        for (index, symbol) in symbols.enumerated() {
            sum ^= Field.times(Field.power(index), symbol)
        }
        return sum
    }
}

extension VoucherCode: CustomStringConvertible {
    package var description: String {
        var text: [UInt8] = []
        for (index, symbol) in symbols.enumerated() {
            if index > 0, index % Self.groupSymbols == 0 { text.append(UInt8(ascii: "-")) }
            text.append(Self.alphabet[Int(symbol)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}

/// Makes the codes of vouchers; whoever knows it can forge them, so it lives in `keys/` alone.
package struct VoucherKey: Sendable {
    private let key: SymmetricKey

    package static let byteCount = 32

    /// nil unless there are 32 bytes.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count == Self.byteCount else { return nil }
        key = SymmetricKey(data: bytes)
    }

    package func code(of order: OrderID) -> VoucherCode {
        let digest = HMAC<SHA256>.authenticationCode(for: order.bytes, using: key)
        return VoucherCode(payload: Array(digest.prefix(10)))
    }
}

/// The field of 32 elements, as polynomials over GF(2) modulo x⁵ + x² + 1.
private enum Field {
    static func times(_ left: UInt8, _ right: UInt8) -> UInt8 {
        var product: UInt8 = 0
        var shifted = left
        for bit in 0..<5 {
            if right >> UInt8(bit) & 1 == 1 { product ^= shifted }
            shifted <<= 1
            if shifted & 0b100000 != 0 { shifted ^= 0b100101 }
        }
        return product
    }

    /// α to the power of `exponent`.
    static func power(_ exponent: Int) -> UInt8 {
        var value: UInt8 = 1
        for _ in 0..<exponent { value = times(value, 2) }
        return value
    }
}
