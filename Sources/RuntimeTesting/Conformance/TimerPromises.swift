import Runtime
import Synchronization

extension RuntimeConformance {
  static let timers: [Case] = [
    Case("A sleep on the runtime's clock is never early", .timers) { runtime in
      try await expectNeverEarly(on: runtime) { try await runtime.clock.sleep(for: $0) }
    },

    Case("Swift's own sleeps are never early in a task of the runtime", .timers) { runtime in
      try await expectNeverEarly(on: runtime) { try await Task.sleep(for: $0) }
      try await expectNeverEarly(on: runtime) { try await ContinuousClock().sleep(until: .now + $0) }
      try await expectNeverEarly(on: runtime) { try await SuspendingClock().sleep(until: .now + $0) }
    },

    Case("A tolerance does not make a sleep end early", .timers) { runtime in
      try await expectNeverEarly(on: runtime) { try await runtime.clock.sleep(for: $0, tolerance: .seconds(10)) }
    },

    Case("The runtime's clock advances by at least the duration of a sleep on it", .timers) { runtime in
      try await expectForwards(runtime.clock)
    },

    Case("Many sleeps at once all end, and none of them early", .timers) { runtime in
      try await expectAllEnd(1000, on: runtime)
    },

    Case("Sleeping for zero time, or until a past time, does not wait", .timers) { runtime in
      try await runtime.spawnAndWait("a sleep of no time") { try await runtime.clock.sleep(for: .zero) }
      try await runtime.spawnAndWait("a sleep of -5 s") { try await runtime.clock.sleep(for: .seconds(-5)) }
      try await runtime.spawnAndWait("Task.sleep of no time") { try await Task.sleep(for: .zero) }
    },

    Case("Sleeping for zero time in a loop lets other tasks run", .timers) { runtime in
      for duration in [Duration.zero, .nanoseconds(1), .seconds(-5)] {
        try await expectTurn(beside: "loops of sleeps of \(duration)", on: runtime) {
          try await runtime.clock.sleep(for: duration)
        }
      }
    },

    Case("A short sleep ends in time even if a long one began before it", .timers) { runtime in
      let long = runtime.spawn { try await runtime.clock.sleep(for: .seconds(3600)) }
      try await runtime.spawnAndWait("a task that lets the sleep begin") { for _ in 0..<10 { await Task.yield() } }
      for _ in 0..<10 {
        // From outside and inside the runtime: in both cases the waiting thread has to learn of the earlier deadline.
        try await expectEnd(of: "a sleep of 2 ms from outside") { try await runtime.clock.sleep(for: .milliseconds(2)) }
        try await runtime.spawnAndWait("a sleep of 2 ms from inside") {
          try await runtime.clock.sleep(for: .milliseconds(2))
        }
      }
      long.cancel()
      try await expectCancellation(of: "the long sleep") { try await long.value }
    },

    Case("A sleep that is too long to be counted waits like any other", .timers) { runtime in
      let forEver = runtime.spawn { try await runtime.clock.sleep(for: .seconds(Int64.max / 4)) }
      try await runtime.spawnAndWait("a sleep of 1 ms beside it") {
        try await runtime.clock.sleep(for: .milliseconds(1))
      }
      forEver.cancel()
      try await expectCancellation(of: "the sleep of 70 thousand million years") { try await forEver.value }
    },

    Case("Cancelling some sleeps does not affect others", .timers) { runtime in
      let duration = Duration.milliseconds(20)
      let short = (0..<100).map { _ in
        runtime.spawn { try await timed { try await runtime.clock.sleep(for: duration) } }
      }
      // Each reports whether it was cancelled itself by the time it ended.
      let long = (0..<200).map { _ in
        runtime.spawn {
          do { try await runtime.clock.sleep(for: .seconds(3600)) } catch { return Task.isCancelled }
          return false
        }
      }
      func cancel(_ places: StrideTo<Int>) async throws {
        for place in places { long[place].cancel() }
        for place in places {
          try await expect("whether a sleep of an hour ended only after it was cancelled", toGive: true) {
            try await long[place].value
          }
        }
      }
      try await cancel(stride(from: 0, to: long.count, by: 2))
      for sleep in short {
        let time = try await expectEnd(of: "a sleep of \(duration) that was not cancelled") { try await sleep.value }
        try expect("that sleep", toBe: "no shorter", time >= duration, saw: "\(time)")
      }
      try await cancel(stride(from: 1, to: long.count, by: 2))
    },

    Case("A sleeping task leaves its worker to others", .timers) { runtime in
      let sleepers = (0..<runtime.workerCount * 4).map { _ in
        runtime.spawn { try await runtime.clock.sleep(for: .seconds(3600)) }
      }
      try await runtime.spawnAndWait("a task beside \(sleepers.count) that sleep") {}
      for sleeper in sleepers { sleeper.cancel() }
      for sleeper in sleepers { try await expectCancellation(of: "a sleep") { try await sleeper.value } }
    },

    Case("A timeout on the runtime's clock cancels only what takes longer", .timers) { runtime in
      let timeout = Duration.milliseconds(5)
      for _ in 0..<10 {
        let time = try await runtime.spawnAndWait("a timeout of \(timeout) of a sleep of an hour") {
          try await timed { try await expectTimeOut(after: timeout, on: runtime.clock) }
        }
        try expect("that timeout", toBe: "no shorter", time >= timeout, saw: "\(time)")
        try await runtime.spawnAndWait("a sleep of 1 ms with a timeout of an hour") {
          try await withTimeout(.seconds(3600), on: runtime.clock) {
            try await runtime.clock.sleep(for: .milliseconds(1))
          }
        }
      }
    },

    Case("Ticks on the runtime's clock are a period apart, and never early by that clock", .timers) { runtime in
      try await runtime.spawnAndWait("20 ticks") { try await expectTicks(20, on: runtime.clock) }
    },
  ]

