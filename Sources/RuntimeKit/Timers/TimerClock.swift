public import Runtime
import RuntimePrimitives

/// The clock of a runtime: it tells the time of `ContinuousClock`, and sleeps with the runtime's own timers.
public struct TimerClock: SleepingClock {
  /// Its instants are `ContinuousClock`'s, so that deadlines can be handed from runtime to runtime.
  public typealias Instant = ContinuousClock.Instant

  /// The queue to sleep in, as the calling thread finds best.
  private let queue: @Sendable () -> SleepQueue

  /// A clock that sleeps in the queues that `queue` gives: called on the thread of each task that is about to sleep.
  public init(_ queue: @escaping @Sendable () -> SleepQueue) {
    self.queue = queue
  }

  /// The present, by `ContinuousClock`.
  public var now: Instant { .now }

  /// A timer goes off with the millisecond after its deadline.
  public var minimumResolution: Duration { .milliseconds(1) }

  /// Suspends the task until `deadline`, and never less, whatever the tolerance. It costs no thread.
  ///
  /// If the time has come already, the task yields, so that a loop of short sleeps leaves its worker to others.
  ///
  /// - Throws: `CancellationError` promptly when the task is cancelled or the runtime is shut down.
  public func sleep(until deadline: Instant, tolerance: Duration? = nil) async throws {
    try await sleep(for: Instant.now.duration(to: deadline))
  }

  /// Suspends the task for `duration`, and never less: ``sleep(until:tolerance:)`` says what else holds. It costs less than
  /// that one.
  public func sleep(for duration: Duration) async throws {
    guard duration > .zero else {
      try Task.checkCancellation()
      return await Task.yieldByItsLoop()
    }
    try await queue().sleep(until: MonotonicTime.deadline(after: duration))
  }
}
