import RuntimePrimitives

/// Limits lines about stalls to one a second, and counts the stalls in between.
final class StallPace: Sendable {
  private let state = Lock(State())

  private struct State {
    /// The earliest time of the next line, in nanoseconds of the monotonic clock.
    var next: Int64 = 0
    var unreported = 0
  }

  private static let pause: Int64 = 1_000_000_000

  /// Returns the number of stalls without a line since the last line, or `nil` if this one gets no line either.
  func next() -> Int? {
    let now = MonotonicTime.now
    return state.withLock { state in
      guard now >= state.next else {
        state.unreported += 1
        return nil
      }
      defer { state = State(next: now + Self.pause) }
      return state.unreported
    }
  }
}
