import ServiceKit
import Greenctl
import Storage
import ZeroMQ

extension FuzzTarget {
    /// What libzmq asks of the authenticator, and keys as people write them.
    static let zap = FuzzTarget(
        "zap", bytesMax: 512,
        seeds: {
            let frames: [[UInt8]] = [
                Array("1.0".utf8), Array("1".utf8), Array("greenseason.edge".utf8),
                Array("127.0.0.1".utf8), [], Array("CURVE".utf8), Array(repeating: 7, count: 32),
            ]
            let key = PublicKey(bytes: Array(repeating: 7, count: 32))?.z85 ?? ""
            return [frames.flatMap { FuzzBytes.chunk($0) }, FuzzBytes.chunk(key)]
        },
        run: { bytes in
            var input = FuzzBytes(bytes)
            var frames: [[UInt8]] = []
            while !input.isEmpty, frames.count < 10 { frames.append(input.chunk()) }
            let reply = ZAPReply(to: frames) { key, _ in
                switch key.bytes[0] % 3 {
                case 0: .allow(userID: "bike")
                case 1: .deny
                default: .tryAgain
                }
            }
            require(reply.frames.count == 6, "a ZAP reply has six frames")
            require(frames.count < 2 || reply.requestID == frames[1], "the question is named")
            require(
                reply.status != .allowed || frames[5] == Array("CURVE".utf8),
                "somebody came in without CURVE")
            for frame in frames {
                let text = String(decoding: frame, as: UTF8.self)
                guard let key = PublicKey(z85: text) else { continue }
                require(key.z85 == text, "a key that is written otherwise than it was read")
            }
        })

    /// Files with keys: a service's own, partners', and the secrets of a deployment.
    static let keyFiles = FuzzTarget(
        "key-files", bytesMax: 512,
        seeds: {
            let keys = try CurveKeys(secretKey: secretKey)
            return [
                Array("\(keys.secretKey.z85)\n".utf8), Array("\(keys.publicKey.z85)\n".utf8),
                Array("\(keys.publicKey.z85)\n\(keys.secretKey.z85)\n".utf8),
                Array((String(repeating: "0a", count: 32) + "\n").utf8),
            ]
        },
        run: { bytes in
            let folder = ScratchFolder.shared
            let path = folder.write(bytes, to: "keys/fuzzed.secret")
            if let key = try? PublicKey.load(from: path) {
                require(key.z85.utf8.count == PublicKey.charactersCount, "a key of 40 characters")
            }
            _ = try? CurveKeys.load(from: path)
            _ = try? Secrets(folder: DataFolder(folder.path)).key("fuzzed.secret")
            folder.write(bytes, to: "partners/bike.key")
            if let keys = try? PartnerKeys(folder: folder.path + "/partners").keys(of: "bike") {
                require(
                    try CurveKeys(secretKey: keys.secretKey) == keys, "two halves of one pair")
            }
        })

    private static let secretKey: SecretKey = {
        guard let key = SecretKey(z85: PublicKey(bytes: Array(repeating: 9, count: 32))?.z85 ?? "")
        else { violated("32 bytes are a key") }
        return key
    }()
}
