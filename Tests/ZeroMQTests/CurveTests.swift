import CZeroMQ
import TestKit
import Testing
import ZeroMQ

/// The context of all tests that speak CURVE, which lives as long as the process: in libzmq 4.3.4
/// one that terminates can take the random source away from another (#4242).
let curveContext: Context = {
    do {
        return try Context()
    } catch {
        fatalError("\(error)")
    }
}()

/// Servers with CURVE, and the one authenticator they share: hence one test at a time.
@Suite(.serialized) struct CurveTests {
    @Test func `an allowed client is known by its key's name on every message`() async throws {
        try await onThread {
            let partner = try CurveKeys.generate()
            let other = try CurveKeys.generate()
            let edge = try Edge(allowing: [partner.publicKey: "qingju", other.publicKey: "other"])
            let first = try edge.client(partner)
            let second = try edge.client(other)
            for round in 1...3 {
                _ = try first.send([bytes("GSP1"), bytes("\(round)"), [], bytes("{}")])
                let request = try edge.next()
                #expect(request.userID == "qingju")
                #expect(texts(request).dropFirst() == ["GSP1", "\(round)", "", "{}"])

                _ = try second.send([bytes("GSP1")])
                #expect(try edge.next().userID == "other")

                #expect(try edge.router.send([request.frames[0], bytes("WELCOME")]) == .sent)
                #expect(texts(try first.next()) == ["WELCOME"])
            }
            #expect(edge.domains == ["partners"])
        }
    }

    @Test func `an oversize message still tells whose it is`() async throws {
        try await onThread {
            let partner = try CurveKeys.generate()
            let edge = try Edge(allowing: [partner.publicKey: "qingju"])
            let client = try edge.client(partner)
            _ = try client.send([[UInt8]](repeating: [], count: 8))
            let request = try edge.next()
            #expect(request.isOversize)
            #expect(request.userID == "qingju")
            #expect(request.frames.count == 1)
        }
    }

    @Test func `an unknown key never gets through`() async throws {
        try await onThread {
            let friend = try CurveKeys.generate()
            let edge = try Edge(allowing: [friend.publicKey: "friend"])
            let stranger = try edge.handshakeClient(try .generate(), edge.keys.publicKey)
            try stranger.send("let me in")
            let failure = try edge.event(of: stranger) { $0.isFailure }
            #expect(failure.number == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)
            #expect(failure.value == 400)
            #expect(edge.denials == 1)
            try edge.hearsOnly(friend)
            #expect(edge.denials == 1, "whom it denied does not come back by itself")
        }
    }

    @Test func `without an authenticator nobody gets in, until there is one`() async throws {
        try await onThread {
            let partner = try CurveKeys.generate()
            let edge = try Edge(allowing: nil)
            let client = try edge.handshakeClient(partner, edge.keys.publicKey)
            try client.send("let me in")
            for _ in 1...3 {
                _ = try edge.event(of: client) {
                    #expect(!$0.isSuccess)
                    return $0.isFailure
                }
            }
            #expect(try edge.router.receive() == nil)

            edge.authenticator = try Authenticator(in: curveContext)
            edge.names = [partner.publicKey: "late"]
            let message = try edge.next()
            #expect(message.userID == "late")
            #expect(texts(message).last == "let me in")
        }
    }

    @Test func `who is told to try again does, and may be let in then`() async throws {
        try await onThread {
            let partner = try CurveKeys.generate()
            let edge = try Edge(allowing: [:], otherwise: .tryAgain)
            let client = try edge.client(partner, handshakeMillisecondsMax: 100)
            _ = try client.send([bytes("hello")])
            try edge.drive { edge.postponements == 2 }
            #expect(try edge.router.receive() == nil)

            edge.names = [partner.publicKey: "patient"]
            #expect(try edge.next().userID == "patient")
        }
    }

    @Test func `a client that expects another server does not talk to this one`() async throws {
        try await onThread {
            let friend = try CurveKeys.generate()
            let edge = try Edge(allowing: [friend.publicKey: "friend"])
            let elsewhere = try CurveKeys.generate().publicKey
            let client = try edge.handshakeClient(friend, elsewhere)
            try client.send("for somebody else")
            _ = try edge.event(of: client) {
                #expect(!$0.isSuccess)
                return $0.isFailure
            }
            try edge.hearsOnly(friend)
        }
    }

    @Test func `a client without CURVE is not even asked about`() async throws {
        try await onThread {
            let friend = try CurveKeys.generate()
            let edge = try Edge(allowing: [friend.publicKey: "friend"])
            let client = try edge.handshakeClient(nil, nil)
            try client.send("in the clear")
            _ = try edge.event(of: client) {
                #expect(!$0.isSuccess)
                return $0.isFailure
            }
            #expect(edge.domains == [])
            try edge.hearsOnly(friend)
        }
    }

