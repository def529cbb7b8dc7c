import Runtime

extension [UInt8] {
  /// Appends `duration` in seconds, exact to the nanosecond and without trailing zeros: `1.25`, `0.000184`. The result
  /// is valid in JSON and in Prometheus' format.
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
