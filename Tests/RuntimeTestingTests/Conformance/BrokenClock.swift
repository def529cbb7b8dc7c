import Glibc
import Runtime

/// A clock that forwards to another, and breaks one promise.
struct BrokenClock<Base: SleepingClock>: SleepingClock {
  typealias Instant = Base.Instant

  private let base: Base
  private let flaw: Flaw?
  private let memory: Memory
  private let onAThread: @Sendable (_ work: sending @escaping () throws -> Void) async throws -> Void

  init(
    _ base: Base, _ flaw: Flaw?, _ memory: Memory,
    onAThread: @escaping @Sendable (_ work: sending @escaping () throws -> Void) async throws -> Void
  ) {
    self.base = base
    self.flaw = flaw
    self.memory = memory
    self.onAThread = onAThread
  }

  var now: Instant {
    flaw == .hasClocksOutOfStep && memory.next() % 2 == 0 ? base.now.advanced(by: .seconds(-1)) : base.now
  }

  var minimumResolution: Duration { base.minimumResolution }

  func sleep(until deadline: Instant, tolerance: Duration?) async throws {
    let duration = now.duration(to: deadline)
    switch flaw {
    case .wakesEarly: return try await base.sleep(until: deadline.advanced(by: .milliseconds(-1)), tolerance: nil)
    case .wakesEarlyByTolerance:
      return try await base.sleep(until: deadline.advanced(by: .zero - (tolerance ?? .zero)), tolerance: nil)
    case .keepsOneTimer:
      while memory.set() { try await Task.sleep(for: .milliseconds(1)) }
      defer { memory.clear() }
      return try await base.sleep(until: deadline, tolerance: nil)
    case .keepsATimerATask:
      guard let memory = Memory.ofTask else { return try await base.sleep(until: deadline, tolerance: nil) }
      while memory.set() { try await Task.sleep(for: .milliseconds(1)) }
      defer { memory.clear() }
      return try await base.sleep(until: deadline, tolerance: nil)
    case .waitsForThePast where duration < .seconds(-1): return try await Task.sleep(for: .seconds(3600))
    case .spinsForNoTime where duration <= .zero: return try Task.checkCancellation()
    case .takesLongForNothing where duration > .seconds(1_000_000_000): return
    case .sleepsOnAWorker:
      // Bounded, since the worker has to end.
      let end = min(deadline, now.advanced(by: .seconds(10)))
      while now < end { usleep(1000) }
      return try Task.checkCancellation()
    case .wakesAllWhenOneIsCancelled:
      while now < deadline {
        if Task.isCancelled { memory.set() }
        if memory.hasBeenSet { throw CancellationError() }
        try? await base.sleep(until: min(deadline, now.advanced(by: .milliseconds(1))), tolerance: nil)
      }
    case .ignoresACancelledSleep:
      return await Task.detached { try? await base.sleep(until: deadline, tolerance: nil) }.value ?? ()
    case .looksRarely:
      try await base.sleep(until: deadline, tolerance: tolerance)
      for _ in 0..<100 { await Task.yield() }
    case .leavesSleeps: return try await Task.sleep(for: duration)
    case .sleepsOnAThread: return try await onAThread { usleep(2_000_000) }
    default: return try await base.sleep(until: deadline, tolerance: tolerance)
    }
  }
}
