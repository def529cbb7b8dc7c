import Glibc

/// Nanoseconds of the clock that only goes forwards and that waits are measured by.
package func monotonicNow() -> Int64 {
  var now = timespec()
  clock_gettime(CLOCK_MONOTONIC, &now)
  return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
}

/// `base` and `nanoseconds` together, or the end of time.
package func deadline(_ nanoseconds: Int64, after base: Int64 = monotonicNow()) -> Int64 {
  let (sum, overflow) = base.addingReportingOverflow(nanoseconds)
  return overflow ? .max : sum
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

/// Rounded up, so that a timer is never early; a wait too long for the call is cut, and its caller looks again.
func milliseconds(_ nanoseconds: Int64?) -> Int32 {
  guard let nanoseconds else { return -1 }
  let rounded = nanoseconds / 1_000_000 + (nanoseconds % 1_000_000 > 0 ? 1 : 0)
  return Int32(clamping: rounded)
}
