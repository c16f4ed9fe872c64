import Foundation
import Synchronization
import TestKit
import Testing
import ZeroMQ

@Suite struct PollSetTests {
    @Test func `a signal from any thread ends the wait`() async throws {
        let wakeUp = try WakeUp()
        async let outcome = onThread {
            var poll = PollSet()
            let entry = poll.add(wakeUp)
            let outcome = try poll.wait(milliseconds: nil)
            return outcome == .ready && poll.isReady(entry)
        }
        wakeUp.signal()
        #expect(try await outcome)
    }

    @Test func `many signals are one wake-up, and none is forgotten`() async throws {
        try await onThread {
            let wakeUp = try WakeUp()
            func isSignalled() throws -> Bool {
                var poll = PollSet()
                _ = poll.add(wakeUp)
                return try poll.wait(milliseconds: 0) == .ready
            }
            #expect(try !isSignalled())
            for _ in 1...3 {
                wakeUp.signal()
                wakeUp.signal()
                #expect(try isSignalled())
                wakeUp.drain()
                #expect(try !isSignalled())
            }
            wakeUp.drain()
            wakeUp.signal()
            #expect(try isSignalled())
        }
    }

    @Test func `nothing that was handed over before a signal is missed`() async throws {
        let wakeUp = try WakeUp()
        let handover = Handover()
        let count = 20_000
        let taken = try await onThread {
            // Not a task: the pool may be busy with other tests for as long as they please.
            Thread.detachNewThread {
                for number in 1...count {
                    handover.numbers.withLock { $0.append(number) }
                    wakeUp.signal()
                }
            }
            var taken: [Int] = []
            var poll = PollSet()
            while taken.count < count {
                poll.removeAll()
                _ = poll.add(wakeUp)
                guard try poll.wait(milliseconds: 10_000) == .ready else { throw WaitedInVain() }
                wakeUp.drain()
                taken += handover.numbers.withLock { queue in
                    defer { queue.removeAll() }
                    return queue
                }
            }
            return taken
        }
        #expect(taken == Array(1...count))
    }

    @Test func `a wait for nothing ends when its time has passed`() async throws {
        try await onThread {
            let context = try Context()
            let socket = try Socket(.dealer, in: context, options: .replayClient)
            var poll = PollSet()
            let entry = poll.add(socket)
            let start = ContinuousClock.now
            #expect(try poll.wait(milliseconds: 20) == .timedOut)
            #expect(ContinuousClock.now - start >= .milliseconds(20))
            #expect(!poll.isReady(entry))
        }
    }

    @Test func `each entry is told apart`() async throws {
        try await onThread {
            let context = try Context()
            let service = try Socket(.router, in: context, options: .requestService)
            try service.bind(to: "inproc://told-apart")
            let client = try Socket(.dealer, in: context, options: .requestClient)
            try client.connect(to: "inproc://told-apart")
            let quiet = try Socket(.dealer, in: context, options: .requestClient)
            var pipes: [Int32] = [0, 0]
            try #require(pipe(&pipes) == 0)
            defer { pipes.forEach { close($0) } }
            _ = try client.send([bytes("hello")])

            var poll = PollSet()
            let serviceEntry = poll.add(service, for: .both)
            let clientEntry = poll.add(client, for: .both)
            let quietEntry = poll.add(quiet, for: .both)
            let readEntry = poll.add(fileDescriptor: pipes[0])
            let writeEntry = poll.add(fileDescriptor: pipes[1], for: .writing)
            #expect(try poll.wait(milliseconds: 10_000) == .ready)
            #expect(poll.isReadable(serviceEntry))
            #expect(poll.isWritable(clientEntry) && !poll.isReadable(clientEntry))
            #expect(!poll.isReady(quietEntry))
            #expect(!poll.isReady(readEntry))
            #expect(poll.isWritable(writeEntry))

            close(pipes[1])
            pipes.removeLast()
            poll.removeAll()
            let brokenEntry = poll.add(fileDescriptor: pipes[0])
            #expect(try poll.wait(milliseconds: 10_000) == .ready)
            #expect(poll.isReady(brokenEntry))
        }
    }

    @Test func `more entries than fit on the stack are waited for alike`() async throws {
        try await onThread {
            let context = try Context()
            let wakeUps = try (0..<40).map { _ in try WakeUp() }
            let socket = try Socket(.dealer, in: context, options: .replayClient)
            var poll = PollSet()
            _ = poll.add(socket)
            let entries = wakeUps.map { poll.add($0) }
            wakeUps[39].signal()
            #expect(try poll.wait(milliseconds: 10_000) == .ready)
            #expect(entries.map { poll.isReady($0) } == (0..<40).map { $0 == 39 })
        }
    }

    @Test func `shutting the context down ends every wait on its sockets`() async throws {
        let context = try Context()
        let (ready, isReady) = AsyncStream.makeStream(of: Void.self)
        async let outcome = onThread {
            let socket = try Socket(.dealer, in: context, options: .replayClient)
            isReady.finish()
            var poll = PollSet()
            _ = poll.add(socket)
            let outcome = try poll.wait(milliseconds: nil)
            #expect { try socket.receive() } throws: { ($0 as? ZeroMQError)?.isTermination == true }
            return outcome
        }
        for await _ in ready {}
        context.shutdown()
        #expect(try await outcome == .terminated)
    }

    @Test func `a signal of the system does not end a wait`() async throws {
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { _ in
            signalsTaken.add(1, ordering: .relaxed)
        }
        try #require(sigaction(SIGUSR2, &action, nil) == 0)

        let wakeUp = try WakeUp()
        let (threads, thread) = AsyncStream.makeStream(of: pthread_t.self)
        async let outcome = onThread {
            let context = try Context()
            let socket = try Socket(.dealer, in: context, options: .replayClient)
            // Threads made by Swift's pool inherit its deafness to signals.
            var signals = sigset_t()
            sigemptyset(&signals)
            sigaddset(&signals, SIGUSR2)
            pthread_sigmask(SIG_UNBLOCK, &signals, nil)
            thread.yield(pthread_self())
            thread.finish()
            var poll = PollSet()
            _ = poll.add(socket)
            let entry = poll.add(wakeUp)
            return try poll.wait(milliseconds: nil) == .ready && poll.isReady(entry)
        }
        for await thread in threads {
            try await onThread {
                for count in 1...20 {
                    pthread_kill(thread, SIGUSR2)
                    try eventually {
                        sched_yield()
                        return signalsTaken.load(ordering: .relaxed) >= count ? () : nil
                    }
                }
            }
        }
        wakeUp.signal()
        #expect(try await outcome)
    }
}

/// What one thread hands to another.
private final class Handover: Sendable {
    let numbers = Mutex<[Int]>([])
}

private let signalsTaken = Atomic(0)
