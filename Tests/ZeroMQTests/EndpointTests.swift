import Foundation
import TestKit
import Testing
import ZeroMQ

@Suite struct EndpointTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    @Test(arguments: [
        ("", EINVAL), ("not-an-endpoint", EINVAL), ("tcp://", EINVAL), ("ipc:/run/a", EINVAL),
        ("carrier-pigeon://x", EPROTONOSUPPORT), ("udp://127.0.0.1:5000", EPROTONOSUPPORT),
        ("ipc://@abstract", EINVAL), ("ipc:///tmp/a\0b", EINVAL),
        ("tcp://127.0.0.1", EINVAL), ("tcp://127.0.0.1:", EINVAL), ("tcp://127.0.0.1:0", EINVAL),
        ("tcp://127.0.0.1:65536", EINVAL), ("tcp://127.0.0.1:http", EINVAL),
        ("tcp://127.0.0.1:+80", EINVAL), ("tcp://256.0.0.1:5000", EINVAL),
        ("tcp://1.2.3:5000", EINVAL), ("tcp://:5000", EINVAL),
    ])
    func `a malformed endpoint is refused`(endpoint: String, code: Int32) async throws {
        try await onThread {
            let keys = try CurveKeys.generate()
            let socket = try Socket(
                .dealer, in: curveContext,
                options: .partnerClient(serverKey: keys.publicKey, keys: keys))
            #expect { try socket.bind(to: endpoint) } throws: {
                hasFailed($0, .bind(endpoint), code)
            }
            #expect { try socket.connect(to: endpoint) } throws: {
                hasFailed($0, .connect(endpoint), code)
            }
        }
    }

    @Test func `tcp is never spoken in the clear`() async throws {
        try await onThread {
            let socket = try Socket(.router, in: try Context(), options: .requestService)
            let endpoint = "tcp://127.0.0.1:20000"
            #expect { try socket.bind(to: endpoint) } throws: {
                hasFailed($0, .bind(endpoint), EPERM)
            }
            #expect { try socket.connect(to: endpoint) } throws: {
                hasFailed($0, .connect(endpoint), EPERM)
            }
        }
    }

    @Test func `an ipc path of 107 bytes is taken, and one of 108 refused`() async throws {
        let longest = folder.endpoint(
            String(repeating: "x", count: Limits.ipcPathBytesMax - folder.path.utf8.count - 1))
        try await onThread {
            let socket = try Socket(.router, in: try Context(), options: .requestService)
            try socket.bind(to: longest)
            #expect(try socket.lastEndpoint == longest)
            #expect { try socket.bind(to: longest + "x") } throws: { error in
                guard let error = error as? ZeroMQError else { return false }
                return error.code == ENAMETOOLONG && "\(error)".contains("108 bytes")
            }
            #expect { try socket.connect(to: longest + "x") } throws: { error in
                (error as? ZeroMQError)?.code == ENAMETOOLONG
            }
        }
    }

    @Test func `what libzmq refuses comes with its reason`() async throws {
        let endpoint = folder.endpoint("no-such-folder/feed")
        try await onThread {
            let context = try Context()
            let socket = try Socket(.pub, in: context, options: .liveFeed)
            #expect { try socket.bind(to: endpoint) } throws: { error in
                "\(error)" == "binding to \(endpoint) failed: No such file or directory (2)"
            }
            try socket.bind(to: "inproc://taken")
            let second = try Socket(.pub, in: context, options: .liveFeed)
            #expect { try second.bind(to: "inproc://taken") } throws: { error in
                (error as? ZeroMQError)?.code == EADDRINUSE
            }
        }
    }

    @Test func `a random port is one nobody has`() async throws {
        try await onThread {
            let options = Options.requestService.secured(
                by: .curveServer(secretKey: try CurveKeys.generate().secretKey, zapDomain: "ports"))
            let seed = UInt64.random(in: .min ... .max)
            print("seed \(seed)")
            var generator = SeededGenerator(seed: seed)

            let holder = try Socket(.router, in: curveContext, options: options)
            let taken = try holder.bindToRandomPort(using: &generator)
            #expect((20_000...31_999).contains(taken))
            #expect(try holder.lastEndpoint == "tcp://127.0.0.1:\(taken)")

            let other = try Socket(.router, in: curveContext, options: options)
            #expect { try other.bindToRandomPort(in: taken...taken, using: &generator) } throws: {
                ($0 as? ZeroMQError)?.code == EADDRINUSE
            }
            // Whichever of them is tried first, the one that is taken is passed over.
            for _ in 1...20 {
                let socket = try Socket(.router, in: curveContext, options: options)
                let port = try socket.bindToRandomPort(
                    in: taken - 50...taken + 50, using: &generator)
                #expect(port != taken)
            }
        }
    }
}

private func hasFailed(
    _ error: any Error, _ operation: ZeroMQError.Operation, _ code: Int32
) -> Bool {
    guard let error = error as? ZeroMQError else { return false }
    return error.operation == operation && error.code == code
}
