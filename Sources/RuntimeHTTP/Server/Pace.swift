/// How far a peer lags behind the least that it has to send, or take, while it is waited for.
///
/// Waiting uses up the peer's patience, tick by tick, and each byte that moves gives some of it back. So a peer that moves
/// a byte now and then, just in time for every wait, has no more time than one that moves none.
struct Pace: Sendable {
  /// The least: so many bytes in so many ticks.
  struct Rule: Sendable {
    let length: UInt64
    let patience: UInt64

    init(length: Int, patience: UInt64) {
      self.length = UInt64(max(1, length))
      self.patience = patience
    }
  }

  /// The ticks that have been waited and not given back, times the rule's length, so that a byte gives back a whole number.
  private var debt: UInt64 = 0
  /// The tick at which the wait began that goes on, if one does.
  private var begin: UInt64?

  /// Begins to wait at tick `now`, or goes on.
  ///
  /// - Returns: the tick at which the wait has been too long; that under way does not count.
  mutating func wait(at now: UInt64, _ rule: Rule) -> UInt64 {
    let begin = begin ?? now
    self.begin = begin
    return begin + rule.patience - min(rule.patience, debt / rule.length) + 1
  }

  /// Ends the wait, if there is one, with `count` bytes at tick `now`.
  mutating func move(_ count: Int, at now: UInt64, _ rule: Rule) {
    if let begin { debt += (now - begin) * rule.length }
    begin = nil
    debt -= min(debt, UInt64(count) * rule.patience)
  }
}
