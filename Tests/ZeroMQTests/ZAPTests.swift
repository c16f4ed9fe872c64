import Testing
import ZeroMQ

@Suite struct ZAPTests {
    private static let key = (0..<32).map { UInt8($0) }

    private static func request(
        version: String = "1.0", mechanism: String = "CURVE", credentials: [[UInt8]] = [key]
    ) -> [[UInt8]] {
        [
            bytes(version), bytes("id 7"), bytes("partners"), bytes("127.0.0.1"), [],
            bytes(mechanism),
        ] + credentials
    }

    @Test func `a request is read frame by frame`() throws {
        let request = try #require(ZAPRequest(frames: Self.request()))
        #expect(request.requestID == bytes("id 7"))
        #expect(request.domain == "partners")
        #expect(request.address == "127.0.0.1")
        #expect(request.mechanism == "CURVE")
        #expect(request.publicKey == PublicKey(bytes: Self.key))
    }

    @Test func `an allowed key gets its user id`() {
        let reply = ZAPReply(to: Self.request()) { key, domain in
            #expect(key.bytes == Self.key)
            #expect(domain == "partners")
            return .allow(userID: "qingju")
        }
        #expect(
            reply.frames == [bytes("1.0"), bytes("id 7"), bytes("200"), [], bytes("qingju"), []])
    }

    @Test(arguments: [(Authenticator.Verdict.deny, "400"), (.tryAgain, "300")])
    func `who is not allowed gets no user id`(verdict: Authenticator.Verdict, status: String) {
        let reply = ZAPReply(to: Self.request()) { _, _ in verdict }
        #expect(reply.frames == [bytes("1.0"), bytes("id 7"), bytes(status), [], [], []])
    }

    @Test(
        arguments: [
            ("NULL", []), ("PLAIN", [bytes("admin"), bytes("secret")]),
            ("GSSAPI", [bytes("principal")]),
            ("curve", [key]), ("", [key]), ("CURVE", []), ("CURVE", [key, key]),
            ("CURVE", [Array(key.dropLast())]), ("CURVE", [key + [0]]),
        ] as [(String, [[UInt8]])])
    func `only one whole CURVE key is ever considered`(
        mechanism: String, credentials: [[UInt8]]
    ) {
        let frames = Self.request(mechanism: mechanism, credentials: credentials)
        let reply = ZAPReply(to: frames) { _, _ in .allow(userID: "anybody") }
        #expect(reply.status == .denied)
        #expect(reply.userID == "")
        #expect(reply.requestID == bytes("id 7"))
    }

    /// Every request cut short, and another version of the protocol.
    @Test(arguments: (0...5).map { Array(request().prefix($0)) } + [request(version: "2.0")])
    func `what is no request is answered as a failure`(frames: [[UInt8]]) {
        let reply = ZAPReply(to: frames) { _, _ in .allow(userID: "anybody") }
        #expect(reply.status == .failed)
        #expect(reply.frames[1] == (frames.count > 1 ? bytes("id 7") : []))
        #expect(reply.userID == "")
    }

    @Test func `a user id with a zero in it is a programming error`() async {
        await #expect(processExitsWith: .failure) {
            let frames = [
                [], [], [], [], [], Array("CURVE".utf8), [UInt8](repeating: 1, count: 32),
            ]
            let request = [Array("1.0".utf8)] + frames.dropFirst()
            _ = ZAPReply(to: request) { _, _ in .allow(userID: "qingju\0other") }
        }
    }

    @Test func `an empty user id is a programming error`() async {
        await #expect(processExitsWith: .failure) {
            let frames = [
                [], [], [], [], [], Array("CURVE".utf8), [UInt8](repeating: 1, count: 32),
            ]
            let request = [Array("1.0".utf8)] + frames.dropFirst()
            _ = ZAPReply(to: request) { _, _ in .allow(userID: "") }
        }
    }
}
