public import Runtime
import RuntimePrimitives

/// The clock of a host in a simulation: it stands still while anything is ready to run, and then jumps to the next time
/// that somebody waits for.
///
/// Other clocks of the process tell the simulation's time as well, on its thread: `ContinuousClock`, `SuspendingClock`,
/// and `clock_gettime`. A host's ``ClockSkew`` is in its own clock alone.
public struct SimulatedClock: SleepingClock {
  /// A time on a host's clock.
  public struct Instant: InstantProtocol, CustomStringConvertible {
    /// How long it is after the simulation's beginning, by a clock without skew.
    public let offset: Duration

    public func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
    public func duration(to other: Instant) -> Duration { other.offset - offset }
    public static func < (a: Instant, b: Instant) -> Bool { a.offset < b.offset }

    /// As in "1.5 s".
    public var description: String { offset.text }
  }

  let host: SimulatedHost
  let simulation: Simulation

  /// The time on this host. To be asked in the simulation alone.
  public var now: Instant {
    simulation.assertCurrent()
    return Instant(offset: .nanoseconds(host.skew.hostTime(at: simulation.now)))
  }

  /// A nanosecond.
  public var minimumResolution: Duration { .nanoseconds(1) }

  /// Suspends the task until `deadline` by this host's clock, whatever the tolerance, in no real time. If the time has
  /// come already, the task yields.
  ///
  /// - Throws: `CancellationError` at once when the task is cancelled or the host's runtime is shut down.
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

/// How a host's clock differs from the simulation's.
public struct ClockSkew: Hashable, Sendable {
  /// How far it is ahead at the beginning.
  public var offset: Duration
  /// How many millionths too fast it runs; less than nothing is too slow, and a million times too slow would stand still.
  public var drift: Int

  /// A clock that is `offset` ahead and gains `drift` millionths of the time that passes.
  public init(offset: Duration = .zero, drift: Int = 0) {
    precondition(drift > -1_000_000, "a clock does not stand still or run backwards")
    self.offset = offset
    self.drift = drift
  }

  func hostTime(at time: Int64) -> Int64 {
    Int64(clamping: Int128(time) * Int128(1_000_000 + drift) / 1_000_000) + offset.nanoseconds
  }

  /// The first time at which the host's clock tells `time`, rounded up: a sleep is never early.
  func simulatedTime(at time: Int64) -> Int64 {
    let elapsed = Int128(time) - Int128(offset.nanoseconds)
    let rate = Int128(1_000_000 + drift)
    return Int64(clamping: (elapsed * 1_000_000 + rate - 1) / rate)
  }
}
