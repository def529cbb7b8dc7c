import Runtime

/// How often the watchdog looks, and how many looks it takes to act.
///
/// Apart from the rest, so that the model checker can have a pace of its own.
enum WatchdogPace {
  /// Nanoseconds between two looks. A stuck lane is covered at the second look, well within ten milliseconds.
  static let period: Int64 = 2_000_000
  /// The most nanoseconds between two looks.
  private static let longestPeriod: Int64 = 100_000_000

  /// How many nanoseconds go by until the next look, where the last was late by `lateness`: hundreds of runtimes whose
  /// watchdogs look every other millisecond would keep a machine from anything else.
  static func pause(after lateness: Int64) -> Int64 { min(period + 4 * lateness, longestPeriod) }

  /// How many looks in a row find all lanes idle before the watchdog sleeps: a fifth of a second, so that a server which
  /// is asked ten times a second does not wake it each time.
  static let idleLooks = 100
  /// For how many nanoseconds all lanes have to be seen stuck before relief comes. They are stuck for up to a period longer:
  /// for ten milliseconds, after which Go's `sysmon` takes a processor away from a thread.
  static let reliefDelay: Int64 = 8_000_000
}
