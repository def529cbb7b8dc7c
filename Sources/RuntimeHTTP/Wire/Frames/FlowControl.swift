/// The limits of flow control in both directions (RFC 9113 section 6.9).
package enum FlowControl {
  /// The size of a window until settings change it (section 6.9.2).
  package static var initialWindow: Int { 65_535 }
  /// The largest allowed window (section 6.9.1).
  static var largestWindow: Int { 0x7FFF_FFFF }
}

/// The number of bytes that one end may still send, on one stream or on the whole connection.
package struct SendWindow: Sendable {
  /// The number of bytes that may be sent. Negative if the peer has reduced its initial window below what was in flight
  /// (section 6.9.2).
  package private(set) var available: Int

  package init(_ size: Int) { available = size }

  package mutating func consume(_ count: Int) { available -= count }

  /// Adds the increment of a WINDOW_UPDATE frame, or of a change of the initial window.
  ///
  /// - Returns: Whether the window is within its limit.
  package mutating func open(by count: Int) -> Bool {
    available += count
    return available <= FlowControl.largestWindow
  }
}

/// The number of bytes that the peer may still send, and the updates to send to it.
///
/// Bytes that have been read are not returned one by one. An update is sent once they make up half of the window, so
/// that updates are rare and still in time for a peer that sends without pause.
struct ReceiveWindow: Sendable {
  /// The size of the window when everything received has been read.
  private(set) var size: Int
  private(set) var available: Int
  /// The number of bytes to return to the peer that have not been announced.
  private var pending = 0
  /// The number of read bytes that are not returned, because the window has shrunk.
  private var debt = 0

  init(_ size: Int) {
    self.size = size
    available = size
  }

  /// Counts bytes that were received.
  ///
  /// - Returns: Whether the peer was allowed to send them.
  mutating func receive(_ count: Int) -> Bool {
    available -= count
    return available >= 0
  }

  /// Returns `count` bytes to the window.
  ///
  /// - Returns: The increment to send to the peer now; 0 if there is none yet.
  mutating func release(_ count: Int) -> Int {
    let paid = min(debt, count)
    debt -= paid
    pending += count - paid
    return pending > 0 && pending >= size / 2 ? announce() : 0
  }

  /// Enlarges the window. Returns the increment to send to the peer now.
  mutating func grow(to size: Int) -> Int {
    let size = min(size, FlowControl.largestWindow)
    guard size > self.size else { return 0 }
    let forgiven = min(debt, size - self.size)
    debt -= forgiven
    pending += size - self.size - forgiven
    self.size = size
    return announce()
  }

  /// Reduces the window. The peer may still send what it has been allowed to; less is returned for it.
  mutating func shrink(to size: Int) {
    guard size < self.size else { return }
    debt += self.size - size
    self.size = size
  }

  private mutating func announce() -> Int {
    let increment = pending
    available += increment
    pending = 0
    return increment
  }
}
