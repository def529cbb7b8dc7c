/// A clock with a function of its own for sleeping a while: what the clock of a runtime is.
///
/// `Clock.sleep(for:tolerance:)` of the standard library leaves the executor, asks the clock for the time, and sleeps until
/// a deadline. Its frames do not fit into the memory that a task has first. A clock that knows how to sleep for a duration
/// does without:
///
/// ```swift
/// extension LoopClock: SleepingClock {
///   public func sleep(for duration: Duration) async throws { ... }
/// }
/// ```
///
/// Without that function, ``sleep(for:)`` does what the standard library's does.
public protocol SleepingClock<Duration>: Clock where Duration == Swift.Duration {
  /// Suspends the task for `duration`, and never less.
  ///
  /// - Throws: what `sleep(until:tolerance:)` throws: `CancellationError` when the task is cancelled.
  func sleep(for duration: Duration) async throws
}

extension SleepingClock {
  public func sleep(for duration: Duration) async throws {
    try await sleep(until: now.advanced(by: duration), tolerance: nil)
  }
}
