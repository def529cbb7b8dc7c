/// The date of messages, formatted at most once a second.
struct DateCache: Sendable {
  private var second = -1
  /// The line of HTTP/1, such as `Date: Sun, 06 Nov 1994 08:49:37 GMT`, with its CRLF. Empty before the first update.
  private(set) var line: [UInt8] = []
  /// The range of the date in ``line``.
  static let value = 6..<35

  /// Updates the date to `second`, counted from the beginning of 1970.
  ///
  /// - Returns: Whether the date has changed.
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
    line.removeAll(keepingCapacity: true)
    line.reserveCapacity(Self.value.upperBound + 2)
    line.append(contentsOf: "Date: ".utf8)
    HTTPDate.append(second, to: &line)
    line.append(contentsOf: "\r\n".utf8)
  }
}
