import Runtime
import RuntimeKit
import RuntimePrimitives
import RuntimeSimulation
import Testing

/// The timer wheels of the custom backend, and its sleep queue, in virtual time. On a simulation's thread the monotonic
/// clock gives virtual time, so waits of years are over at once.
struct SleepQueueSimulationTests {
  /// The longest wait is 2⁵⁷ ns, four and a half years: twice as far as a wheel reaches.
  private static let longestExponent: Int64 = 57
  private static let limits: SimulationLimits = {
    var limits = SimulationLimits()
    limits.time = .seconds(100 * 31_536_000)
    return limits
  }()

  /// Returns a random time. Short and long times are equally frequent.
  private static func time() -> Int64 { .random(in: 0...1 << Int64.random(in: 0...longestExponent)) }

  @Test func `A sleeper wakes with the tick after its deadline, or at once when cancelled or closed`()
    async throws
  {
    try await simulate(seeds: Seeds.many, limits: Self.limits) { runtime in
      let dormitories = (0..<3).map { _ in Dormitory(on: runtime) }
      try await withThrowingTaskGroup { group in
        for dormitory in dormitories {
          for _ in 0..<30 { group.addTask { try await Self.sleepSometimes(in: dormitory, on: runtime) } }
        }
        group.addTask {
          try await runtime.clock.sleep(for: .nanoseconds(Self.time()))
          dormitories[0].close()
        }
        try await group.waitForAll()
      }
      for dormitory in dormitories {
        try expect(dormitory.queue.count == 0, "\(dormitory.queue.count) sleep still")
        await dormitory.end()
      }
      try await runtime.expectNothingLeft()
    }
  }

  @Test func `A thousand sleepers with the same deadline wake together`() async throws {
    try await simulate(seeds: Seeds.few, limits: Self.limits) { runtime in
      let dormitory = Dormitory(on: runtime)
      let deadline = MonotonicTime.now + Self.time()
      try await withThrowingTaskGroup { group in
        for _ in 0..<1000 {
          group.addTask {
            let start = MonotonicTime.now
            let nap = Nap(start: start, deadline: deadline, wasDue: await dormitory.sleep(until: deadline))
            try nap.check(cancelled: nil, closed: nil)
          }
        }
        try await group.waitForAll()
      }
      try expect(dormitory.turns <= 20, "it took \(dormitory.turns) turns")
      await dormitory.end()
    }
  }

  /// Sleeps three times, and is cancelled now and then.
  private static func sleepSometimes(in dormitory: Dormitory, on runtime: SimulatedRuntime) async throws {
    for _ in 0..<3 {
      try await runtime.clock.sleep(for: .nanoseconds(time()))
      // A deadline may have passed already.
      let deadline = MonotonicTime.now + time() - Int64.random(in: 0...10_000_000)
      let sleeper = runtime.spawn {
        let start = MonotonicTime.now
        return Nap(start: start, deadline: deadline, wasDue: await dormitory.sleep(until: deadline))
      }
      var cancelled: Int64?
      if Int.random(in: 0..<4) == 0 {
        try await runtime.clock.sleep(for: .nanoseconds(time()))
        cancelled = MonotonicTime.now
        sleeper.cancel()
      }
      try await sleeper.value.check(cancelled: cancelled, closed: dormitory.closed)
    }
  }
}

/// One sleep, in nanoseconds of the monotonic clock.
private struct Nap {
  let start: Int64
  let deadline: Int64
  /// Whether the sleep ended because of its deadline.
  let wasDue: Bool
  let end = MonotonicTime.now

  /// Checks that the sleep ended at the right time. `cancelled` and `closed` are the times of those events, if they
  /// happened.
  func check(cancelled: Int64?, closed: Int64?) throws {
    if wasDue {
      // A tick is a millisecond. A sleep whose deadline has passed before it begins waits for the next tick.
      let tick = max((deadline + 999_999) / 1_000_000, start / 1_000_000 + 1)
      try expect(end >= deadline, "it was \(deadline - end) ns early: \(self)")
      try expect(end <= tick * 1_000_000, "it was \(end - tick * 1_000_000) ns late: \(self)")
    } else {
      let times = [cancelled, closed].compactMap(\.self)
      try expect(times.contains { max($0, start) == end }, "it was not woken at any of \(times): \(self)")
    }
  }
}

/// A sleep queue, and a task that fires it when needed, as a worker or a poller's thread does.
private final class Dormitory: Sendable {
  let queue: SleepQueue
  private let alarm: Alarm
  private let turning: Task<Void, any Error>
  private let closing = Lock<Int64?>(nil)

  /// The sleep of that task between two calls of `fire`.
  private final class Alarm: Sendable {
    struct State {
      var sleep: Task<Void, any Error>?
      var isOver = false
      var turns = 0
    }

    let state = Lock(State())

    /// Makes the task fire the queue now.
    func ring() { state.withLock { $0.sleep }?.cancel() }
  }

  init(on runtime: SimulatedRuntime) {
    let alarm = Alarm()
    let queue = SleepQueue { _ in alarm.ring() }
    turning = runtime.spawn {
      while !alarm.state.withLock({ $0.isOver }) {
        let next = queue.fire() ?? .max
        let sleep = runtime.spawn { try await runtime.clock.sleep(for: .nanoseconds(next - MonotonicTime.now)) }
        alarm.state.withLock { state in
          state.turns += 1
          state.sleep = sleep
        }
        _ = await sleep.result
      }
    }
    (self.queue, self.alarm) = (queue, alarm)
  }

  /// - Returns: whether the deadline ended the sleep.
  func sleep(until deadline: Int64) async -> Bool {
    do {
      try await queue.sleep(until: deadline)
      return true
    } catch {
      return false
    }
  }

  func close() {
    closing.withLock { $0 = MonotonicTime.now }
    queue.close()
  }

  /// When the queue was closed.
  var closed: Int64? { closing.withLock(\.self) }

  /// The number of times that the queue has been fired.
  var turns: Int { alarm.state.withLock(\.turns) }

  func end() async {
    alarm.state.withLock { $0.isOver = true }
    alarm.ring()
    _ = await turning.result
  }
}
