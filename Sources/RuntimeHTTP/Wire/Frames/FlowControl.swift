/// The bounds that both directions share (RFC 9113 section 6.9).
package enum FlowControl {
  /// What a window is before anybody says otherwise (section 6.9.2).
  package static var initialWindow: Int { 65_535 }
  /// What no window may exceed (section 6.9.1).
  static var largestWindow: Int { 0x7FFF_FFFF }
}

/// How much one end may still send: of one stream, or of all together.
package struct SendWindow: Sendable {
  /// Below zero once the peer has made its initial window smaller than what was on its way (section 6.9.2).
  package private(set) var available: Int

  package init(_ size: Int) { available = size }

  package mutating func consume(_ count: Int) { available -= count }

  /// Adds what a WINDOW_UPDATE frame, or a change of the initial window, gives.
  ///
  /// - Returns: whether the window is within its bound.
  package mutating func open(by count: Int) -> Bool {
    available += count
    return available <= FlowControl.largestWindow
  }
}

/// How much the peer may still send, and what it has to be told.
///
/// What has been read is not given back byte by byte: the peer hears of it once it is half of the window, so that an
/// update comes in good time for one that sends without a pause, and seldom.
struct ReceiveWindow: Sendable {
  /// What the window is to be when nothing is unread.
  private(set) var size: Int
  private(set) var available: Int
  /// What is to be given back, and has not been announced.
  private var pending = 0
  /// How much of what is read is not to be given back, since the window has been made smaller.
  private var debt = 0

  init(_ size: Int) {
    self.size = size
    available = size
  }

  /// Counts what has come.
  ///
  /// - Returns: whether the peer was allowed to send it.
  mutating func receive(_ count: Int) -> Bool {
    available -= count
    return available >= 0
  }

  /// Gives `count` bytes back.
  ///
  /// - Returns: by how much to increase the peer's window now; 0 for not yet.
  mutating func release(_ count: Int) -> Int {
    let paid = min(debt, count)
    debt -= paid
    pending += count - paid
    return pending > 0 && pending >= size / 2 ? announce() : 0
  }

  /// Makes the window larger, for which the peer hears at once.
  mutating func grow(to size: Int) -> Int {
    let size = min(size, FlowControl.largestWindow)
    guard size > self.size else { return 0 }
    let forgiven = min(debt, size - self.size)
    debt -= forgiven
    pending += size - self.size - forgiven
    self.size = size
    return announce()
  }

  /// Makes the window smaller. The peer may still send what it has been allowed to; less is given back for it.
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
