import Messages
import SwiftProtobuf
import Testing
import Wire

@Suite struct TextTableTests {
    /// Reads `text` out of an event, which is where slices come from.
    private func number(of text: String, in table: TextTable) throws -> Int? {
        var event = PointsEvent()
        event.scored.behaviour = text
        let bytes: [UInt8] = try event.serializedBytes()
        return try bytes.withUnsafeBytes {
            guard case .scored(let award) = try PointsInput(reading: EventBytes($0)).payload else {
                return nil
            }
            return table.number(of: award.behaviour)
        }
    }

    @Test func `a text is found under the number it was given, and no other is`() throws {
        var table = TextTable()
        let texts = [""] + (0..<2_000).map { "behaviour_\($0)" }
        for (number, text) in texts.enumerated() {
            #expect(try self.number(of: text, in: table) == nil)
            table.add(text, number: number)
        }
        for (number, text) in texts.enumerated() {
            #expect(try self.number(of: text, in: table) == number)
        }
        #expect(try number(of: "behaviour", in: table) == nil)
        #expect(try number(of: "behaviour_2000", in: table) == nil)
    }
}
