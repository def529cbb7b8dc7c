import Runtime

extension [UInt8] {
  /// Appends `duration` in seconds, exactly to the nanosecond and with no more digits than that takes: `1.25`, `0.000184`.
  /// JSON and Prometheus read the same numbers.
  mutating func append(seconds duration: Duration) {
    var (seconds, attoseconds) = duration.components
    if seconds < 0 || attoseconds < 0 {
      append(UInt8(ascii: "-"))
      (seconds, attoseconds) = (Duration.zero - duration).components
    }
    append(decimal: Int(seconds))
    var fraction = Int(attoseconds / 1_000_000_000)
    guard fraction > 0 else { return }
    var digits = 9
    while fraction % 10 == 0 {
      fraction /= 10
      digits -= 1
    }
    append(UInt8(ascii: "."))
    append(decimal: fraction, digits: digits)
  }
}
