public import Runtime
import RuntimePrimitives

/// The clock of a runtime. Its time is that of `ContinuousClock`, and its sleeps use the runtime's timers.
public struct TimerClock: SleepingClock {
  /// The instants of `ContinuousClock`, so that deadlines can be passed from runtime to runtime.
  public typealias Instant = ContinuousClock.Instant

  /// Returns the queue that suits the calling thread best.
  private let queue: @Sendable () -> SleepQueue

  /// Creates a clock that sleeps in the queue that `queue` returns. It is called on the thread of each task that begins
  /// to sleep.
  public init(_ queue: @escaping @Sendable () -> SleepQueue) {
    self.queue = queue
  }

  /// The current time of `ContinuousClock`.
  public var now: Instant { .now }

  /// One millisecond: a timer fires within a millisecond after its deadline.
  public var minimumResolution: Duration { .milliseconds(1) }

  /// Suspends the task at least until `deadline`, whatever the tolerance. It uses no thread.
  ///
  /// If the deadline has passed, the task yields, so that a loop of short sleeps does not keep its worker.
  ///
  /// - Throws: `CancellationError` promptly when the task is cancelled or the runtime is shut down.
  public func sleep(until deadline: Instant, tolerance: Duration? = nil) async throws {
    try await sleep(for: Instant.now.duration(to: deadline))
  }

  /// Suspends the task for at least `duration`. It behaves like ``sleep(until:tolerance:)`` and costs less.
  public func sleep(for duration: Duration) async throws {
    guard duration > .zero else {
      try Task.checkCancellation()
      return await Task.yieldByItsLoop()
    }
    try await queue().sleep(until: MonotonicTime.deadline(after: duration))
  }
}
