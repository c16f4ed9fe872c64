import Streams
import Testing

struct PageQueueTests {
    @Test func `an empty queue has nothing to answer`() {
        var queue = PageQueue<String, Int>()
        #expect(queue.next() == nil)
    }

    @Test func `peers are served in turn, however much one asks`() {
        var queue = PageQueue<String, Int>()
        for partition in 0..<4 { queue.ask(partition, partition: partition, by: "greedy") }
        queue.ask(10, partition: 0, by: "modest")
        queue.ask(20, partition: 0, by: "late")
        var order: [String] = []
        while let (peer, _) = queue.next() {
            order.append(peer)
            queue.done(peer)
        }
        #expect(order == ["greedy", "modest", "late", "greedy", "greedy", "greedy"])
    }

    @Test func `a peer has one page in flight`() {
        var queue = PageQueue<String, Int>()
        queue.ask(1, partition: 0, by: "a")
        queue.ask(2, partition: 1, by: "a")
        #expect(queue.next() == ("a", 1))
        #expect(queue.next() == nil)
        queue.ask(3, partition: 2, by: "a")
        #expect(queue.next() == nil)
        queue.done("a")
        #expect(queue.next() == ("a", 2))
        queue.done("a")
        #expect(queue.next() == ("a", 3))
        queue.done("a")
        #expect(queue.next() == nil)
    }

    @Test func `a later question replaces an earlier one about the same partition`() {
        var queue = PageQueue<String, Int>()
        queue.ask(1, partition: 0, by: "a")
        queue.ask(2, partition: 1, by: "a")
        queue.ask(3, partition: 0, by: "a")
        var answered: [Int] = []
        while let (peer, question) = queue.next() {
            answered.append(question)
            queue.done(peer)
        }
        #expect(answered == [2, 3])
    }

    @Test func `a page that was given up frees its peer`() {
        var queue = PageQueue<String, Int>()
        queue.ask(1, partition: 0, by: "a")
        #expect(queue.next() != nil)
        queue.done("a")
        queue.done("nobody")
        queue.ask(2, partition: 0, by: "a")
        #expect(queue.next() == ("a", 2))
    }

    @Test(arguments: 0..<200)
    func `every question is answered or replaced, one at a time for each peer`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var queue = PageQueue<Int, Int>()
        var open: [Int: [Int: Int]] = [:]
        var inFlight: Set<Int> = []
        var question = 0
        func check(_ next: (Int, Int)?) {
            guard let (peer, answered) = next else {
                #expect(open.allSatisfy { $0.value.isEmpty || inFlight.contains($0.key) })
                return
            }
            #expect(inFlight.insert(peer).inserted)
            let partition = open[peer]?.first { $0.value == answered }?.key
            #expect(partition != nil, "question \(answered) was not open")
            if let partition { open[peer]?[partition] = nil }
        }
        for _ in 0..<300 {
            switch Int.random(in: 0..<3, using: &random) {
            case 0:
                question += 1
                let (peer, partition) = (
                    Int.random(in: 0..<4, using: &random), Int.random(in: 0..<3, using: &random)
                )
                queue.ask(question, partition: partition, by: peer)
                open[peer, default: [:]][partition] = question
            case 1:
                check(queue.next())
            default:
                if let peer = inFlight.randomElement(using: &random) {
                    inFlight.remove(peer)
                    queue.done(peer)
                }
            }
        }
    }
}

private func == (left: (String, Int)?, right: (String, Int)?) -> Bool {
    left?.0 == right?.0 && left?.1 == right?.1
}
