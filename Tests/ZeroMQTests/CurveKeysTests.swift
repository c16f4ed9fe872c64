import Foundation
import TestKit
import Testing
import ZeroMQ

@Suite struct CurveKeysTests {
    /// The pairs in libzmq's manual, zmq_curve(7).
    @Test(arguments: [
        (
            secret: "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs",
            public: "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"
        ),
        (
            secret: "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6",
            public: "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
        ),
    ])
    func `a public key follows from its secret`(pair: (secret: String, public: String)) throws {
        let secretKey = try #require(SecretKey(z85: pair.secret))
        let keys = try CurveKeys(secretKey: secretKey)
        #expect(keys.publicKey.z85 == pair.public)
        #expect(keys.secretKey.z85 == pair.secret)
    }

    @Test func `a generated pair belongs together and is like no other`() throws {
        let keys = try CurveKeys.generate()
        #expect(try CurveKeys(secretKey: keys.secretKey) == keys)
        #expect(try CurveKeys.generate().publicKey != keys.publicKey)
        #expect(keys.publicKey.bytes.count == 32)
        #expect(keys.publicKey.z85.utf8.count == 40)
        #expect(PublicKey(z85: keys.publicKey.z85) == keys.publicKey)
        #expect(PublicKey(bytes: keys.publicKey.bytes) == keys.publicKey)
    }

    /// The example of zeromq RFC 32, and the ends of a group's range.
    @Test(
        arguments: [
            ("HelloWorld", [0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b]),
            ("00000%nSc0", [0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]),
        ] as [(String, [UInt8])])
    func `Z85 is spelt as its standard says`(text: String, bytes: [UInt8]) throws {
        let key = try #require(PublicKey(bytes: bytes + bytes + bytes + bytes))
        #expect(key.z85 == text + text + text + text)
        #expect(PublicKey(z85: key.z85) == key)
    }

    @Test(arguments: [
        "", "HelloWorld", String(repeating: "0", count: 39), String(repeating: "0", count: 41),
        String(repeating: "0", count: 45), String(repeating: "0", count: 39) + " ",
        String(repeating: "0", count: 39) + "\"", String(repeating: "0", count: 39) + "\0",
        String(repeating: "0", count: 38) + "é", String(repeating: "0", count: 35) + "%nSc1",
        String(repeating: "#", count: 40),
    ])
    func `what spells no key is none`(text: String) {
        #expect(PublicKey(z85: text) == nil)
        #expect(SecretKey(z85: text) == nil)
    }

    @Test(arguments: [0, 31, 33])
    func `a public key has 32 bytes`(count: Int) {
        #expect(PublicKey(bytes: [UInt8](repeating: 0, count: count)) == nil)
    }

    @Test func `a secret never shows itself`() throws {
        let keys = try CurveKeys.generate()
        var dumped = ""
        dump(keys, to: &dumped)
        let shown = [
            "\(keys)", "\(keys.secretKey)", String(reflecting: keys),
            String(reflecting: keys.secretKey), "\([keys.secretKey])", dumped,
            "\(Options.partnerClient(serverKey: keys.publicKey, keys: keys))",
        ]
        let bytes = "\([UInt8](keys.secretKey.z85.utf8).count)"
        #expect(bytes == "40")
        for text in shown {
            #expect(!text.contains(keys.secretKey.z85))
            #expect(text.contains("hidden"))
        }
        #expect("\(keys)".contains(keys.publicKey.z85))
    }
}

@Suite struct KeyFilesTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private func mode(of path: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        return try #require(attributes[.posixPermissions] as? Int)
    }

    @Test func `a pair comes back from its file`() throws {
        let keys = try CurveKeys.generate()
        let path = folder.file("edge.secret")
        try keys.save(to: path)
        #expect(try CurveKeys.load(from: path) == keys)
        #expect(try String(contentsOfFile: path, encoding: .utf8) == keys.secretKey.z85 + "\n")
        #expect(try mode(of: path) == 0o600)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["edge.secret"])
    }

    @Test func `a secret never replaces another`() throws {
        let path = folder.file("edge.secret")
        let first = try CurveKeys.generate()
        try first.save(to: path)
        #expect { try CurveKeys.generate().save(to: path) } throws: {
            ($0 as? ZeroMQError)?.code == EEXIST
        }
        #expect(try CurveKeys.load(from: path) == first)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["edge.secret"])
    }

    @Test func `a public key is written in place of the former`() throws {
        let path = folder.file("edge.public")
        for _ in 1...2 {
            let key = try CurveKeys.generate().publicKey
            try key.save(to: path)
            #expect(try PublicKey.load(from: path) == key)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["edge.public"])
    }

    @Test(arguments: [0o640, 0o604, 0o610, 0o666])
    func `a secret that others can reach is refused`(mode: Int) throws {
        let path = folder.file("edge.secret")
        try CurveKeys.generate().save(to: path)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        #expect { try CurveKeys.load(from: path) } throws: { ($0 as? ZeroMQError)?.code == EPERM }
    }

    @Test(arguments: ["", "\n", "a key", String(repeating: "0", count: 300)])
    func `a file without a key is refused`(content: String) throws {
        let path = folder.file("edge.secret")
        #expect(
            FileManager.default.createFile(
                atPath: path, contents: Data(content.utf8), attributes: [.posixPermissions: 0o600]))
        #expect { try CurveKeys.load(from: path) } throws: { ($0 as? ZeroMQError)?.code == EINVAL }
        #expect { try PublicKey.load(from: path) } throws: { ($0 as? ZeroMQError)?.code == EINVAL }
    }

    @Test func `white space around a key does not matter`() throws {
        let key = try CurveKeys.generate().publicKey
        let path = folder.file("edge.public")
        try Data(" \t\(key.z85)\r\n\n".utf8).write(to: URL(fileURLWithPath: path))
        #expect(try PublicKey.load(from: path) == key)
    }

    @Test func `a file or folder that is not there is an error that names it`() throws {
        let path = folder.file("none/edge.secret")
        #expect { try CurveKeys.load(from: path) } throws: {
            "\($0)" == "loading the key \(path) failed: No such file or directory (2)"
        }
        #expect { try CurveKeys.generate().save(to: path) } throws: {
            ($0 as? ZeroMQError)?.code == ENOENT
        }
    }
}
