/// Events on their way to the edge: the body of one `PUBLISH`, as a JSON array of their own bytes.
///
/// Events are copied once, into the body that is sent; what is sent again is the same body.
struct Batch: Equatable {
    /// Place of the first event among all of its partner's, from 0.
    private(set) var first: UInt64
    /// The array without its closing bracket, or a body that is sent as it is.
    private var text: [UInt8]
    /// Where each event ends in `text`.
    private var ends: [Int]
    /// Whether this is one body to be sent whole, whatever it may be.
    let isRaw: Bool

    /// An empty batch whose first event will be the partner's `first`.
    init(first: UInt64) {
        self.first = first
        text = [Self.opening]
        ends = []
        isRaw = false
    }

    init(raw bytes: [UInt8], first: UInt64) {
        self.first = first
        text = bytes
        ends = [bytes.count]
        isRaw = true
    }

    private static let opening = UInt8(ascii: "[")
    private static let comma = UInt8(ascii: ",")
    private static let closing = UInt8(ascii: "]")

    var count: Int { ends.count }
    var isEmpty: Bool { ends.isEmpty }
    /// Bytes of the whole body.
    var byteCount: Int { isRaw ? text.count : text.count + 1 }
    var body: [UInt8] { isRaw ? text : text + [Self.closing] }

    mutating func append(_ event: [UInt8]) {
        precondition(!isRaw, "a raw body is whole already")
        if ends.isEmpty { text.reserveCapacity(min(event.count * 1_100, 1 << 20)) }
        if !ends.isEmpty { text.append(Self.comma) }
        text.append(contentsOf: event)
        ends.append(text.count)
    }

    /// How many events from the front fit a message of `bytesMax`, at most `eventsMax`.
    func prefix(eventsMax: Int, bytesMax: Int) -> Int {
        if isRaw { return eventsMax > 0 && text.count <= bytesMax ? 1 : 0 }
        if count <= eventsMax, byteCount <= bytesMax { return count }
        var fitting = 0
        while fitting < min(count, eventsMax), ends[fitting] + 1 <= bytesMax { fitting += 1 }
        return fitting
    }

    /// Takes the first `count` events away, as a batch of their own.
    mutating func removePrefix(_ count: Int) -> Batch {
        precondition((1..<self.count).contains(count), "something must go, and something stay")
        let cut = ends[count - 1]
        var front = self
        front.text.removeLast(text.count - cut)
        front.ends.removeLast(self.count - count)

        first += UInt64(count)
        // What was the comma between the two becomes the bracket that opens the second.
        text.removeFirst(cut)
        text[0] = Self.opening
        ends = ends.dropFirst(count).map { $0 - cut }
        return front
    }
}
