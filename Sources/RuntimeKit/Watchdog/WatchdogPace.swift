import Runtime

/// The watchdog's intervals and thresholds.
///
/// They are separate so that the model checker can substitute its own.
enum WatchdogPace {
  /// Nanoseconds between two checks. A stuck lane is covered at the second check, well within ten milliseconds.
  static let period: Int64 = 2_000_000
  /// The longest time between two checks, in nanoseconds.
  private static let longestPeriod: Int64 = 100_000_000

  /// Returns the time until the next check, in nanoseconds, after one that was late by `lateness`. Without this,
  /// hundreds of runtimes whose watchdogs check every two milliseconds would use up a machine.
  static func interval(after lateness: Int64) -> Int64 { min(period + 4 * lateness, longestPeriod) }

  /// The number of checks in a row with all lanes idle before the watchdog sleeps: a fifth of a second, so that a
  /// server with ten requests a second does not wake it each time.
  static let idleChecks = 100
  /// How long, in nanoseconds, all lanes must be seen stuck before relief is activated. They have then been stuck for
  /// up to a period longer: ten milliseconds, after which Go's `sysmon` takes a processor away from a thread.
  static let reliefDelay: Int64 = 8_000_000
}
