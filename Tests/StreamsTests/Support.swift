import Foundation
import Streams
import Testing

/// What these tests stand on: threads that may block, folders that go away, waits that end.

/// What did not come to pass in time.
struct WaitedInVain: Error {
    var purpose: String
    var state: String
}

/// Asks `condition`, on the caller's own thread, until it holds.
func wait(
    until purpose: String, state: () throws -> String = { "" }, _ condition: () throws -> Bool
) throws {
    let end = MonotonicClock.milliseconds() + 40_000
    while try !condition() {
        guard MonotonicClock.milliseconds() < end else {
            throw WaitedInVain(purpose: purpose, state: try state())
        }
        Thread.sleep(forTimeInterval: 0.003)
    }
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
