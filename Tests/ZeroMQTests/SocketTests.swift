import CZeroMQ
import Foundation
import TestKit
import Testing
import ZeroMQ

@Suite struct SocketTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    @Test func `a subscriber gets what it asked for, in order, and nothing else`() async throws {
        let endpoint = folder.endpoint("feed")
        let heard = try await onThread {
            let context = try Context()
            let publisher = try Socket(.pub, in: context, options: .liveFeed)
            try publisher.bind(to: endpoint)
            let subscriber = try Socket(.sub, in: context, options: .liveFeedClient)
            try subscriber.connect(to: endpoint)
            try subscriber.subscribe(to: "Bpoints/")
            try greet(subscriber, by: publisher, topic: "Bpoints/")

            for number in 1...5 {
                #expect(try publisher.send([bytes("Bpoint/"), bytes("near")]) == .sent)
                #expect(try publisher.send([bytes("Bpoints/00"), bytes("\(number)")]) == .sent)
            }
            return try (1...5).map { _ in texts(try subscriber.next()) }
        }
        #expect(heard == (1...5).map { ["Bpoints/00", "\($0)"] })
    }

    @Test func `who unsubscribes hears no more of it`() async throws {
        let endpoint = folder.endpoint("feed")
        let heard = try await onThread {
            let context = try Context()
            let publisher = try Socket(.pub, in: context, options: .liveFeed)
            try publisher.bind(to: endpoint)
            let subscriber = try Socket(.sub, in: context, options: .liveFeedClient)
            try subscriber.connect(to: endpoint)
            try subscriber.subscribe(to: "A")
            try subscriber.subscribe(to: "B")
            try greet(subscriber, by: publisher, topic: "B")
            try subscriber.unsubscribe(from: "A")
            // A subscriber filters what it gets, too: from here on it lets no "A" through.
            _ = try publisher.send([bytes("A"), bytes("no")])
            _ = try publisher.send([bytes("B"), bytes("yes")])
            return texts(try subscriber.next())
        }
        #expect(heard == ["B", "yes"])
    }

    @Test(arguments: ["inproc", "ipc"])
    func `a request and its reply keep all their frames`(transport: String) async throws {
        let endpoint = transport == "ipc" ? folder.endpoint("request") : "inproc://request"
        try await onThread {
            let context = try Context()
            let service = try Socket(.router, in: context, options: .requestService)
            try service.bind(to: endpoint)
            let client = try Socket(.dealer, in: context, options: .requestClient)
            try client.connect(to: endpoint)

            let body = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            #expect(try client.send([bytes("header"), [], body]) == .sent)
            let request = try service.next()
            #expect(request.frames.count == 4)
            #expect(Array(request.frames.dropFirst()) == [bytes("header"), [], body])
            #expect(request.userID == nil)
            #expect(!request.isOversize)

            #expect(try service.send([request.frames[0], bytes("ok"), body]) == .sent)
            #expect(try client.next().frames == [bytes("ok"), body])
            #expect(try client.receive() == nil)
        }
    }

    @Test func `memory can be sent without an array of its own`() async throws {
        try await onThread {
            let context = try Context()
            let service = try Socket(.router, in: context, options: .requestService)
            try service.bind(to: "inproc://memory")
            let client = try Socket(.dealer, in: context, options: .requestClient)
            try client.connect(to: "inproc://memory")

            let outcome = try bytes("head and body").withUnsafeBytes { all in
                try client.send([
                    UnsafeRawBufferPointer(rebasing: all[..<4]),
                    UnsafeRawBufferPointer(rebasing: all[4...]),
                ])
            }
            #expect(outcome == .sent)
            #expect(texts(try service.next()).dropFirst() == ["head", " and body"])
        }
    }

    @Test func `a full queue would block, and loses nothing it took`() async throws {
        let endpoint = folder.endpoint("late")
        try await onThread {
            let context = try Context()
            let client = try Socket(.dealer, in: context, options: .replayClient)
            try client.connect(to: endpoint)
            for number in 1...8 {
                #expect(try client.send([bytes("\(number)"), bytes("body")]) == .sent)
            }
            #expect(try client.send([bytes("9"), bytes("body")]) == .wouldBlock)

            let service = try Socket(.router, in: context, options: .replayService)
            try service.bind(to: endpoint)
            for number in 1...8 {
                #expect(texts(try service.next()).dropFirst() == ["\(number)", "body"])
            }
        }
    }

    @Test func `a peer that does not read makes its router block, and no one else's`() async throws
    {
        try await onThread {
            let context = try Context()
            let service = try Socket(.router, in: context, options: .replayService)
            try service.bind(to: "inproc://pages")
            let slow = try Socket(.dealer, in: context, options: .replayClient)
            try slow.connect(to: "inproc://pages")
            let quick = try Socket(.dealer, in: context, options: .replayClient)
            try quick.connect(to: "inproc://pages")
            _ = try slow.send([bytes("slow")])
            let slowID = try service.next().frames[0]
            _ = try quick.send([bytes("quick")])
            let quickID = try service.next().frames[0]

            // Within a process the two queues are one: 16 of the sender's and 16 of the reader's.
            for _ in 1...32 { #expect(try service.send([slowID, bytes("page")]) == .sent) }
            #expect(try service.send([slowID, bytes("page")]) == .wouldBlock)
            #expect(try service.send([quickID, bytes("page")]) == .sent)
            #expect(texts(try quick.next()) == ["page"])
        }
    }

    @Test func `a peer that never was, and one that left, cannot be reached`() async throws {
        let endpoint = folder.endpoint("request")
        try await onThread {
            let context = try Context()
            let service = try Socket(.router, in: context, options: .requestService)
            try service.bind(to: endpoint)
            #expect(try service.send([bytes("nobody"), bytes("reply")]) == .unreachable)

            let id = try {
                let client = try Socket(.dealer, in: context, options: .requestClient)
                try client.connect(to: endpoint)
                _ = try client.send([bytes("goodbye")])
                return try service.next().frames[0]
            }()
            // Until its leaving is noticed, by who reads, its queue takes what it can.
            try eventually {
                #expect(try service.receive() == nil)
                return try service.send([id, bytes("reply")]) == .unreachable ? () : nil
            }
        }
    }

    @Test func `a message of too many frames or bytes is cut, and its sender can be told`()
        async throws
    {
        try await onThread {
            let context = try Context()
            var options = Options.requestService
            options.multipartFramesMax = 4
            options.multipartBytesMax = 100
            let service = try Socket(.router, in: context, options: options)
            try service.bind(to: "inproc://bounded")
            let client = try Socket(.dealer, in: context, options: .requestClient)
            try client.connect(to: "inproc://bounded")

            let tooMany = [[UInt8]](repeating: [1], count: 4)
            let tooLarge = [[UInt8](repeating: 1, count: 96)]
            for message in [tooMany, tooLarge] {
                _ = try client.send(message)
                let received = try service.next()
                #expect(received.isOversize)
                #expect(received.frames.count == 1)
                #expect(try service.send([received.frames[0], bytes("too large")]) == .sent)
                #expect(texts(try client.next()) == ["too large"])
            }

            // 5 bytes of routing id, and exactly what is left.
            _ = try client.send([[], [], [UInt8](repeating: 1, count: 95)])
            let received = try service.next()
            #expect(!received.isOversize)
            #expect(received.frames.map(\.count) == [5, 0, 0, 95])
            #expect(try service.receive() == nil)
        }
    }

    @Test func `of an oversize message a dealer keeps nothing`() async throws {
        try await onThread {
            let context = try Context()
            var options = Options.requestClient
            options.multipartBytesMax = 3
            let client = try Socket(.dealer, in: context, options: options)
            try client.bind(to: "inproc://bounded")
            let other = try Socket(.dealer, in: context, options: .requestClient)
            try other.connect(to: "inproc://bounded")
            _ = try other.send([bytes("12"), bytes("34")])
            _ = try other.send([bytes("12"), bytes("3")])
            let oversize = try client.next()
            #expect(oversize.isOversize)
            #expect(oversize.frames == [])
            #expect(texts(try client.next()) == ["12", "3"])
        }
    }

    @Test func `a frame above the limit costs its sender the connection, not the service`()
        async throws
    {
        let endpoint = folder.endpoint("replay")
        try await onThread {
            let context = try Context()
            let service = try Socket(.router, in: context, options: .replayService)
            try service.bind(to: endpoint)
            let client = try Socket(.dealer, in: context, options: .replayClient)
            try client.connect(to: endpoint)
            _ = try client.send([[UInt8](repeating: 0, count: 4_097)])
            // What was queued behind it went down with the connection; a later one gets through.
            let request = try eventually {
                _ = try client.send([bytes("small")])
                return try service.staysQuiet(milliseconds: 50) ? nil : try service.receive()
            }
            #expect(texts(request).last == "small")
        }
    }

    @Test func `a socket keeps its context until it is closed`() async throws {
        try await onThread {
            let socket = try Socket(.dealer, in: try Context(), options: .requestClient)
            try socket.bind(to: "inproc://kept")
            #expect(try socket.lastEndpoint == "inproc://kept")
        }
    }

    @Test func `a socket that was never bound has no endpoint`() async throws {
        try await onThread {
            let socket = try Socket(.dealer, in: try Context(), options: .requestClient)
            #expect(try socket.lastEndpoint == "")
        }
    }

    @Test func `sockets made anew a thousand times leave no descriptor behind`() async {
        // In a process of its own, where no other test opens anything.
        await #expect(processExitsWith: .success) {
            func openDescriptors() throws -> Int {
                try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
            }
            func round() throws {
                // The reaper may lag: for a moment all of them may be closing.
                let context = try Context(socketsMax: 1_100)
                for _ in 1...1_000 {
                    let socket = try Socket(.dealer, in: context, options: .replayClient)
                    try socket.connect(to: "ipc:///tmp/zq-nobody-listens")
                }
            }
            try round()
            let before = try openDescriptors()
            try round()
            try #require(try openDescriptors() == before)
        }
    }

    @Test func `a long topic is a programming error`() async {
        await #expect(processExitsWith: .failure) {
            let socket = try Socket(.sub, in: try Context(), options: .liveFeedClient)
            try socket.subscribe(to: String(repeating: "x", count: 65))
        }
    }

    @Test func `an empty message is a programming error`() async {
        await #expect(processExitsWith: .failure) {
            let socket = try Socket(.dealer, in: try Context(), options: .replayClient)
            _ = try socket.send([[UInt8]]())
        }
    }
}

/// Publishes until the subscriber hears it, which is when its subscription has arrived, and then
/// takes what came of that.
private func greet(
    _ subscriber: borrowing Socket, by publisher: borrowing Socket, topic: String
) throws {
    var poll = PollSet()
    var greetings = 0
    repeat {
        _ = try publisher.send([bytes(topic), bytes("hello")])
        greetings += 1
        poll.removeAll()
        _ = poll.add(subscriber)
        if greetings > 1_000 { throw WaitedInVain() }
    } while try poll.wait(milliseconds: 10) == .timedOut
    _ = try publisher.send([bytes(topic), bytes("that was all")])
    while texts(try subscriber.next()).last != "that was all" {}
}
