/// A clock with its own implementation of sleeping for a duration. The clock of a runtime is one.
///
/// `Clock.sleep(for:tolerance:)` of the standard library leaves the executor, asks the clock for the time, and sleeps
/// until a deadline. Its frames exceed the memory that a task initially has. A clock that implements `sleep(for:)`
/// itself avoids this:
///
/// ```swift
/// extension LoopClock: SleepingClock {
///   public func sleep(for duration: Duration) async throws { ... }
/// }
/// ```
///
/// The default implementation of ``sleep(for:)`` does the same as the standard library.
public protocol SleepingClock<Duration>: Clock where Duration == Swift.Duration {
  /// Suspends the task for at least `duration`.
  ///
  /// - Throws: the errors of `sleep(until:tolerance:)`, such as `CancellationError` when the task is cancelled.
  func sleep(for duration: Duration) async throws
}

extension SleepingClock {
  public func sleep(for duration: Duration) async throws {
    try await sleep(until: now.advanced(by: duration), tolerance: nil)
  }
}
