import Glibc

/// The time that deadlines are measured in: nanoseconds of a clock that never goes backwards (`CLOCK_MONOTONIC`).
public enum MonotonicTime {
  /// The current time.
  public static var now: Int64 {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
  }

  /// Returns the time `nanoseconds` after `start`, or `Int64.max` on overflow.
  public static func deadline(after nanoseconds: Int64, from start: Int64 = now) -> Int64 {
    let (sum, overflow) = start.addingReportingOverflow(nanoseconds)
    return overflow ? .max : sum
  }

  /// Returns the time `duration` from now, with the duration rounded up to nanoseconds.
  public static func deadline(after duration: Duration) -> Int64 {
    deadline(after: duration.nanoseconds)
  }
}

extension Duration {
  /// The duration in nanoseconds, rounded up, and clamped to 292 years.
  package var nanoseconds: Int64 {
    let (seconds, attoseconds) = components
    let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    let part = attoseconds / 1_000_000_000 + (attoseconds % 1_000_000_000 > 0 ? 1 : 0)
    let (sum, overflow2) = whole.addingReportingOverflow(part)
    if overflow || overflow2 { return seconds < 0 ? .min : .max }
    return sum
  }
}
