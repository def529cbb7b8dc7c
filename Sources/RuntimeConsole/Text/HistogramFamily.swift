import Runtime
import RuntimeHTTP

/// A histogram of durations with all its series in Prometheus' text format. Like ``MetricFamily``, it always produces
/// valid text.
struct HistogramFamily {
  private let name: String
  private let help: String
  private var series = SeriesList<DurationHistogram>()
  /// The upper bounds of the buckets as text.
  private static let bounds = DurationHistogram.bounds.map { bound in
    var text: [UInt8] = []
    text.append(seconds: bound)
    return text
  }

  /// Creates a histogram without series.
  ///
  /// - Parameter name: the name, which ends in `_seconds`.
  init(_ name: String, _ help: String) {
    self.name = MetricName.valid(name)
    self.help = help
  }

  mutating func add(_ durations: DurationHistogram, _ labels: [MetricFamily.Label]) {
    series.add(LabelSet(labels), durations) { first, second in
      var sum = first
      sum.add(second)
      return sum
    }
  }

  /// Appends the family, or nothing if it has no series.
  func append(to text: inout [UInt8]) {
    guard !series.isEmpty else { return }
    MetricName.appendHead(name, help, "histogram", to: &text)
    for (labels, durations) in series {
      var count = 0
      for (bound, more) in zip(Self.bounds + [Array("+Inf".utf8)], durations.counts) {
        count += more
        text.append(contentsOf: name.utf8)
        text.append(text: "_bucket")
        labels.append(last: ("le", bound), to: &text)
        text.append(.count(count))
      }
      text.append(contentsOf: name.utf8)
      text.append(text: "_sum")
      labels.append(to: &text)
      text.append(.seconds(durations.sum))
      text.append(contentsOf: name.utf8)
      text.append(text: "_count")
      labels.append(to: &text)
      text.append(.count(count))
    }
  }
}
