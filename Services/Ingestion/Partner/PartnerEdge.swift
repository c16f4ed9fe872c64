import Glibc
import Model
package import Storage
import Streams
import Synchronization
package import ZeroMQ

/// Where partners connect: a thread that owns the edge's sockets and runs `PartnerProtocol`.
///
/// A thread of its own, not the reactor's: decoding JSON then runs beside the writer, and
/// handshakes of strangers never delay the streams. It talks to the writer through `submit` and
/// hears back through a queue and a wake-up; nothing here waits for anything but `poll`.
package final class PartnerEdge: Sendable {
    package struct Settings: Sendable {
        /// `tcp://ADDRESS:PORT`; port 0 takes a free one from 20000 to 31999.
        package var endpoint: String
        /// The edge's own key, which partners must know.
        package var keys: CurveKeys
        /// The folder whose file system holds the store: windows shrink as it fills.
        package var storeFolder: String

        package init(endpoint: String, keys: CurveKeys, storeFolder: String) {
            self.endpoint = endpoint
            self.keys = keys
            self.storeFolder = storeFolder
        }

        package static let defaultEndpoint = "tcp://127.0.0.1:7401"

        /// The edge's keys in `folder`; the first start makes them.
        ///
        /// `keys/edge.secret` and, for partners, `keys/edge.public`.
        package static func establishKeys(in folder: DataFolder) throws(ZeroMQError) -> CurveKeys {
            let path = folder.key("edge.secret")
            let keys: CurveKeys
            do {
                keys = try CurveKeys.load(from: path)
            } catch  where error.code == ENOENT {
                keys = try CurveKeys.generate()
                try keys.save(to: path)
            }
            try keys.publicKey.save(to: folder.key("edge.public"))
            return keys
        }

        static let zapDomain = "greenseason.edge"
    }

    /// Hands an errand to the writer, from any thread and at once.
    ///
    /// Answers false if the writer's queue is full, and then never calls back. Otherwise the
    /// second argument is called exactly once, on any thread: with the result after its commit, or
    /// with `.unavailable` if it will not be carried out.
    package typealias Submit =
        @Sendable (IngestionErrand, @escaping @Sendable (IngestionResult) -> Void) -> Bool

    package enum Limits {
        /// Messages of partners taken in a turn, before answers and handshakes have theirs.
        static let messagesPerTurnMax = 64
        /// Replies that one connection may leave unread before they are dropped: as many as it may
        /// have events in flight, if it sends them one by one.
        static let repliesPerConnectionMax = Int32(PartnerLimits.windowEventsMax)
        /// Messages of one connection that wait here before its sender has to.
        static let messagesPerConnectionMax: Int32 = 64
        static let turnMillisecondsMax = 1_000
        /// How long `stop` waits for receipts that are still to be made.
        static let drainMillisecondsMax: Int64 = 10_000
    }

    /// What the edge has done since it started.
    package struct Counters: Sendable, Equatable {
        package var messages = 0
        package var batches = 0
        package var events = 0
        package var errors = 0
        /// Answers that found their connection gone or not reading.
        package var repliesDropped = 0
        package var handshakesRefused = 0
    }

    private struct Shared {
        var answers: [(ticket: UInt64, result: IngestionResult)] = []
        var isStopping = false
        var counters = Counters()
        var waiting: [CheckedContinuation<Void, any Error>] = []
        /// How the thread ended; nil while it runs.
        var ending: Result<Void, ZeroMQError>?
    }

    private let settings: Settings
    private let context: Context
    private let directory: PartnerDirectory
    private let decoder: BatchDecoder
    private let submit: Submit
    private let wakeUp: WakeUp
    private let shared = Mutex(Shared())

    /// - Parameters:
    ///   - context: The process's one context; the edge becomes its authenticator.
    ///   - directory: The domain's.
    package init(
        settings: Settings, context: Context, directory: PartnerDirectory,
        catalogue: BehaviourCatalogue, secrets: IngestionSecrets, submit: @escaping Submit
    ) throws(ZeroMQError) {
        self.settings = settings
        self.context = context
        self.directory = directory
        decoder = BatchDecoder(catalogue: catalogue, secrets: secrets)
        self.submit = submit
        wakeUp = try WakeUp()
    }

    package var counters: Counters { shared.withLock { $0.counters } }

    /// Starts the thread, and answers where it listens.
    ///
    /// Throws `ZeroMQError` if it cannot listen there. To be called once.
    package func start() async throws -> String {
        try await withCheckedThrowingContinuation { continuation in
            _ = OwnThread(named: "edge") { self.run(started: continuation) }
        }
    }

    /// Takes no more in, answers what was taken in, closes the sockets, and returns then.
    ///
    /// Throws what ended the thread before, if anything did.
    package func stop() async throws {
        shared.withLock { $0.isStopping = true }
        wakeUp.signal()
        try await ended()
    }

    /// Returns when the edge has stopped, and throws the `ZeroMQError` that ended it if it was not
    /// asked to: nobody is served then.
    package func ended() async throws {
        try await withCheckedThrowingContinuation { continuation in
            let ending = shared.withLock { shared in
                if shared.ending == nil { shared.waiting.append(continuation) }
                return shared.ending
            }
            if let ending { continuation.resume(with: ending) }
        }
    }

    // MARK: The thread

    private func run(started: CheckedContinuation<String, any Error>) {
        let ending = listen(started: started)
        let waiting = shared.withLock { shared in
            shared.ending = ending
            defer { shared.waiting = [] }
            return shared.waiting
        }
        for continuation in waiting { continuation.resume(with: ending) }
    }

    private func listen(
        started: CheckedContinuation<String, any Error>
    ) -> Result<Void, ZeroMQError> {
        var isListening = false
        do throws(ZeroMQError) {
            // First the one who decides, then the door.
            let authenticator = try Authenticator(in: context)
            var options = Options.partnerEdge(
                creditMessages: Limits.repliesPerConnectionMax,
                secretKey: settings.keys.secretKey, zapDomain: Settings.zapDomain)
            options.receiveMessagesMax = Limits.messagesPerConnectionMax
            let socket = try Socket(.router, in: context, options: options)
            let endpoint = try bind(socket)
            isListening = true
            started.resume(returning: endpoint)
            try serve(socket, authenticator)
            return .success(())
        } catch {
            if !isListening { started.resume(throwing: error) }
            return .failure(error)
        }
    }

    private func bind(_ socket: borrowing Socket) throws(ZeroMQError) -> String {
        if settings.endpoint.hasSuffix(":0") {
            let host = settings.endpoint.dropFirst("tcp://".count).dropLast(":0".count)
            var generator = SystemRandomNumberGenerator()
            let port = try socket.bindToRandomPort(host: String(host), using: &generator)
            return "tcp://\(host):\(port)"
        }
        try socket.bind(to: settings.endpoint)
        return try socket.lastEndpoint
    }

    private func serve(
        _ socket: borrowing Socket, _ authenticator: borrowing Authenticator
    ) throws(ZeroMQError) {
        var gsp = PartnerProtocol(directory: directory, decoder: decoder)
        var poll = PollSet()
        var looksAtDiskFrom: Int64 = .min
        var mustEndBy: Int64?
        while true {
            let now = Self.now()
            if mustEndBy == nil, shared.withLock({ $0.isStopping }) {
                gsp.close()
                mustEndBy = now.uptime + Limits.drainMillisecondsMax
            }
            if let mustEndBy, gsp.pendingCount == 0 || now.uptime >= mustEndBy { return }
            if now.uptime >= looksAtDiskFrom {
                gsp.throttle(to: diskPermille())
                looksAtDiskFrom = now.uptime + Int64(Limits.turnMillisecondsMax)
            }
            poll.removeAll()
            let door = poll.add(authenticator)
            let wake = poll.add(wakeUp)
            let messages = poll.add(socket)
            guard try poll.wait(milliseconds: Limits.turnMillisecondsMax) != .terminated else {
                return
            }
            if poll.isReady(wake) { wakeUp.drain() }
            try sendAnswers(of: &gsp, on: socket)
            if poll.isReady(door) { try decideHandshakes(authenticator) }
            if poll.isReady(messages) { try takeMessages(into: &gsp, from: socket) }
        }
    }

    private func sendAnswers(
        of gsp: inout PartnerProtocol, on socket: borrowing Socket
    ) throws(ZeroMQError) {
        let answers = shared.withLock { shared in
            defer { shared.answers = [] }
            return shared.answers
        }
        for (ticket, result) in answers {
            try send(gsp.finish(ticket, with: result, at: Self.now()), on: socket)
        }
    }

    private func decideHandshakes(_ authenticator: borrowing Authenticator) throws(ZeroMQError) {
        var refused = 0
        try authenticator.answer { key, domain in
            guard domain == Settings.zapDomain, let partner = directory.partner(holding: key.z85)
            else {
                refused += 1
                return .deny
            }
            return .allow(userID: partner)
        }
        if refused > 0 { shared.withLock { $0.counters.handshakesRefused += refused } }
    }

    private func takeMessages(
        into gsp: inout PartnerProtocol, from socket: borrowing Socket
    ) throws(ZeroMQError) {
        for _ in 0..<Limits.messagesPerTurnMax {
            guard let message = try socket.receive() else { return }
            shared.withLock { $0.counters.messages += 1 }
            switch gsp.receive(message.frames, from: message.userID, at: Self.now()) {
            case .ignore:
                continue
            case .reply(let frames):
                if frames[2] == Self.errorVerb { shared.withLock { $0.counters.errors += 1 } }
                try send(frames, on: socket)
            case .submit(let batch, let ticket):
                shared.withLock {
                    $0.counters.batches += 1
                    $0.counters.events += batch.items.count
                }
                let isTaken = submit(.batch(batch)) { [self] result in
                    shared.withLock { $0.answers.append((ticket, result)) }
                    wakeUp.signal()
                }
                if !isTaken { try send(gsp.refuse(ticket), on: socket) }
            }
        }
    }

    /// A reply that finds no way is dropped: the partner sends the events again and gets the same.
    private func send(_ frames: [[UInt8]], on socket: borrowing Socket) throws(ZeroMQError) {
        if try socket.send(frames) != .sent {
            shared.withLock { $0.counters.repliesDropped += 1 }
        }
    }

    private static let errorVerb = Array("ERROR".utf8)

    // MARK: The outside

    private static func now() -> PartnerProtocol.Moment {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return PartnerProtocol.Moment(
            uptime: MonotonicClock.milliseconds(),
            instant: Instant(
                milliseconds: Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000))
    }

    /// How much of the windows the disk allows.
    private func diskPermille() -> Int {
        var status = statvfs()
        // A file system that cannot be asked is the writer's trouble, which will show by itself.
        guard statvfs(settings.storeFolder, &status) == 0 else { return 1_000 }
        return Self.permille(ofFreeBytes: Int64(clamping: status.f_bavail * UInt(status.f_frsize)))
    }

    /// All above `diskBytesAmple`, nothing below `diskBytesMin`, and evenly in between.
    package static func permille(ofFreeBytes free: Int64) -> Int {
        let (ample, least) = (PartnerLimits.diskBytesAmple, PartnerLimits.diskBytesMin)
        if free >= ample { return 1_000 }
        if free < least { return 0 }
        return Int((free - least) * 1_000 / (ample - least))
    }
}
