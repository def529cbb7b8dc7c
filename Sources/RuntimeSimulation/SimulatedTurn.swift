/// The operations of a stream, or of a socket for datagrams, that go through in a row before other tasks have a turn.
struct SimulatedTurn {
  private static let length = 64
  private var count = 0

  /// Counts an operation that is about to be tried.
  ///
  /// - Returns: whether others are to have a turn first; then the next turn has begun.
  mutating func isOver() -> Bool {
    count += 1
    if count < Self.length { return false }
    count = 0
    return true
  }
}
