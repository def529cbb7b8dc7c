import RuntimePrimitives

/// Lets a line about a stall through once a second, and counts the others.
final class StallPace: Sendable {
  private let state = Lock(State())

  private struct State {
    /// When the next line may be written, in nanoseconds of the monotonic clock.
    var next: Int64 = 0
    var untold = 0
  }

  private static let pause: Int64 = 1_000_000_000

  /// How many stalls have had no line since the last one that did; `nil` if this one has none either.
  func next() -> Int? {
    let now = MonotonicTime.now
    return state.withLock { state in
      guard now >= state.next else {
        state.untold += 1
        return nil
      }
      defer { state = State(next: now + Self.pause) }
      return state.untold
    }
  }
}
