import Crypto
import Model
import Testing

struct ResidentTests {
    /// Computed with Python, for any other language to compare itself with.
    ///
    ///     digest = hashlib.sha256(struct.pack('>q', resident)).digest()
    ///     partition = int.from_bytes(digest[:8], 'big') % count
    @Test(
        arguments: [
            (1, 3, 2), (1, 16, 2), (2, 3, 2), (.max, 3, 2), (4_611_686_018_427_387_904, 7, 2),
            (123_456_789, 5, 0),
        ] as [(Int64, Int, Int)])
    func `a resident's partition is the same in every language`(
        number: Int64, count: Int, partition: Int
    ) throws {
        #expect(try #require(ResidentID(rawValue: number)).partition(of: count) == partition)
    }

    @Test func `every partition gets its share`() throws {
        for count in 1...8 {
            var residents = Array(repeating: 0, count: count)
            for number in 1...8_000 {
                let resident = try #require(ResidentID(rawValue: Int64(number)))
                residents[resident.partition(of: count)] += 1
            }
            let share = 8_000 / count
            #expect(residents.allSatisfy { abs($0 - share) < share / 5 + 1 })
        }
    }

    @Test func `zero and less is nobody`() {
        #expect(ResidentID(rawValue: 0) == nil)
        #expect(ResidentID(rawValue: -1) == nil)
        #expect(ResidentID(rawValue: .min) == nil)
        #expect(ResidentID(rawValue: 1) != nil)
        #expect(ResidentID("12")?.rawValue == 12)
        #expect(ResidentID("0") == nil)
        #expect(ResidentID("x") == nil)
    }

    /// `int.from_bytes(hmac.new(b'k' * 32, key, sha256).digest()[:8], 'big') >> 1`.
    @Test func `an identity follows from the key and the secret alone`() {
        let secret = SymmetricKey(data: Array(repeating: UInt8(ascii: "k"), count: 32))
        let other = SymmetricKey(data: Array(repeating: UInt8(ascii: "l"), count: 32))
        let key = "+86 138 0000 0000"
        #expect(
            ResidentID(registrationKey: key, secret: secret).rawValue == 5_129_299_297_726_388_921)
        #expect(
            ResidentID(registrationKey: key, secret: other)
                != ResidentID(registrationKey: key, secret: secret))
    }
}

struct EvidenceKindTests {
    @Test func `every kind has a number and a code that never change`() {
        let kinds = EvidenceKind.allCases.map { ($0.rawValue, $0.code) }
        #expect(kinds.map(\.0) == Array(1...9))
        #expect(
            kinds.map(\.1) == [
                "operator_order", "telematics", "weighing", "receipt", "payment", "ride_code",
                "map_navigation", "steps", "photo",
            ])
        for kind in EvidenceKind.allCases { #expect(EvidenceKind(code: kind.code) == kind) }
        for code in ["", "Photo", "operatorOrder", "photo ", "hearsay"] {
            #expect(EvidenceKind(code: code) == nil)
        }
    }
}

struct AmountTests {
    @Test(
        arguments: [
            (0, 0), (499, 0), (500, 1), (1_499, 1), (1_500, 2), (-499, 0), (-500, 0), (-501, -1),
            (-1_500, -1), (-1_501, -2),
        ] as [(Int64, Int64)])
    func `grams are rounded half up, for people`(milligrams: Int64, grams: Int64) {
        #expect(Milligrams(milligrams).displayGrams == grams)
    }

    @Test func `division towards the floor agrees with the remainder for every small case`() {
        for dividend in -20...20 {
            for divisor in [-7, -3, -2, -1, 1, 2, 3, 7] {
                let quotient = dividend.floorDivided(by: divisor)
                let remainder = dividend - quotient * divisor
                #expect(divisor > 0 ? (0..<divisor) ~= remainder : (divisor + 1...0) ~= remainder)
            }
        }
    }

    @Test func `amounts add up`() {
        var points = Points(5)
        points += Points(3)
        points -= Points(1)
        #expect(points == Points(7))
        #expect(points - Points(8) < .zero)
        var milligrams = Milligrams(5)
        milligrams += Milligrams(-7)
        #expect(milligrams + Milligrams(2) == .zero)
        #expect(milligrams < .zero)
    }
}
