public import Runtime

/// A clock with the time of `ContinuousClock` that sleeps in the runtime's loop.
public struct PollClock: SleepingClock {
  public typealias Instant = ContinuousClock.Instant

  let loop: RunLoop

  public var now: Instant { .now }
  public var minimumResolution: Duration { .milliseconds(1) }

  public func sleep(until deadline: Instant, tolerance: Duration? = nil) async throws {
    try Task.checkCancellation()
    guard deadline > .now else { return await Task.yield() }
    if await loop.wait(until: deadline) != nil { throw CancellationError() }
  }
}
