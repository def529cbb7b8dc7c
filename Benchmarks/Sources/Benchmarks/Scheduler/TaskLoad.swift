import Runtime
import RuntimeConcurrency
import RuntimeCustom
import RuntimeDispatch
import RuntimeKit

/// What tasks are made to do, over and over.
///
/// A load is a type, since a closure cannot be generic: a program knows its runtime when it is compiled, and so does a load
/// that is measured. The sizes are those of tokio's `micro`.
protocol TaskLoad: SendableMetatype {
  /// One word, by which it is chosen on the command line.
  static var name: String { get }
  /// What comes of its time.
  static var measure: Measure { get }
  /// How often the suite has it done for one figure.
  static var count: Int { get }
  /// Has tasks of `executor` do it `count` times, and gives the time that it took.
  static func run(_ count: Int, on executor: some Clocked) async throws -> Duration
}

extension TaskLoad {
  /// The figure of one measurement.
  static func measured(on executor: some Clocked) async throws -> Double {
    measure.value(count, try await run(count, on: executor))
  }
}

/// What a time comes to that something has taken to be done so many times.
struct Measure: Sendable {
  let figure: Figure
  let value: @Sendable (_ count: Int, _ time: Duration) -> Double

  /// Millions a second.
  static func millions(_ title: String) -> Measure { rate(title, "M/s", 1e6) }
  /// Thousands a second.
  static func thousands(_ title: String) -> Measure { rate(title, "k/s", 1e3) }

  private static func rate(_ title: String, _ unit: String, _ scale: Double) -> Measure {
    Measure(figure: Figure(name: "rate", title: title, unit: unit, better: .higher)) { count, time in
      Double(count) / time.seconds / scale
    }
  }

  /// Nanoseconds each.
  static func nanoseconds(_ title: String) -> Measure {
    self.time(title, "ns") { count, time in time.seconds * 1e9 / Double(count) }
  }

  /// Microseconds each.
  static func microseconds(_ title: String) -> Measure {
    self.time(title, "us") { count, time in time.seconds * 1e6 / Double(count) }
  }

  /// Milliseconds for all of them.
  static func milliseconds(_ title: String) -> Measure { time(title, "ms") { _, time in time.seconds * 1e3 } }

  private static func time(
    _ title: String, _ unit: String, _ value: @escaping @Sendable (_ count: Int, _ time: Duration) -> Double
  ) -> Measure {
    Measure(figure: Figure(name: "time", title: title, unit: unit, better: .lower), value: value)
  }
}

/// An executor, and a way to sleep on it.
protocol Clocked: Executor {
  func sleep(for duration: Duration) async throws
}

// Each on its own, so that the function is called that a program would call which knows its runtime.
extension CustomRuntime: Clocked {
  func sleep(for duration: Duration) async throws { try await clock.sleep(for: duration) }
}
extension DispatchRuntime: Clocked {
  func sleep(for duration: Duration) async throws { try await clock.sleep(for: duration) }
}
extension ConcurrencyRuntime: Clocked {
  func sleep(for duration: Duration) async throws { try await clock.sleep(for: duration) }
}

/// Swift's own pool, as one uses it without any runtime.
struct SwiftPool: Clocked {
  func sleep(for duration: Duration) async throws { try await ContinuousClock().sleep(for: duration) }

  var taskExecutor: (any TaskExecutor)? { nil }

  @discardableResult
  func spawn<Success: Sendable>(
    _ options: TaskOptions, _ operation: nonisolated(nonsending) sending @escaping () async throws -> Success
  ) -> Task<Success, any Error> {
    Task.detached { try await operation() }
  }

  func yield() async { await Task.yield() }
}

extension Duration {
  var seconds: Double { self / .seconds(1) }
  var nanoseconds: Double { self / .nanoseconds(1) }
}
