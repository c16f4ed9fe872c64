import Foundation
import Streams
import TestKit
import Testing

struct BlockingQueueTests {
    private let endless = Date.distantFuture

    @Test func `all that waits is taken, in order and up to a weight, but at least one`() {
        let queue = BlockingQueue<Int>()
        for element in 1...4 { queue.put(element, weight: 10) }
        #expect(queue.take(weightMax: 25) == [1, 2])
        #expect(queue.take(weightMax: 5) == [3])
        #expect(queue.weightWaiting == 10)
        #expect(queue.take(weightMax: 25) == [4])
    }

    @Test func `a full queue and a closed one take nothing in`() {
        let queue = BlockingQueue<Int>()
        #expect(queue.put(1, weight: 10, weightMax: 10))
        #expect(!queue.put(2, weight: 1, weightMax: 10))
        queue.close()
        #expect(!queue.put(3, weight: 1))
        #expect(queue.take(weightMax: 1) == [1])
        #expect(queue.take(weightMax: 1) == nil)
    }

    @Test func `a rest lets more come together, until there is enough`() async throws {
        let queue = BlockingQueue<Int>()
        queue.put(1, weight: 1)
        let taken = onTakerThread(queue, enough: 3)
        queue.put(2, weight: 1)
        queue.put(3, weight: 1)
        #expect(try await taken.value == [1, 2, 3])
    }

    @Test func `what presses ends a rest, and so does the end`() async throws {
        let queue = BlockingQueue<Int>()
        queue.put(1, weight: 1)
        let pressed = onTakerThread(queue, enough: 1_000)
        queue.put(2, weight: 1, isPressing: true)
        #expect(try await pressed.value == [1, 2])

        queue.put(3, weight: 1)
        let closed = onTakerThread(queue, enough: 1_000)
        queue.close()
        #expect(try await closed.value == [3])
    }

    @Test func `a rest that is over leaves nothing waiting`() {
        let queue = BlockingQueue<Int>()
        queue.put(1, weight: 1)
        #expect(
            queue.take(weightMax: 10, after: .init(until: .distantPast, weightEnough: 5)) == [1])
    }

    private func onTakerThread(_ queue: BlockingQueue<Int>, enough: Int) -> Task<[Int]?, any Error>
    {
        Task {
            try await onThread {
                queue.take(weightMax: 1_000, after: .init(until: endless, weightEnough: enough))
            }
        }
    }
}
