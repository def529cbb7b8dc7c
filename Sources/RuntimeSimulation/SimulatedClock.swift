public import Runtime
import RuntimePrimitives

/// The clock of a simulated host. It stands still while any task is ready to run, and then jumps to the next time that
/// a task waits for.
///
/// On the simulation's thread, the process's other clocks give simulated time as well: `ContinuousClock`,
/// `SuspendingClock` and `clock_gettime`. A host's ``ClockSkew`` affects this clock only.
public struct SimulatedClock: SleepingClock {
  /// A time on a host's clock.
  public struct Instant: InstantProtocol, CustomStringConvertible {
    /// The time since the simulation began; on a host with a skew, as its clock shows it.
    public let offset: Duration

    public func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
    public func duration(to other: Instant) -> Duration { other.offset - offset }
    public static func < (a: Instant, b: Instant) -> Bool { a.offset < b.offset }

    /// The offset as text, as in "1.5 s".
    public var description: String { offset.text }
  }

  let host: SimulatedHost
  let simulation: Simulation

  /// The present time on this host. Use it in the simulation only.
  public var now: Instant {
    simulation.assertCurrent()
    return Instant(offset: .nanoseconds(host.skew.hostTime(at: simulation.now)))
  }

  /// One nanosecond.
  public var minimumResolution: Duration { .nanoseconds(1) }

  /// Suspends the task until this host's clock shows `deadline`, without real time passing. Ignores the tolerance. If
  /// the deadline has passed, the task yields.
  ///
  /// - Throws: `CancellationError`, as soon as the task is cancelled or the host is shut down.
  public func sleep(until deadline: Instant, tolerance: Duration? = nil) async throws {
    simulation.assertCurrent()
    try Task.checkCancellation()
    if now >= deadline { return await Task.yield() }
    if host.isClosed || simulation.owners.isCurrentDead { throw CancellationError() }
    let time = host.skew.simulatedTime(at: deadline.offset.nanoseconds)
    simulation.journal.record(.slept(until: time, on: host))
    switch await simulation.wait(on: host.number, for: .sleep(until: time), until: time) {
    case .cancelled, .closed: throw CancellationError()
    case .ready, .timeUp: break
    }
  }
}

/// The difference of a host's clock from the simulation's.
public struct ClockSkew: Hashable, Sendable {
  /// The time by which the clock is ahead when the simulation begins.
  public var offset: Duration
  /// The rate by which the clock is fast, in millionths. A negative value is slow; -1,000,000 would stand still.
  public var drift: Int

  /// Creates a skew of a clock that is `offset` ahead and gains `drift` millionths of the time that passes.
  ///
  /// - Parameters:
  ///   - offset: the time by which the clock is ahead when the simulation begins.
  ///   - drift: the rate by which it is fast, in millionths; more than -1,000,000.
  public init(offset: Duration = .zero, drift: Int = 0) {
    precondition(drift > -1_000_000, "a clock does not stand still or run backwards")
    self.offset = offset
    self.drift = drift
  }

  func hostTime(at time: Int64) -> Int64 {
    Int64(clamping: Int128(time) * Int128(1_000_000 + drift) / 1_000_000) + offset.nanoseconds
  }

  /// Returns the first simulated time at which the host's clock shows `time`, rounded up so that no sleep ends early.
  func simulatedTime(at time: Int64) -> Int64 {
    let elapsed = Int128(time) - Int128(offset.nanoseconds)
    let rate = Int128(1_000_000 + drift)
    return Int64(clamping: (elapsed * 1_000_000 + rate - 1) / rate)
  }
}
