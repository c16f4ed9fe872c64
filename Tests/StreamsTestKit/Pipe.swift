/// One direction of one socket: what arrives, arrives in order, and everything else can happen.
package struct Pipe<Message> {
    private var messages: [(arrival: Int64, message: Message)] = []
    private var lastArrival: Int64 = 0
    /// Nothing goes in any more, and nobody is told.
    package var isDead = false

    package init() {}

    package mutating func put(_ message: Message, arrival: Int64) {
        guard !isDead else { return }
        lastArrival = max(lastArrival, arrival)
        messages.append((lastArrival, message))
    }

    package mutating func take(at now: Int64) -> Message? {
        guard let first = messages.first, first.arrival <= now else { return nil }
        return messages.removeFirst().message
    }

    /// A new socket: what stood in the old one is lost.
    package mutating func renew() { self = Pipe() }

    /// What is on its way is lost; the socket stays.
    package mutating func lose() { messages = [] }
}
