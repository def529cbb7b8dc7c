import Runtime

/// How many durations of each length there have been.
public struct DurationHistogram: Hashable, Sendable {
  /// The longest duration of each bucket but the last, which has no bound.
  ///
  /// Those from 5 ms on are what OpenTelemetry recommends for the duration of requests; those before them are for servers
  /// that answer from memory.
  public static let bounds: [Duration] = boundsInNanoseconds.map { .nanoseconds($0) }

  fileprivate static let boundsInNanoseconds: [Int64] = [
    50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000, 50_000_000, 75_000_000,
    100_000_000, 250_000_000, 500_000_000, 750_000_000, 1_000_000_000, 2_500_000_000, 5_000_000_000, 7_500_000_000,
    10_000_000_000,
  ]

  /// How many durations are in each bucket: longer than the bound before, and no longer than its own.
  public internal(set) var counts = [Int](repeating: 0, count: boundsInNanoseconds.count + 1)
  /// All durations together.
  public var sum: Duration { .nanoseconds(nanoseconds) }
  /// How many durations there are.
  public var count: Int { counts.reduce(0, +) }
  private var nanoseconds: Int64 = 0

  /// No durations.
  public init() {}

  /// Adds a duration of so many nanoseconds.
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
