import Runtime

/// A histogram of durations.
public struct DurationHistogram: Hashable, Sendable {
  /// The upper bounds of the buckets. The last bucket has none.
  ///
  /// The bounds from 5 ms on are those that OpenTelemetry recommends for the duration of requests; the smaller ones are
  /// for servers that answer from memory.
  public static let bounds: [Duration] = boundsInNanoseconds.map { .nanoseconds($0) }

  fileprivate static let boundsInNanoseconds: [Int64] = [
    50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000, 50_000_000, 75_000_000,
    100_000_000, 250_000_000, 500_000_000, 750_000_000, 1_000_000_000, 2_500_000_000, 5_000_000_000, 7_500_000_000,
    10_000_000_000,
  ]

  /// The number of durations in each bucket: those longer than the previous bound and no longer than the bucket's own.
  public internal(set) var counts = [Int](repeating: 0, count: boundsInNanoseconds.count + 1)
  /// The sum of all durations.
  public var sum: Duration { .nanoseconds(nanoseconds) }
  /// The number of durations.
  public var count: Int { counts.reduce(0, +) }
  private var nanoseconds: Int64 = 0

  /// Creates an empty histogram.
  public init() {}

  /// Adds one duration.
  mutating func add(_ nanoseconds: Int64) {
    var bucket = 0
    while bucket < Self.boundsInNanoseconds.count, Self.boundsInNanoseconds[bucket] < nanoseconds { bucket += 1 }
    counts[bucket] += 1
    self.nanoseconds &+= nanoseconds
  }

  /// Adds all durations of `other`.
  public mutating func add(_ other: DurationHistogram) {
    for bucket in counts.indices { counts[bucket] += other.counts[bucket] }
    nanoseconds &+= other.nanoseconds
  }
}
