/// Bounds what a peer can have done that brings nobody any further, and costs it next to nothing to ask for.
///
/// A budget goes down with each such frame and up again with useful work and with time, as ``HTTP2Options/Allowance``
/// says. A peer that uses it up gets ENHANCE_YOUR_CALM (RFC 9113 section 10.5) and loses its connection.
struct FloodGuard: Sendable {
  private struct Budget {
    let allowance: HTTP2Options.Allowance
    private var left: Int
    /// What time has restored of the next unit, in thousandths.
    private var thousandths = 0

    init(_ allowance: HTTP2Options.Allowance) {
      self.allowance = allowance
      left = allowance.atOnce
    }

    mutating func spend() -> Bool {
      guard left > 0 else { return false }
      left -= 1
      return true
    }

    /// An allowance may be as large as an `Int`, so that what is added is compared and not the sum.
    mutating func refill(_ count: Int) { left += min(count, allowance.atOnce - left) }

    mutating func refill(milliseconds: Int) {
      let (product, overflows) = allowance.perSecond.multipliedReportingOverflow(by: milliseconds)
      if overflows { return refill(.max) }
      refill(product / 1000)
      thousandths += product % 1000
      guard thousandths >= 1000 else { return }
      thousandths -= 1000
      refill(1)
    }
  }

  /// Frames that ask for an answer or for bookkeeping and move no content: PING, SETTINGS, WINDOW_UPDATE, PRIORITY,
  /// PRIORITY_UPDATE, what is empty, and what is not known (CVE-2019-9511, 9512, 9513, 9515, 9517, 9518); and requests
  /// that are refused for no fault of the client's.
  private var overhead: Budget
  /// Streams that have come to nothing: reset by the peer soon and before any of their response had left
  /// (CVE-2023-44487), or by us for what the peer did (CVE-2025-8671), or refused, be it by a response of ours (400, 413,
  /// 431).
  private var failures: Budget
  /// Updates of windows that the content we have sent makes room for. There is no bound: a client which has not read for
  /// a while has many to send, and each stands for content that it has taken.
  private var expectedUpdates = 0
  private let tickMilliseconds: Int

  /// A response lets its client adjust windows and priorities a few times.
  private static let overheadPerResponse = 4
  /// Content pays for a PING that measures the connection by it, and for the SETTINGS that follow from that, as gRPC's
  /// clients send them. So frames that move content are at least a third of all.
  private static let overheadPerContent = 2
  /// A frame with less content does not speak for the peer that has sent it, or has opened a window no further for it
  /// (CVE-2019-9511, data dribble).
  private static let leastUsefulContent = 256
  /// The simplest clients answer each DATA frame with an update of its stream's window and one of the connection's;
  /// others answer each piece that their caller reads, of a few kilobytes.
  private static let updatesPerPiece = 2
  private static let pieceLength = 2048

  /// - Parameter tickLength: how long a tick is at least.
  init(_ options: HTTP2Options, tickLength: Duration) {
    overhead = Budget(options.overheadAllowance)
    failures = Budget(options.failureAllowance)
    // A tick is a second at most, so that this fits.
    tickMilliseconds = Int(tickLength / .milliseconds(1))
  }

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

  /// Counts a stream that the peer has reset before any of its response had left, that many ticks after it was opened.
  ///
  /// A peer that waits before it gives up gets no more done than the number of streams allows, which is no flood.
  mutating func spendReset(afterTicks ticks: UInt64) throws(HTTP2Error) {
    // The tick in which it was opened is not a whole one.
    let wholeTicks = max(1, ticks) - 1
    if wholeTicks <= 1000, Int(wholeTicks) * tickMilliseconds < 1000 { try spendFailure() }
  }

  /// The peer has had a response to a request that was not wrong, or as much of it as it wanted.
  mutating func noteResponse() {
    overhead.refill(Self.overheadPerResponse)
    failures.refill(1)
  }

  /// Content has been sent: `count` bytes in one frame.
  ///
  /// - Parameter isCut: whether a window of the peer's held more of it back.
  mutating func noteContentSent(_ count: Int, isCut: Bool = false) {
    if isCut, count < Self.leastUsefulContent { return }
    expectedUpdates += Self.updatesPerPiece * (1 + count / Self.pieceLength)
    overhead.refill(Self.overheadPerContent)
  }

  /// Content has come: `count` bytes in one frame.
  mutating func noteContentReceived(_ count: Int) {
    if count >= Self.leastUsefulContent { overhead.refill(Self.overheadPerContent) }
  }

  /// A tick has gone by.
  mutating func noteTick() {
    overhead.refill(milliseconds: tickMilliseconds)
    failures.refill(milliseconds: tickMilliseconds)
  }
}
