/// The delay before a process that has died is restarted.
///
/// The delay grows for a process that dies soon after each start, so that restarts do not use up the machine. A process
/// that dies after a long life is restarted at once.
struct RestartBackoff {
  /// The delay after the first early death. Each further one doubles it.
  static let initialDelay = Duration.milliseconds(100)
  /// The longest delay. Restarts never stop, because the cause of the deaths may pass.
  static let maximumDelay = Duration.seconds(10)
  /// The lifetime from which on a death does not count as early. It is no shorter than the longest delay. Otherwise a
  /// process could die again and again, be up for less than half of the time, and never be delayed.
  static let stableLifetime = Duration.seconds(10)

  private var delay = initialDelay

  /// Returns the delay after the death of a process that lived for `lifetime`.
  mutating func nextDelay(afterLifetime lifetime: Duration) -> Duration {
    if lifetime >= Self.stableLifetime {
      delay = Self.initialDelay
      return .zero
    }
    defer { delay = min(delay * 2, Self.maximumDelay) }
    return delay
  }
}
