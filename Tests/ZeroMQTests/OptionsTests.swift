import CZeroMQ
import TestKit
import Testing
import ZeroMQ

/// What libzmq says it was told.
@Suite struct OptionsTests {
    @Test(arguments: [Socket.Kind.pub, .sub, .router, .dealer, .rep])
    func `no socket sends heartbeats, lingers or waits for dead hosts`(kind: Socket.Kind)
        async throws
    {
        try await onThread {
            let socket = try Socket(kind, in: try Context(), options: .requestService)
            let expected: [(Int32, Int64)] = [
                (ZMQ_HEARTBEAT_IVL, 0), (ZMQ_HEARTBEAT_TTL, 0), (ZMQ_LINGER, 0), (ZMQ_IPV6, 0),
                (ZMQ_IMMEDIATE, 0), (ZMQ_TCP_KEEPALIVE, 1), (ZMQ_TCP_KEEPALIVE_IDLE, 10),
                (ZMQ_TCP_KEEPALIVE_INTVL, 3), (ZMQ_TCP_KEEPALIVE_CNT, 3), (ZMQ_TCP_MAXRT, 10_000),
                (ZMQ_CONNECT_TIMEOUT, 3_000), (ZMQ_HANDSHAKE_IVL, 5_000),
                (ZMQ_RECONNECT_IVL, 100), (ZMQ_RECONNECT_IVL_MAX, 3_000),
            ]
            for (option, value) in expected {
                #expect(try socket.option(option) == value, "option \(option)")
            }
        }
    }

    @Test(arguments: [
        (Options.liveFeed, [256, 256, 4_096]),
        (.replayService, [16, 64, 4_096]),
        (.liveFeedClient, [64, 256, -1]),
        (.replayClient, [8, 16, -1]),
        (.requestService, [64, 256, 1_114_112]),
        (.requestClient, [8, 16, -1]),
    ])
    func `each role has its limits`(options: Options, limits: [Int64]) async throws {
        try await onThread {
            let socket = try Socket(.dealer, in: try Context(), options: options)
            #expect(try socket.option(ZMQ_SNDHWM) == limits[0])
            #expect(try socket.option(ZMQ_RCVHWM) == limits[1])
            #expect(try socket.option(ZMQ_MAXMSGSIZE) == limits[2])
            #expect(try socket.option(ZMQ_MECHANISM) == Int64(ZMQ_NULL))
        }
    }

    @Test func `the partner's edge takes credit and two, and only with CURVE`() async throws {
        try await onThread {
            let keys = try CurveKeys.generate()
            let edge = try Socket(
                .router, in: curveContext,
                options: .partnerEdge(
                    creditMessages: 100, secretKey: keys.secretKey, zapDomain: "partners"))
            #expect(try edge.option(ZMQ_RCVHWM) == 102)
            #expect(try edge.option(ZMQ_MAXMSGSIZE) == 1_114_112)
            #expect(try edge.option(ZMQ_BACKLOG) == 512)
            #expect(try edge.option(ZMQ_HANDSHAKE_IVL) == 3_000)
            #expect(try edge.option(ZMQ_MECHANISM) == Int64(ZMQ_CURVE))
            #expect(try edge.option(ZMQ_CURVE_SERVER) == 1)
            #expect(try edge.option(Int32(CZEROMQ_ZAP_ENFORCE_DOMAIN)) == 1)

            let partner = try Socket(
                .dealer, in: curveContext,
                options: .partnerClient(serverKey: keys.publicKey, keys: try .generate()))
            #expect(try partner.option(ZMQ_MECHANISM) == Int64(ZMQ_CURVE))
            #expect(try partner.option(ZMQ_CURVE_SERVER) == 0)
            #expect(try partner.option(ZMQ_RECONNECT_IVL) == 1_000)
            #expect(try partner.option(ZMQ_RECONNECT_IVL_MAX) == 15_000)
        }
    }

    @Test func `an option libzmq does not know is an error`() async throws {
        try await onThread {
            let socket = try Socket(.dealer, in: try Context(), options: .replayClient)
            #expect(throws: ZeroMQError.self) { try socket.option(9_999) }
        }
    }

    @Test func `a server without a domain is a programming error`() async {
        await #expect(processExitsWith: .failure) {
            let keys = try CurveKeys.generate()
            _ = Security.curveServer(secretKey: keys.secretKey, zapDomain: "")
        }
    }

    @Test func `an edge without credit is a programming error`() async {
        await #expect(processExitsWith: .failure) {
            let keys = try CurveKeys.generate()
            _ = Options.partnerEdge(
                creditMessages: 0, secretKey: keys.secretKey, zapDomain: "partners")
        }
    }
}
