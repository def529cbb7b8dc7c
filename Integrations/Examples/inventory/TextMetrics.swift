import CoreMetrics
import Synchronization

/// Stands in for a library that exports metrics: it sums up metrics and writes them in Prometheus' text format.
final class TextMetrics: MetricsFactory {
  private let figures = Mutex<[String: Figure]>([:])

  /// The metrics, one per line, in alphabetical order.
  var text: String {
    let lines = figures.withLock { $0.map { "\($0.key) \($0.value.text)\n" } }
    return lines.sorted().joined()
  }

  func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler { figure(label, dimensions) }
  func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler { figure(label, dimensions) }
  func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler { figure(label, dimensions) }
  func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
    figure(label, dimensions)
  }

  // Metrics stay after their counters are gone.
  func destroyCounter(_ handler: any CounterHandler) {}
  func destroyMeter(_ handler: any MeterHandler) {}
  func destroyRecorder(_ handler: any RecorderHandler) {}
  func destroyTimer(_ handler: any TimerHandler) {}

  private func figure(_ label: String, _ dimensions: [(String, String)]) -> Figure {
    let labels = dimensions.map { "\(Self.name($0.0))=\"\($0.1)\"" }.joined(separator: ",")
    let name = Self.name(label) + (labels.isEmpty ? "" : "{\(labels)}")
    return figures.withLock { figures in
      let figure = figures[name] ?? Figure()
      figures[name] = figure
      return figure
    }
  }

  private static func name(_ label: String) -> String { String(label.map { $0 == "." ? "_" : $0 }) }
}

/// A counter, a meter, or a recorder with its count and sum.
final class Figure: CounterHandler, MeterHandler, RecorderHandler, TimerHandler {
  private let state = Mutex((count: 0, value: 0.0))

  var text: String {
    let (count, value) = state.withLock(\.self)
    return count == 0 ? "\(value)" : "\(value) (\(count) times)"
  }

  func increment(by amount: Int64) { state.withLock { $0.value += Double(amount) } }
  func reset() { state.withLock { $0 = (0, 0) } }
  func set(_ value: Int64) { set(Double(value)) }
  func set(_ value: Double) { state.withLock { $0.value = value } }
  func increment(by amount: Double) { state.withLock { $0.value += amount } }
  func decrement(by amount: Double) { state.withLock { $0.value -= amount } }
  func record(_ value: Int64) { record(Double(value)) }
  func record(_ value: Double) { state.withLock { $0 = ($0.count + 1, $0.value + value) } }
  func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }
}
