/// Limits how much useless work a peer can cause at almost no cost to itself.
///
/// Each frame that causes such work reduces a budget, and useful work and time restore it, as
/// ``HTTP2Options/Allowance`` describes. A peer that exhausts it gets ENHANCE_YOUR_CALM (RFC 9113 section 10.5) and
/// loses its connection.
struct FloodGuard: Sendable {
  private struct Budget {
    let allowance: HTTP2Options.Allowance
    private var left: Int
    /// The fraction of the next unit that time has restored, in thousandths.
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

    /// Restores up to `count` units. An allowance may be as large as an `Int`, so the sum is never computed.
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

  /// The budget for frames that demand an answer or bookkeeping but carry no content: PING, SETTINGS, WINDOW_UPDATE,
  /// PRIORITY, PRIORITY_UPDATE, empty and unknown frames (CVE-2019-9511, 9512, 9513, 9515, 9517, 9518); and for
  /// requests that are refused without fault of the client.
  private var overhead: Budget
  /// The budget for failed streams: reset by the peer early and before any of the response was sent (CVE-2023-44487),
  /// reset by us for an error of the peer (CVE-2025-8671), or refused, also by a response (400, 413, 431).
  private var failures: Budget
  /// The number of WINDOW_UPDATE frames that the content sent so far accounts for. It has no limit: a client that has
  /// not read for a while has many to send, and each stands for content that it has received.
  private var expectedUpdates = 0
  private let tickMilliseconds: Int

  /// After a response, a client may adjust windows and priorities a few times.
  private static let overheadPerResponse = 4
  /// Content pays for a PING that measures the connection and for the SETTINGS that follow from it, as gRPC clients
  /// send them. So at least a third of all frames carry content.
  private static let overheadPerContent = 2
  /// A frame with less content does not count in favour of a peer that sent it, or whose window limited it to this
  /// length (CVE-2019-9511, data dribble).
  private static let leastUsefulContent = 256
  /// The simplest clients answer each DATA frame with updates of the stream's and the connection's windows; others send
  /// updates for each piece of a few kilobytes that their caller reads.
  private static let updatesPerPiece = 2
  private static let pieceLength = 2048

  /// - Parameter tickLength: The minimum length of a tick.
  init(_ options: HTTP2Options, tickLength: Duration) {
    overhead = Budget(options.overheadAllowance)
    failures = Budget(options.failureAllowance)
    // A tick is at most a second, so this fits.
    tickMilliseconds = Int(tickLength / .milliseconds(1))
  }

  mutating func spendOverhead() throws(HTTP2Error) {
    guard overhead.spend() else {
      throw .connection(.enhanceYourCalm, "There are too many frames without content.")
    }
  }

  /// Counts a WINDOW_UPDATE frame.
  mutating func spendUpdate() throws(HTTP2Error) {
    if expectedUpdates > 0 { expectedUpdates -= 1 } else { try spendOverhead() }
  }

  mutating func spendFailure() throws(HTTP2Error) {
    guard failures.spend() else {
      throw .connection(.enhanceYourCalm, "Too many streams fail.")
    }
  }

  /// Counts a stream that the peer reset before any of its response was sent, `ticks` ticks after it was opened.
  ///
  /// A reset after a second or more is not counted: the number of concurrent streams already limits what such a peer
  /// can cause.
  mutating func spendReset(afterTicks ticks: UInt64) throws(HTTP2Error) {
    // The tick in which the stream was opened was not a whole one.
    let wholeTicks = max(1, ticks) - 1
    if wholeTicks <= 1000, Int(wholeTicks) * tickMilliseconds < 1000 { try spendFailure() }
  }

  /// Restores the budgets for a response to a valid request, or for the part of it that the peer wanted.
  mutating func noteResponse() {
    overhead.refill(Self.overheadPerResponse)
    failures.refill(1)
  }

  /// Restores the budget for `count` bytes of content sent in one frame.
  ///
  /// - Parameter isCut: Whether the peer's window limited the frame.
  mutating func noteContentSent(_ count: Int, isCut: Bool = false) {
    if isCut, count < Self.leastUsefulContent { return }
    expectedUpdates += Self.updatesPerPiece * (1 + count / Self.pieceLength)
    overhead.refill(Self.overheadPerContent)
  }

  /// Restores the budget for `count` bytes of content received in one frame.
  mutating func noteContentReceived(_ count: Int) {
    if count >= Self.leastUsefulContent { overhead.refill(Self.overheadPerContent) }
  }

  /// Restores the budgets for a tick.
  mutating func noteTick() {
    overhead.refill(milliseconds: tickMilliseconds)
    failures.refill(milliseconds: tickMilliseconds)
  }
}
