/// Tracks how far a peer falls behind the minimum rate at which it must send or receive while the server waits for it.
///
/// Waiting uses up the peer's patience tick by tick, and each byte moved restores some of it. So a peer that moves a
/// single byte just in time for every wait gets no more time than one that moves none.
struct Pace: Sendable {
  /// The minimum rate: `length` bytes in `patience` ticks.
  struct Rule: Sendable {
    let length: UInt64
    let patience: UInt64

    init(length: Int, patience: UInt64) {
      self.length = UInt64(max(1, length))
      self.patience = patience
    }
  }

  /// The ticks waited and not yet restored, times the rule's length, so that each byte restores a whole number.
  private var debt: UInt64 = 0
  /// The tick at which the current wait began, if there is one.
  private var waitStart: UInt64?

  /// Begins a wait at tick `now`, or continues the current one.
  ///
  /// - Returns: The tick at which the wait expires. The tick in progress does not count.
  mutating func beginWait(at now: UInt64, _ rule: Rule) -> UInt64 {
    let start = waitStart ?? now
    waitStart = start
    return start + rule.patience - min(rule.patience, debt / rule.length) + 1
  }

  /// Records that `count` bytes have moved at tick `now`, and ends the current wait if there is one.
  mutating func recordProgress(of count: Int, at now: UInt64, _ rule: Rule) {
    if let waitStart { debt += (now - waitStart) * rule.length }
    waitStart = nil
    debt -= min(debt, UInt64(count) * rule.patience)
  }
}
