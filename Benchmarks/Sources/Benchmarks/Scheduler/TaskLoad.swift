import Runtime
import RuntimeConcurrency
import RuntimeCustom
import RuntimeDispatch
import RuntimeKit

/// An operation that tasks repeat.
///
/// A load is a type, since a closure cannot be generic: a program knows its runtime at compile time, and so does a
/// measured load. The sizes are those of tokio's `micro`.
protocol TaskLoad: SendableMetatype {
  /// One word, which names it on the command line.
  static var name: String { get }
  /// Converts its time to a figure.
  static var measure: Measure { get }
  /// The number of operations for one figure.
  static var count: Int { get }
  /// Runs `count` operations in tasks of `executor`, and returns the time that they took.
  static func run(_ count: Int, on executor: some SleepingExecutor) async throws -> Duration
}

extension TaskLoad {
  /// Measures once, and returns the figure.
  static func measureOnce(on executor: some SleepingExecutor) async throws -> Double {
    measure.value(count, try await run(count, on: executor))
  }
}

/// A conversion of the time for a number of operations to a figure.
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
protocol SleepingExecutor: Executor {
  func sleep(for duration: Duration) async throws
}

// One extension per runtime, so that each calls the function that a program with a known runtime calls.
extension CustomRuntime: SleepingExecutor {
  func sleep(for duration: Duration) async throws { try await clock.sleep(for: duration) }
}
extension DispatchRuntime: SleepingExecutor {
  func sleep(for duration: Duration) async throws { try await clock.sleep(for: duration) }
}
extension ConcurrencyRuntime: SleepingExecutor {
  func sleep(for duration: Duration) async throws { try await clock.sleep(for: duration) }
}

/// Swift's own pool, as programs without a runtime use it.
struct SwiftPool: SleepingExecutor {
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
