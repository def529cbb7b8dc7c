/// Bounds what a peer can have done that brings nobody any further, and costs it next to nothing to ask for.
///
/// A budget goes down with each such frame and up again with useful work and with time. A peer that uses it up gets
/// ENHANCE_YOUR_CALM (RFC 9113 section 10.5) and loses its connection.
struct FloodGuard: Sendable {
  private struct Budget {
    let bound: Int
    var left: Int

    init(_ bound: Int) {
      self.bound = bound
      left = bound
    }

    mutating func spend() -> Bool {
      left -= 1
      return left >= 0
    }

    mutating func refill(_ count: Int) { left = min(bound, left + count) }
  }

  /// Frames that ask for an answer or for bookkeeping and move no content: PING, SETTINGS, WINDOW_UPDATE, PRIORITY,
  /// PRIORITY_UPDATE, what is empty, and what is not known (CVE-2019-9511, 9512, 9513, 9515, 9517, 9518). A thousand of
  /// them take less than a millisecond, and no client that means well sends as many at once.
  private var overhead = Budget(1000)
  /// Streams that have come to nothing: reset by the peer before their response was whole (CVE-2023-44487), or by us
  /// for what the peer did (CVE-2025-8671), or refused, be it by a response of ours (400, 413, 431). Twice what may be
  /// open at once, so that a client which leaves a page may cancel all it has asked for, and that on the next page as well.
  private var failures = Budget(200)

  /// Updates of windows that the content we have sent makes room for. There is no bound: a client which has not read for
  /// a while has many to send, and each stands for content that it has taken.
  private var expectedUpdates = 0

  /// What is restored with each tick, of at least 10 ms: keep-alive pings of an idle client have to last for ever.
  private static let overheadPerTick = 16
  private static let failuresPerTick = 8
  /// A response lets its client adjust windows and priorities a few times.
  private static let overheadPerResponse = 4
  /// The simplest clients answer each DATA frame with an update of its stream's window and one of the connection's.
  private static let updatesPerData = 2

  mutating func spendOverhead() throws(HTTP2Error) {
    guard overhead.spend() else {
      throw .connection(.enhanceYourCalm, "There are too many frames that move no content.")
    }
  }

  /// Counts a WINDOW_UPDATE frame.
  mutating func spendUpdate() throws(HTTP2Error) {
    if expectedUpdates > 0 { expectedUpdates -= 1 } else { try spendOverhead() }
  }

  mutating func spendFailure() throws(HTTP2Error) {
    guard failures.spend() else {
      throw .connection(.enhanceYourCalm, "Too many streams come to nothing.")
    }
  }

  /// A response to a request that was not wrong has been sent whole.
  mutating func noteResponse() {
    overhead.refill(Self.overheadPerResponse)
    failures.refill(1)
  }

  /// Content has been sent, and no more of it was held back by a window that the peer opens drop by drop.
  mutating func noteContentSent() { expectedUpdates += Self.updatesPerData }

  /// A tick has gone by.
  mutating func noteTick() {
    overhead.refill(Self.overheadPerTick)
    failures.refill(Self.failuresPerTick)
  }
}
