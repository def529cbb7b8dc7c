import Glibc

/// The time by which waits are measured: nanoseconds of a clock that only goes forwards (`CLOCK_MONOTONIC`).
public enum MonotonicTime {
  /// The present.
  public static var now: Int64 {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
  }

  /// The time `nanoseconds` after `start`, or the end of time (`Int64.max`) if it is later than can be counted.
  public static func deadline(after nanoseconds: Int64, from start: Int64 = now) -> Int64 {
    let (sum, overflow) = start.addingReportingOverflow(nanoseconds)
    return overflow ? .max : sum
  }

  /// The time `duration`, rounded up, after the present.
  public static func deadline(after duration: Duration) -> Int64 {
    deadline(after: duration.nanoseconds)
  }
}

extension Duration {
  /// The duration in nanoseconds, rounded up, and no more than can be counted (292 years).
  package var nanoseconds: Int64 {
    let (seconds, attoseconds) = components
    let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    let part = attoseconds / 1_000_000_000 + (attoseconds % 1_000_000_000 > 0 ? 1 : 0)
    let (sum, overflow2) = whole.addingReportingOverflow(part)
    if overflow || overflow2 { return seconds < 0 ? .min : .max }
    return sum
  }
}
