/// The delay before a process that has died is restarted.
///
/// The delay grows for a process that dies soon after each start, so that restarts do not use up the machine. A process
/// that dies after a long life is restarted at once.
struct RestartPace {
  /// The delay after the first early death. Each further one doubles it.
  static let shortest = Duration.milliseconds(100)
  /// The longest delay. Restarts never stop, because the cause of the deaths may pass.
  static let longest = Duration.seconds(10)
  /// The lifetime from which on a death does not count as early. It is no shorter than the longest delay. Otherwise a
  /// process could die again and again, be up for less than half of the time, and never be delayed.
  static let calm = Duration.seconds(10)

  private var wait = shortest

  /// Returns the delay after a death at the end of `life`.
  mutating func next(afterLifeOf life: Duration) -> Duration {
    if life >= Self.calm {
      wait = Self.shortest
      return .zero
    }
    defer { wait = min(wait * 2, Self.longest) }
    return wait
  }
}
