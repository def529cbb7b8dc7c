/// The date that a message is sent at, made at most once a second and kept for the messages of that second.
struct DateCache: Sendable {
  private var second = -1
  /// As in `Sun, 06 Nov 1994 08:49:37 GMT`; empty before the first update.
  private(set) var bytes: [UInt8] = []

  /// Brings the date up to `second`, counted from the beginning of 1970.
  ///
  /// - Returns: whether it was another one before.
  @inline(__always)
  @discardableResult
  mutating func update(to second: Int) -> Bool {
    guard second != self.second else { return false }
    format(second)
    return true
  }

  @inline(never)
  private mutating func format(_ second: Int) {
    self.second = second
    bytes.removeAll(keepingCapacity: true)
    HTTPDate.append(second, to: &bytes)
  }
}
