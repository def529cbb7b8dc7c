/// How long to wait before a process that has died is started anew.
///
/// One that dies soon after each start would otherwise do nothing but start, at the cost of all others. One that dies after
/// a long life is started at once.
struct RestartPace {
  /// The wait after the first quick death; each further one doubles it.
  static let shortest = Duration.milliseconds(100)
  /// The longest wait. What has made the process die may pass, so it is never given up.
  static let longest = Duration.seconds(10)
  /// A life that is no quick death. It is no shorter than the longest wait, so that a process which always dies is not up
  /// for less than half of the time without being slowed down.
  static let calm = Duration.seconds(10)

  private var wait = shortest

  /// The wait after a death at the end of a life of so long.
  mutating func next(afterLifeOf life: Duration) -> Duration {
    if life >= Self.calm {
      wait = Self.shortest
      return .zero
    }
    defer { wait = min(wait * 2, Self.longest) }
    return wait
  }
}
