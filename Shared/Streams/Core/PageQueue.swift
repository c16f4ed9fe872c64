/// Which subscriber's page is read next: round robin over peers, one page in flight for each.
///
/// A subscriber that asks faster than it is served replaces its own question and delays nobody.
package struct PageQueue<Peer: Hashable, Question> {
    private var waiting: [Peer: [(partition: Int, question: Question)]] = [:]
    private var order: [Peer] = []
    private var inFlight: Set<Peer> = []

    package init() {}

    /// Takes a question, in place of an earlier one of the same peer for the same partition.
    package mutating func ask(_ question: Question, partition: Int, by peer: Peer) {
        if waiting[peer] == nil {
            waiting[peer] = []
            order.append(peer)
        }
        waiting[peer]?.removeAll { $0.partition == partition }
        waiting[peer]?.append((partition, question))
    }

    /// The next question to answer, whose peer then has its page in flight; nil if there is none.
    package mutating func next() -> (Peer, Question)? {
        guard let index = order.firstIndex(where: { !inFlight.contains($0) }) else { return nil }
        let peer = order.remove(at: index)
        guard var questions = waiting.removeValue(forKey: peer), !questions.isEmpty else {
            return nil
        }
        let question = questions.removeFirst().question
        if !questions.isEmpty {
            waiting[peer] = questions
            order.append(peer)
        }
        inFlight.insert(peer)
        return (peer, question)
    }

    /// The peer's page was sent, or given up.
    package mutating func done(_ peer: Peer) { inFlight.remove(peer) }
}
