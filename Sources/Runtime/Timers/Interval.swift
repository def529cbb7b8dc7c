/// A sequence of clock ticks that do not drift: they are due at multiples of the period after the start, however long
/// the work between them takes.
///
/// ```swift
/// for await _ in Interval(every: .seconds(10), on: runtime.clock) { await report() }
/// ```
///
/// An element is the time at which the tick was due. The tick is delivered at that time or, if the work took longer, as
/// soon as it is requested. ``MissedTicks`` determines what happens to ticks that were due meanwhile. A tick is never
/// early. There is no tick at the start; do initial work before the loop.
///
/// Each iterator starts when it is created.
///
/// *Isolation:* the wait suspends the calling task and uses no thread. The loop continues on the executor of its task.
///
/// *Cancellation:* the sequence ends when the task is cancelled, or when the clock cannot sleep, for example because
/// its runtime has been shut down.
public struct Interval<C: Clock>: AsyncSequence, Sendable {
  public typealias Element = C.Instant
  public typealias Failure = Never

  private let period: C.Duration
  private let clock: C
  private let missed: MissedTicks

  /// Creates ticks every `period` on `clock`.
  ///
  /// - Parameters:
  ///   - period: the time between ticks. It must be longer than zero.
  ///   - clock: the clock that measures time, such as a runtime's ``AsyncRuntime/clock``.
  ///   - missed: what happens to ticks that were due while the work took longer than a period.
  public init(every period: C.Duration, on clock: C, missed: MissedTicks = .skip) {
    precondition(period > .zero, "the period of an Interval must be longer than zero, not \(period)")
    self.period = period
    self.clock = clock
    self.missed = missed
  }

  /// Returns an iterator whose first tick is due one period from now.
  public func makeAsyncIterator() -> Iterator {
    Iterator(interval: self, due: clock.now.advanced(by: period))
  }

  /// The iterator of an ``Interval``.
  public struct Iterator: AsyncIteratorProtocol {
    fileprivate let interval: Interval
    /// When the next tick is due; `nil` after the end.
    fileprivate var due: C.Instant?

    /// Waits until the next tick is due, and returns the time at which it was due.
    ///
    /// - Returns: `nil`, for this call and all later ones, once the task has been cancelled or the clock cannot sleep.
    public mutating func next(isolation actor: isolated (any Actor)? = #isolation) async -> C.Instant? {
      guard let tick = due else { return nil }
      due = nil
      do {
        try await interval.clock.sleep(until: tick, tolerance: nil)
      } catch {
        return nil
      }
      // Not every clock checks for cancellation if the time has already passed.
      guard !Task.isCancelled else { return nil }
      due = interval.tick(after: tick)
      return tick
    }
  }

  /// Returns when the tick after `tick`, which has just been due, is due.
  private func tick(after tick: C.Instant) -> C.Instant {
    var next = tick.advanced(by: period)
    let now = clock.now
    switch missed {
    case .skip:
      while next <= now {
        // One step skips all missed periods, apart from floating-point error. The count is limited to exact integers.
        let count = Swift.min(next.duration(to: now) / period, 0x1p53)
        next = next.advanced(by: period * Swift.max(1, Int(count)))
      }
      return next
    case .delay: return next <= now ? now.advanced(by: period) : next
    default: return next
    }
  }
}
