public import Runtime

/// The time of `ContinuousClock`, and sleep in the loop of the runtime.
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
