/// The date that a message is sent at, made at most once a second and kept for the messages of that second.
struct DateCache: Sendable {
  private var second = -1
  /// The line of HTTP/1, as in `Date: Sun, 06 Nov 1994 08:49:37 GMT` with a CRLF; empty before the first update.
  private(set) var line: [UInt8] = []
  /// Where the date is in ``line``.
  static let value = 6..<35

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
    line.removeAll(keepingCapacity: true)
    line.append(contentsOf: "Date: ".utf8)
    HTTPDate.append(second, to: &line)
    line.append(contentsOf: "\r\n".utf8)
  }
}
