/// A budget of operations of a stream or datagram socket that go through in a row before other tasks run.
struct SimulatedTurn {
  private static let length = 64
  private var count = 0

  /// Counts an operation that is about to be tried.
  ///
  /// - Returns: whether the task should yield first. If so, the next budget has begun.
  mutating func isOver() -> Bool {
    count += 1
    if count < Self.length { return false }
    count = 0
    return true
  }
}
