/// How a service stands: asked of each service in the same words.
package struct ShowStatus: Query {
    package static let method = "engine.status"
    package typealias Reply = ServiceStatus

    package init() {}
}

package struct ServiceStatus: Codable, Sendable, Equatable {
    package struct Head: Codable, Sendable, Equatable {
        package var partition: Int
        package var sequence: UInt64
        package var milligrams: Int64
        package var points: Int64
        /// 64 hexadecimal digits.
        package var chain: String

        package init(
            partition: Int, sequence: UInt64, milligrams: Int64, points: Int64, chain: String
        ) {
            self.partition = partition
            self.sequence = sequence
            self.milligrams = milligrams
            self.points = points
            self.chain = chain
        }
    }

    package struct Input: Codable, Sendable, Equatable {
        package var stream: String
        package var partition: Int
        /// The last event applied.
        package var cursor: UInt64
        /// The publisher's head as last heard; nil until it was heard.
        package var head: UInt64?
        /// `catching up`, `live` or `stopped: why`.
        package var state: String

        package init(
            stream: String, partition: Int, cursor: UInt64, head: UInt64?, state: String
        ) {
            self.stream = stream
            self.partition = partition
            self.cursor = cursor
            self.head = head
            self.state = state
        }
    }

    package var service: String
    package var boot: String
    /// The stream it publishes.
    package var stream: String
    package var heads: [Head]
    package var inputs: [Input]
    package var deadLetters: Int

    package init(
        service: String, boot: String, stream: String, heads: [Head], inputs: [Input],
        deadLetters: Int
    ) {
        self.service = service
        self.boot = boot
        self.stream = stream
        self.heads = heads
        self.inputs = inputs
        self.deadLetters = deadLetters
    }
}

/// Events that could not be applied, oldest first.
package struct ListDeadLetters: Query {
    package static let method = "engine.deadletter.list"
    package typealias Reply = Listing<DeadLetterRecord>

    package init() {}
}

package struct DeadLetterRecord: Codable, Sendable, Equatable {
    package var stream: String
    package var partition: Int
    package var sequence: UInt64
    package var reason: String
    /// The event's bytes, base64.
    package var event: String

    package init(
        stream: String, partition: Int, sequence: UInt64, reason: String, event: String
    ) {
        self.stream = stream
        self.partition = partition
        self.sequence = sequence
        self.reason = reason
        self.event = event
    }
}

/// The service's counters in the Prometheus text format.
package struct ShowMetrics: Query {
    package static let method = "engine.metrics"

    package struct Reply: Codable, Sendable, Equatable {
        package var text: String

        package init(text: String) { self.text = text }
    }

    package init() {}
}
