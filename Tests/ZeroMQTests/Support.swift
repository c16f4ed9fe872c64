import CZeroMQ
import Foundation
import Synchronization
import ZeroMQ

/// A generator whose numbers follow from its seed.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}

struct WaitedInVain: Error {}

/// The time after which something that must happen is taken to have failed.
let patience = Duration.seconds(10)

extension Socket {
    /// The next message, waited for.
    func next() throws -> Multipart {
        var poll = PollSet()
        let entry = poll.add(self)
        guard try poll.wait(milliseconds: 10_000) == .ready, poll.isReadable(entry),
            let message = try receive()
        else { throw WaitedInVain() }
        return message
    }

    /// Whether nothing comes within a moment; meanwhile the socket does its own work.
    func staysQuiet(milliseconds: Int) throws -> Bool {
        var poll = PollSet()
        _ = poll.add(self)
        return try poll.wait(milliseconds: milliseconds) == .timedOut
    }
}

/// Calls `step` until it answers something.
func eventually<Answer>(_ step: () throws -> Answer?) throws -> Answer {
    let end = ContinuousClock.now + patience
    while ContinuousClock.now < end {
        if let answer = try step() { return answer }
    }
    throw WaitedInVain()
}

func bytes(_ text: String) -> [UInt8] { [UInt8](text.utf8) }

func texts(_ message: Multipart) -> [String] {
    message.frames.map { String(decoding: $0, as: UTF8.self) }
}
