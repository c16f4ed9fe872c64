import CZeroMQ

/// What one turn of an event loop waits for: sockets, wake-ups and plain file descriptors.
///
/// A set lives for one turn: fill it, wait, ask what is ready, `removeAll`. It remembers sockets by
/// address, so refilling is what keeps a socket that was closed or made anew from being asked.
/// Up to 16 entries cost libzmq no allocation, and refilling them costs nothing beside the system
/// call.
///
///     var poll = PollSet()
///     while true {
///         poll.removeAll()
///         let feed = poll.add(feedSocket)
///         let wake = poll.add(wakeUp)
///         guard try poll.wait(milliseconds: 500) != .terminated else { return }
///         if poll.isReady(wake) { wakeUp.drain() }
///         if poll.isReady(feed) { … }
///     }
package struct PollSet {
    package enum Interest: Sendable {
        case reading
        case writing
        case both
    }

    /// An entry's place in the set, until the next `removeAll`.
    package struct Entry: Sendable, Equatable {
        let index: Int
    }

    package enum Outcome: Sendable, Equatable {
        /// At least one entry is ready.
        case ready
        /// The time passed.
        case timedOut
        /// The context was shut down: close the sockets and leave.
        case terminated
    }

    private var items: [zmq_pollitem_t] = []
    /// Kept for the turn: a descriptor that closed early could be somebody else's by now.
    private var wakeUps: [WakeUp] = []

    package init() {
        items.reserveCapacity(16)
    }

    /// Begins the next turn.
    package mutating func removeAll() {
        items.removeAll(keepingCapacity: true)
        wakeUps.removeAll(keepingCapacity: true)
    }

    package mutating func add(
        _ socket: borrowing Socket, for interest: Interest = .reading
    ) -> Entry {
        add(zmq_pollitem_t(socket: socket.handle, fd: 0, events: interest.events, revents: 0))
    }

    package mutating func add(_ wakeUp: WakeUp) -> Entry {
        wakeUps.append(wakeUp)
        return add(fileDescriptor: wakeUp.fileDescriptor)
    }

    package mutating func add(
        fileDescriptor: Int32, for interest: Interest = .reading
    ) -> Entry {
        add(zmq_pollitem_t(socket: nil, fd: fileDescriptor, events: interest.events, revents: 0))
    }

    private mutating func add(_ item: zmq_pollitem_t) -> Entry {
        items.append(item)
        return Entry(index: items.count - 1)
    }

    /// Blocks this thread until an entry is ready; nil waits for as long as it takes.
    ///
    /// The sockets must still be open. A signal does not end the wait, and does not prolong it.
    package mutating func wait(milliseconds: Int?) throws(ZeroMQError) -> Outcome {
        precondition(milliseconds ?? 0 >= 0, "time does not run backwards")
        let start = ContinuousClock.now
        var left = milliseconds ?? -1
        while true {
            let count = zmq_poll(&items, Int32(items.count), left)
            if count > 0 { return .ready }
            if count == 0 { return .timedOut }
            let error = ZeroMQError(during: .poll)
            if error.isTermination { return .terminated }
            guard error.code == EINTR else { throw error }
            if let milliseconds {
                let passed = (ContinuousClock.now - start) / .milliseconds(1)
                left = max(0, milliseconds - Int(passed))
            }
        }
    }

    /// Whether the last wait found something to do for `entry`.
    ///
    /// A file descriptor whose other end broke is ready too: reading it will tell.
    package func isReady(_ entry: Entry) -> Bool {
        items[entry.index].revents != 0
    }

    /// Whether the last wait found that `entry` can be read.
    package func isReadable(_ entry: Entry) -> Bool {
        items[entry.index].revents & Interest.reading.events != 0
    }

    /// Whether the last wait found that `entry` can be written.
    package func isWritable(_ entry: Entry) -> Bool {
        items[entry.index].revents & Interest.writing.events != 0
    }
}

extension PollSet.Interest {
    fileprivate var events: Int16 {
        switch self {
        case .reading: Int16(ZMQ_POLLIN)
        case .writing: Int16(ZMQ_POLLOUT)
        case .both: Int16(ZMQ_POLLIN | ZMQ_POLLOUT)
        }
    }
}
