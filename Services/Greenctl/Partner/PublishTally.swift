/// What became of events, counted by status and by why.
package struct PublishTally: Sendable, Equatable {
    /// Events with a receipt, by its status.
    package private(set) var statuses: [String: Int] = [:]
    /// Rejected events, by the receipt's code.
    package private(set) var rejections: [String: Int] = [:]
    /// Bodies that got an `ERROR` of their own and no receipts, by its code.
    package private(set) var errors: [String: Int] = [:]
    /// Everything counted above.
    package private(set) var answered = 0
    /// Events sent more than once, each time they were.
    package internal(set) var resent = 0

    // What the hot path counts in: the sum of a batch becomes one change of a dictionary.
    private struct Run: Equatable {
        var status: [UInt8]
        var code: [UInt8]
        var count: Int
    }

    package init() {}

    /// Counts the receipts at `places` of `body`.
    mutating func count(_ places: [EdgeAnswer.ReceiptPlace], in body: [UInt8]) {
        var runs: [Run] = []
        for place in places {
            let status = body[place.status]
            let code = place.code.map { body[$0] } ?? []
            if let known = runs.firstIndex(where: {
                $0.status.elementsEqual(status) && $0.code.elementsEqual(code)
            }) {
                runs[known].count += 1
            } else {
                runs.append(Run(status: Array(status), code: Array(code), count: 1))
            }
        }
        for run in runs {
            statuses[Self.unquoted(run.status), default: 0] += run.count
            if Self.unquoted(run.status) == "rejected" {
                rejections[Self.unquoted(run.code), default: 0] += run.count
            }
        }
        answered += places.count
    }

    mutating func count(error code: String) {
        errors[code, default: 0] += 1
        answered += 1
    }

    package mutating func add(_ other: PublishTally) {
        statuses.merge(other.statuses, uniquingKeysWith: +)
        rejections.merge(other.rejections, uniquingKeysWith: +)
        errors.merge(other.errors, uniquingKeysWith: +)
        answered += other.answered
        resent += other.resent
    }

    private static func unquoted(_ text: [UInt8]) -> String {
        String(decoding: text.dropFirst().dropLast(), as: UTF8.self)
    }
}