  /// Starts `count` sleeps at once, and expects each to end, and not early.
  static func expectAllEnd(_ count: Int, on runtime: any AsyncRuntime) async throws {
    let sleeps = (0..<count).map { number in
      let duration = Duration.milliseconds(number % 100)
      return runtime.spawn { (duration, try await timed { try await runtime.clock.sleep(for: duration) }) }
    }
    for sleep in sleeps {
      let (duration, time) = try await expectEnd(of: "one of \(count) sleeps") { try await sleep.value }
      try expect("a sleep of \(duration)", toBe: "no shorter", time >= duration, saw: "\(time)")
    }
  }

  /// Sleeps for durations on either side of a millisecond, the resolution of many timers.
  private static func expectNeverEarly(
    on runtime: any AsyncRuntime, _ sleep: @escaping @Sendable (Duration) async throws -> Void
  ) async throws {
    for microseconds in [1, 300, 999, 1000, 1001, 2500, 10_000] {
      let duration = Duration.microseconds(microseconds)
      let time = try await runtime.spawnAndWait("a sleep of \(duration)") {
        try await timed { try await sleep(duration) }
      }
      try expect("a sleep of \(duration)", toBe: "no shorter", time >= duration, saw: "\(time)")
    }
  }

  private static func expectTimeOut(after timeout: Duration, on clock: some Clock<Duration>) async throws {
    do {
      try await withTimeout(timeout, on: clock) { try await clock.sleep(for: .seconds(3600)) }
    } catch is TimedOut {
      return
    }
    try expect("a sleep of an hour", toBe: "timed out", false, saw: "its end")
  }

  private static func expectTicks(_ count: Int, on clock: some Clock<Duration>) async throws {
    // Shorter and longer than a millisecond, the resolution of many timers. No tick is skipped, however late it is.
    for period in [Duration.microseconds(700), .microseconds(2500)] {
      var ticks = Interval(every: period, on: clock, missed: .catchUp).makeAsyncIterator()
      var tick = await ticks.next()
      for _ in 1..<count {
        let last = tick
        tick = await ticks.next()
        guard let last, let tick else { throw CancellationError() }
        let (step, lateness) = (last.duration(to: tick), tick.duration(to: clock.now))
        try expect("the time from tick to tick", step, is: period)
        try expect("the clock at a tick", toBe: "no earlier than it", lateness >= .zero, saw: "\(lateness) after it")
      }
    }
  }

  private static func expectForwards(_ clock: some Clock<Duration>) async throws {
    var last = clock.now
    for _ in 0..<10 {
      let duration = Duration.milliseconds(2)
      try await expectEnd(of: "a sleep of \(duration)") { try await clock.sleep(for: duration) }
      let now = clock.now
      let step = last.duration(to: now)
      try expect("the clock's step over a sleep of \(duration)", toBe: "no shorter", step >= duration, saw: "\(step)")
      last = now
    }
  }
}

/// Returns how long `body` takes.
func timed(_ body: () async throws -> Void) async rethrows -> Duration {
  let start = ContinuousClock.now
  try await body()
  return start.duration(to: .now)
}

extension AsyncRuntime {
  /// Runs `operation` as a task of this runtime and expects it to end without an error.
  @discardableResult
  func spawnAndWait<Success: Sendable>(
    _ subject: String, file: StaticString = #fileID, line: UInt = #line,
    _ operation: sending @escaping () async throws -> Success
  ) async throws -> Success {
    let task = spawn(operation)
    return try await expectEnd(of: subject, file: file, line: line) { try await task.value }
  }
}
