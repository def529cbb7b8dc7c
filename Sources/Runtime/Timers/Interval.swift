/// Ticks of a clock, one a period, that do not drift: they are due one period after the start, two periods, three, and so
/// on, however long the work between them takes.
///
/// ```swift
/// for await _ in Interval(every: .seconds(10), on: runtime.clock) { await report() }
/// ```
///
/// A tick is the time at which it was due. It comes then or, if the work took longer, as soon as it is asked for;
/// ``MissedTicks`` says what happens to those that were due meanwhile. A tick is never early. What is to be done at the
/// start is done before the loop.
///
/// Each iterator starts anew, when it is made.
///
/// *Isolation:* the wait suspends the calling task and costs no thread; the loop goes on where it was.
///
/// *Cancellation:* the ticks end when the task is cancelled, and when the clock cannot sleep any longer, as a runtime's
/// cannot once the runtime has been shut down.
public struct Interval<C: Clock>: AsyncSequence, Sendable {
  public typealias Element = C.Instant
  public typealias Failure = Never

  private let period: C.Duration
  private let clock: C
  private let missed: MissedTicks

  /// Ticks every `period` on `clock`.
  ///
  /// - Parameters:
  ///   - period: the time from one tick to the next. It must be longer than zero.
  ///   - clock: the clock that tells the time, such as a runtime's ``AsyncRuntime/clock``.
  ///   - missed: what happens to ticks that were due while the work took longer than a period.
  public init(every period: C.Duration, on clock: C, missed: MissedTicks = .skip) {
    precondition(period > .zero, "the period of an Interval is longer than zero, and not \(period)")
    self.period = period
    self.clock = clock
    self.missed = missed
  }

  /// Starts: the first tick is due one period from now.
  public func makeAsyncIterator() -> Iterator {
    Iterator(interval: self, due: clock.now.advanced(by: period))
  }

  /// The ticks from one start.
  public struct Iterator: AsyncIteratorProtocol {
    fileprivate let interval: Interval
    /// When the next tick is due; `nil` after the end.
    fileprivate var due: C.Instant?

    /// Waits until the next tick is due, and gives the time at which it was due.
    ///
    /// - Returns: `nil`, now and ever after, once the task has been cancelled or the clock cannot sleep any longer.
    public mutating func next(isolation actor: isolated (any Actor)? = #isolation) async -> C.Instant? {
      guard let tick = due else { return nil }
      due = nil
      do {
        try await interval.clock.sleep(until: tick, tolerance: nil)
      } catch {
        return nil
      }
      // Not every clock looks whether the task is cancelled if the time has come already.
      guard !Task.isCancelled else { return nil }
      due = interval.tick(after: tick)
      return tick
    }
  }

  /// When the tick after `tick`, which has come just now, is due.
  private func tick(after tick: C.Instant) -> C.Instant {
    var next = tick.advanced(by: period)
    let now = clock.now
    switch missed {
    case .skip:
      while next <= now {
        // In one step, but for what floating point leaves. No more periods at once than it can count one by one.
        let count = Swift.min(next.duration(to: now) / period, 0x1p53)
        next = next.advanced(by: period * Swift.max(1, Int(count)))
      }
      return next
    case .delay: return next <= now ? now.advanced(by: period) : next
    default: return next
    }
  }
}
