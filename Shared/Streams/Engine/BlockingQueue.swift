package import Foundation

/// A bounded queue between threads: many put in, one takes everything that is there.
///
/// Taking everything is what makes group commit adapt by itself: alone an element waits for
/// nobody, under load thousands share a transaction.
package final class BlockingQueue<Element: Sendable>: @unchecked Sendable {
    // Unchecked: every stored variable is touched with `condition` locked, and only then.
    private let condition = NSCondition()
    private var elements: [(element: Element, weight: Int)] = []
    private var head = 0
    private var weight = 0
    private var closed = false
    /// Whether something waits that a rest is not worth.
    private var isPressing = false
    /// While the taker rests: how much has to wait before it is disturbed.
    private var weightEnough = 0

    package init() {}

    /// Adds an element, unless the queue holds `weightMax` or more already.
    ///
    /// False if it was full or is closed.
    /// - Parameter isPressing: whether the element ends the taker's rest.
    @discardableResult
    package func put(
        _ element: Element, weight: Int, weightMax: Int = .max, isPressing: Bool = false
    ) -> Bool {
        condition.lock()
        defer { condition.unlock() }
        guard !closed, self.weight < weightMax else { return false }
        elements.append((element, weight))
        self.weight += weight
        if isPressing { self.isPressing = true }
        if self.isPressing || self.weight >= weightEnough { condition.signal() }
        return true
    }

    /// Waits for something to do and takes it: elements in order, up to `weightMax`, at least one.
    ///
    /// nil once the queue is closed and empty.
    /// - Parameter rest: how long it leaves what is not pressing, so that more can come together.
    package func take(weightMax: Int, after rest: Rest? = nil) -> [Element]? {
        condition.lock()
        defer { condition.unlock() }
        if let rest { wait(for: rest) }
        while head == elements.count {
            if closed { return nil }
            condition.wait()
        }
        var taken: [Element] = []
        var takenWeight = 0
        while head < elements.count {
            let next = elements[head]
            if !taken.isEmpty, takenWeight + next.weight > weightMax { break }
            taken.append(next.element)
            takenWeight += next.weight
            head += 1
        }
        weight -= takenWeight
        isPressing = isPressing && head < elements.count
        if head == elements.count {
            elements.removeAll(keepingCapacity: true)
            head = 0
        } else if head > 1_024 {
            elements.removeFirst(head)
            head = 0
        }
        return taken
    }

    /// How long a taker leaves alone what nobody waits for.
    package struct Rest {
        package var until: Date
        /// It ends earlier when this much waits.
        package var weightEnough: Int

        package init(until: Date, weightEnough: Int) {
            self.until = until
            self.weightEnough = weightEnough
        }
    }

    private func wait(for rest: Rest) {
        weightEnough = rest.weightEnough
        while !closed, !isPressing, weight < weightEnough, condition.wait(until: rest.until) {}
        weightEnough = 0
    }

    /// How much waits.
    package var weightWaiting: Int {
        condition.lock()
        defer { condition.unlock() }
        return weight
    }

    package var isClosed: Bool {
        condition.lock()
        defer { condition.unlock() }
        return closed
    }

    /// Refuses everything from now on; what is in it can still be taken.
    package func close() {
        condition.lock()
        closed = true
        condition.broadcast()
        condition.unlock()
    }

    /// Waits on the caller's thread for `seconds`, or until the queue is closed.
    package func pause(seconds: Double) {
        condition.lock()
        defer { condition.unlock() }
        let end = Date(timeIntervalSinceNow: seconds)
        while !closed, condition.wait(until: end) {}
    }
}
