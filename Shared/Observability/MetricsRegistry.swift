package import Metrics
import Synchronization

/// Everything a process counts, rendered in the Prometheus text format 0.0.4.
///
/// No backend of swift-metrics is at hand that renders text without a server, so this is one:
/// counters, gauges, and for what is timed or recorded a count and a sum. Names are made legal,
/// counters end in `_total`, timers in `_seconds`.
package final class MetricsRegistry: MetricsFactory {
    private let series = Mutex<[Series.Key: Series]>([:])

    package init() {}

    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        find(label, dimensions, .counter, suffix: "_total")
    }

    package func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        find(label, dimensions, aggregate ? .summary : .gauge, suffix: "")
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        find(label, dimensions, .summary, suffix: "_seconds")
    }

    package func destroyCounter(_ handler: any CounterHandler) { forget(handler) }
    package func destroyRecorder(_ handler: any RecorderHandler) { forget(handler) }
    package func destroyTimer(_ handler: any TimerHandler) { forget(handler) }

    private func find(
        _ label: String, _ dimensions: [(String, String)], _ kind: Series.Kind, suffix: String
    ) -> Series {
        let key = Series.Key(
            name: "greenseason_" + Self.legal(label) + suffix, labels: Self.rendered(dimensions))
        return series.withLock { series in
            if let known = series[key] {
                precondition(known.kind == kind, "\(key.name) is already another kind of metric")
                return known
            }
            let made = Series(key: key, kind: kind)
            series[key] = made
            return made
        }
    }

    private func forget(_ handler: AnyObject) {
        guard let known = handler as? Series else { return }
        series.withLock { $0[known.key] = nil }
    }

    /// The text that a Prometheus server scrapes: families and series sorted by name.
    package func rendered() -> String {
        let all = series.withLock { $0.values.sorted { $0.key < $1.key } }
        var text = ""
        var family = ""
        for series in all {
            if series.key.name != family {
                family = series.key.name
                text += "# TYPE \(family) \(series.kind.rawValue)\n"
            }
            for (suffix, value) in series.samples() {
                text += "\(family)\(suffix)\(series.key.labels) \(value)\n"
            }
        }
        return text
    }

    private static func legal(_ label: String) -> String {
        String(
            label.map { character in
                character.isASCII && (character.isLetter || character.isNumber) ? character : "_"
            })
    }

    private static func rendered(_ dimensions: [(String, String)]) -> String {
        guard !dimensions.isEmpty else { return "" }
        let pairs = dimensions.sorted { $0.0 < $1.0 }.map { name, value in
            "\(legal(name))=\"\(escaped(value))\""
        }
        return "{" + pairs.joined(separator: ",") + "}"
    }

    /// By scalar: "\r\n" is one character and would slip through.
    private static func escaped(_ value: String) -> String {
        var text = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\": text += "\\\\"
            case "\"": text += "\\\""
            case "\n": text += "\\n"
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}

/// One name with one set of labels.
private final class Series: CounterHandler, RecorderHandler, TimerHandler {
    enum Kind: String {
        case counter
        case gauge
        case summary
    }

    struct Key: Hashable, Comparable {
        var name: String
        var labels: String

        static func < (left: Self, right: Self) -> Bool {
            (left.name, left.labels) < (right.name, right.labels)
        }
    }

    let key: Key
    let kind: Kind
    private let value = Mutex((count: Int64(0), sum: 0.0))

    init(key: Key, kind: Kind) {
        self.key = key
        self.kind = kind
    }

    func increment(by amount: Int64) { value.withLock { $0.count += amount } }
    func reset() { value.withLock { $0 = (0, 0) } }
    func record(_ amount: Int64) { record(Double(amount)) }
    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }

    func record(_ amount: Double) {
        value.withLock { value in
            value.count += 1
            value.sum = kind == .gauge ? amount : value.sum + amount
        }
    }

    func samples() -> [(suffix: String, value: String)] {
        let (count, sum) = value.withLock { $0 }
        return switch kind {
        case .counter: [("", "\(count)")]
        case .gauge: [("", "\(sum)")]
        case .summary: [("_count", "\(count)"), ("_sum", "\(sum)")]
        }
    }
}
