import ArgumentParser
import Messages
import Model
import Streams
import ZeroMQ

/// Ten thousand residents want one of a hundred vouchers, all at once.
struct RushCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rush", abstract: "Residents claim a scarce voucher through rewards' requests."
    )

    enum Defaults {
        static let claims = 10_000
        static let stock = 100
        static let rounds = 3
        /// So that claimants have points to spend.
        static let events = 100_000
    }

    private static let item = "rush"

    @OptionGroup var options: MeasureOptions
    @Option(help: "How many residents claim.") var claims = Defaults.claims
    @Option(help: "How many vouchers there are.") var stock = Defaults.stock

    func validate() throws {
        guard claims > 0, stock > 0 else {
            throw ValidationError("somebody claims, and there is something to be had")
        }
    }

    func run() throws {
        let rounds = options.rounds ?? Defaults.rounds
        var report = try Report(
            "rush",
            settings: [
                "claims": Wording.grouped(claims), "stock": Wording.grouped(stock),
                "rounds": "\(rounds)",
            ])
        var seconds: [Double] = []
        var sold: [Double] = []
        var busy: [Double] = []
        let day = try PreparedDay(
            events: options.events ?? Defaults.events, residents: claims,
            bodyEvents: ChainCommand.Defaults.bodyEvents)
        for _ in 1...rounds {
            let deployment = try Deployment()
            try deployment.start()
            try deployment.load(day)
            try Publisher(day, to: deployment).publish(.asCredited)
            try deployment.awaitSettled()
            try offerVouchers(in: deployment)
            let residents = try residents(of: deployment)
            let claiming = try Claiming(
                try residents.prefix(claims).map {
                    try JSON.encode(RedeemReward(resident: $0, item: Self.item))
                }, at: deployment)
            try claiming.run()
            try deployment.awaitSettled()
            seconds.append(claiming.seconds)
            busy.append(Double(claiming.busy))
            sold.append(Double(claiming.filled))
            let item = try deployment.client(of: "rewards").call(ListRewards()).items.first {
                $0.code == Self.item
            }
            guard claiming.filled == stock, item?.sold == Int64(stock), item?.stock == 0 else {
                throw Broken("\(claiming.filled) told they have one, \(item?.sold ?? 0) sold")
            }
            try deployment.greenctl("audit")
        }
        report.add("rush.settled", seconds, "s")
        report.add("rush.orders", seconds.map { Double(claims) / $0 }, "orders/s")
        report.add("rush.sold", sold, "vouchers")
        report.add("rush.busy", busy, "sent again")
        try report.keep(also: options.json)
    }

    private func offerVouchers(in deployment: Deployment) throws {
        let document = """
            {"schema": "greenseason.catalogue.v1", "version": "rush", "items": [
             {"code": "\(Self.item)", "name_zh": "奖", "name_en": "Voucher", "kind": "voucher",
              "points": 10, "stock": \(stock), "valid_days": 30}]}
            """
        _ = try deployment.client(of: "rewards").call(LoadCatalogue(document: document))
    }

    private func residents(of deployment: Deployment) throws -> [ResidentID] {
        let client = try deployment.client(of: "ingestion")
        var residents: [ResidentID] = []
        var after: String?
        repeat {
            let page = try client.call(ListResidents(after: after))
            residents += page.items.map(\.resident)
            after = page.next
        } while after != nil
        return residents
    }
}

/// All claims, offered at once and carried by a few sockets as a gateway's would be.
///
/// A service keeps no more replies than its queue to a peer has room for, so a socket has no more
/// requests under way than that.
private final class Claiming {
    private enum Limits {
        static let patienceMilliseconds = 30_000
        static let sockets = 32
        static let windowRequests = 32
    }

    private final class Lane {
        let socket: Socket
        var underWay = 0

        init(_ socket: consuming Socket) { self.socket = socket }
    }

    private var lanes: [Lane] = []
    private let bodies: [[UInt8]]
    /// Claims to be sent, by their places in `bodies`, the first at the end.
    private var waiting: [Int]
    private var answered = 0
    private(set) var filled = 0
    private(set) var busy = 0
    private(set) var seconds = 0.0

    init(_ bodies: [[UInt8]], at deployment: Deployment) throws {
        self.bodies = bodies
        waiting = Array(bodies.indices.reversed())
        for _ in 0..<Limits.sockets {
            let socket = try Socket(.dealer, in: deployment.context, options: .requestClient)
            try socket.connect(to: try deployment.requests(of: "rewards"))
            lanes.append(Lane(socket))
        }
    }

    /// Sends all claims, again where the service was busy, until each is answered.
    func run() throws {
        let began = Stopwatch.now
        while answered < bodies.count {
            var poll = PollSet()
            var isFull = false
            for lane in lanes {
                while lane.underWay < Limits.windowRequests, let claim = waiting.last {
                    guard try send(claim, by: lane) else {
                        isFull = true
                        break
                    }
                    waiting.removeLast()
                    lane.underWay += 1
                }
                _ = poll.add(lane.socket, for: isFull ? .both : .reading)
                isFull = false
            }
            guard try poll.wait(milliseconds: Limits.patienceMilliseconds) == .ready else {
                throw Broken("rewards does not answer")
            }
            for lane in lanes {
                while let message = try lane.socket.receive() {
                    lane.underWay -= 1
                    try take(message.frames)
                }
            }
        }
        seconds = Double(Stopwatch.now - began) / 1e9
    }

    private func send(_ claim: Int, by lane: Lane) throws -> Bool {
        let name = withUnsafeBytes(of: claim.bigEndian) { Array($0) }
        let frames = try Exchange.frames(
            method: RedeemReward.method, body: bodies[claim], caller: "benchmarks",
            key: [UInt8](repeating: 9, count: 8) + name, requestID: name)
        return try lane.socket.send(frames) == .sent
    }

    private func take(_ frames: [[UInt8]]) throws {
        guard let (id, reply) = Exchange.reply(frames), id.count == 8 else {
            throw Broken("an answer that is none")
        }
        switch reply.status {
        case .ok:
            filled += 1
        case .refused where ["out_of_stock", "insufficient_points"].contains(reply.code):
            break
        case .busy:
            busy += 1
            waiting.insert(id.reduce(0) { $0 << 8 | Int($1) }, at: 0)
            return
        default:
            throw Broken("a claim was answered \(reply.status): \(reply.code) \(reply.message)")
        }
        answered += 1
    }
}
