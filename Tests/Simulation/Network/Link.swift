import Greenctl
import StreamsTestKit

/// One consumer's subscription to its publisher: a SUB and a DEALER, as frames.
final class Link {
    let publisher: ServiceName
    let consumer: ServiceName
    var live = Pipe<[[UInt8]]>()
    var questions = Pipe<[[UInt8]]>()
    var pages = Pipe<[[UInt8]]>()
    /// Names the DEALER at the publisher's ROUTER; a new socket has a new name.
    private(set) var peer: UInt64 = 1
    /// How many live messages are still to be lost.
    var drops = 0
    /// Until when questions and pages dawdle.
    var slowUntil: Int64 = 0
    /// The last block published, to be repeated.
    var lastBlock: [[UInt8]]?
    /// The log's heads when the feed last lost anything: only what lies before can be missing.
    private(set) var lostThrough: [UInt64] = []

    init(publisher: ServiceName, consumer: ServiceName) {
        self.publisher = publisher
        self.consumer = consumer
    }

    func renewPages() {
        questions.renew()
        pages.renew()
        peer += 1
    }

    func renewAll() {
        live.renew()
        renewPages()
    }

    /// The publisher's process is gone: its own ends of the sockets are, what it sent may arrive.
    func losePublisher() {
        questions.lose()
        // Nobody is left to repeat it.
        lastBlock = nil
    }

    /// Something published until now, when the log ends at `heads`, was lost on its way.
    func lose(through heads: [UInt64]) { lostThrough = heads }
}