    @Test func `a feed over tcp is heard by listed keys only`() async throws {
        try await onThread {
            let keys = try CurveKeys.generate()
            let listed = try CurveKeys.generate()
            let authenticator = try Authenticator(in: curveContext)
            let feed = try Socket(
                .pub, in: curveContext,
                options: .liveFeed.secured(
                    by: .curveServer(secretKey: keys.secretKey, zapDomain: "streams")))
            var generator = SystemRandomNumberGenerator()
            let port = try feed.bindToRandomPort(using: &generator)

            func subscriber(_ ownKeys: CurveKeys) throws -> Socket {
                let socket = try Socket(
                    .sub, in: curveContext,
                    options: .liveFeedClient.secured(
                        by: .curveClient(serverKey: keys.publicKey, keys: ownKeys)))
                try socket.connect(to: "tcp://127.0.0.1:\(port)")
                try socket.subscribe(to: "")
                return socket
            }
            let stranger = try subscriber(try .generate())
            let friend = try subscriber(listed)
            var verdicts: [Authenticator.Verdict] = []
            let block = try eventually {
                try authenticator.answer { key, domain in
                    #expect(domain == "streams")
                    verdicts.append(key == listed.publicKey ? .allow(userID: "scoring") : .deny)
                    return verdicts[verdicts.count - 1]
                }
                _ = try feed.send([bytes("B"), bytes("block")])
                let isOver = verdicts.contains(.deny)
                return try friend.staysQuiet(milliseconds: 10) || !isOver
                    ? nil : try friend.receive()
            }
            #expect(texts(block) == ["B", "block"])
            #expect(block.userID == nil, "a client's peer is known by its server key")
            #expect(try stranger.receive() == nil)
        }
    }

    @Test func `a context has one authenticator at a time, and another at once after it`()
        async throws
    {
        try await onThread {
            for _ in 1...100 {
                let authenticator = try Authenticator(in: curveContext)
                #expect { _ = try Authenticator(in: curveContext) } throws: {
                    ($0 as? ZeroMQError)?.code == EADDRINUSE
                }
                #expect(try authenticator.answer { _, _ in .deny } == 0)
            }
        }
    }
}

/// A partner's edge and its authenticator, driven by the thread of the test.
private final class Edge {
    let keys: CurveKeys
    let router: Socket
    var authenticator: Authenticator?
    var names: [PublicKey: String]
    private let otherwise: Authenticator.Verdict
    private let port: UInt16

    private(set) var domains: Set<String> = []
    private(set) var denials = 0
    private(set) var postponements = 0

    /// Listens, and lets those in that have a name; nil for an edge without authenticator.
    init(
        allowing names: [PublicKey: String]?, otherwise: Authenticator.Verdict = .deny
    ) throws {
        self.names = names ?? [:]
        self.otherwise = otherwise
        keys = try CurveKeys.generate()
        authenticator = names == nil ? nil : try Authenticator(in: curveContext)
        router = try Socket(
            .router, in: curveContext,
            options: .partnerEdge(
                creditMessages: 8, secretKey: keys.secretKey, zapDomain: "partners"))
        var generator = SystemRandomNumberGenerator()
        port = try router.bindToRandomPort(using: &generator)
    }

    func client(
        _ keys: CurveKeys, handshakeMillisecondsMax: Int32 = 5_000
    ) throws -> Socket {
        var options = Options.partnerClient(serverKey: self.keys.publicKey, keys: keys)
        options.handshakeMillisecondsMax = handshakeMillisecondsMax
        options.reconnectMillisecondsMin = 20
        let socket = try Socket(.dealer, in: curveContext, options: options)
        try socket.connect(to: "tcp://127.0.0.1:\(port)")
        return socket
    }

    func handshakeClient(
        _ keys: CurveKeys?, _ serverKey: PublicKey?
    ) throws -> HandshakeClient {
        let client = try HandshakeClient(keys: keys, serverKey: serverKey)
        try client.connect(to: "tcp://127.0.0.1:\(port)")
        return client
    }

    /// Lets handshakes go on until `isDone`.
    func drive(until isDone: () throws -> Bool) throws {
        try eventually {
            var poll = PollSet()
            _ = poll.add(router)
            _ = try poll.wait(milliseconds: 5)
            try authenticator?.answer { key, domain in
                domains.insert(domain)
                if let name = names[key] { return .allow(userID: name) }
                if otherwise == .deny { denials += 1 } else { postponements += 1 }
                return otherwise
            }
            return try isDone() ? () : nil
        }
    }

    func next() throws -> Multipart {
        var message: Multipart?
        try drive {
            message = try router.receive()
            return message != nil
        }
        guard let message else { throw WaitedInVain() }
        return message
    }

    func event(
        of client: HandshakeClient, _ isSought: (HandshakeClient.Event) -> Bool
    ) throws -> HandshakeClient.Event {
        var found: HandshakeClient.Event?
        try eventually {
            try drive { true }
            while found == nil, let event = client.nextEvent() {
                if isSought(event) { found = event }
            }
            return found.map { _ in () }
        }
        guard let found else { throw WaitedInVain() }
        return found
    }

    /// Talks with `friend` for a while, over the same I/O thread, and expects no other voice.
    func hearsOnly(_ friend: CurveKeys) throws {
        let client = try client(friend)
        for _ in 1...20 {
            _ = try client.send([bytes("friend")])
            #expect(try next().userID == "friend")
        }
    }
}
