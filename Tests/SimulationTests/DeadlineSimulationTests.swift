import Runtime
import RuntimeSimulation
import RuntimeTestSupport
import Testing

/// When an operation with a deadline is cancelled, and what the caller gets, in many orders of events.
struct DeadlineSimulationTests {
  @Test func `An operation is cancelled at its deadline, and no later or sooner`() async throws {
    try await simulate(seeds: Seeds.few) { runtime in
      let clock = runtime.clock
      for timeout in [Duration.nanoseconds(1), .milliseconds(1500), .seconds(86_400)] {
        let start = clock.now
        await #expect(throws: TimedOut()) {
          try await withTimeout(timeout, on: clock) {
            do {
              try await clock.sleep(for: .seconds(1_000_000))
            } catch {
              #expect(start.duration(to: clock.now) == timeout)
              throw error
            }
          }
        }
        #expect(start.duration(to: clock.now) == timeout)
      }
    }
  }

  @Test func `An operation that ends in time costs no time beyond its own`() async throws {
    try await simulate(seeds: Seeds.few) { runtime in
      let start = runtime.clock.now
      try await withTimeout(.seconds(60), on: runtime.clock) { try await runtime.clock.sleep(for: .seconds(1)) }
      #expect(start.duration(to: runtime.clock.now) == .seconds(1))
    }
  }

  @Test func `An operation that ends at its deadline ends in one way or the other`() async throws {
    let endings = Recorder<String>()
    try await simulate(seeds: Seeds.many) { runtime in
      let clock = runtime.clock
      do {
        let value = try await withTimeout(.seconds(1), on: clock) {
          try await clock.sleep(for: .seconds(1))
          return 7
        }
        try expect(value == 7, "the value is \(value)")
        endings.record("value")
      } catch is TimedOut {
        endings.record("timed out")
      }
      try expect(clock.now.offset == .seconds(1), "the time is \(clock.now)")
    }
    #expect(Set(endings.elements).isSubset(of: ["value", "timed out"]))
  }

  @Test func `Of nested timeouts whose time is over at once, one is told, and it is one whose time is over`()
    async throws
  {
    try await simulate(seeds: Seeds.many) { runtime in
      let clock = runtime.clock
      do {
        try await withTimeout(.seconds(1), on: clock, name: "outer") {
          try await withTimeout(.seconds(1), on: clock, name: "inner") {
            try await withTimeout(.seconds(2), on: clock, name: "innermost") {
              try await clock.sleep(for: .seconds(60))
            }
          }
        }
        throw Ledger.Wrong("it ended")
      } catch let error as TimedOut {
        try expect(error.name != "innermost", "\(error)")
      }
      try expect(clock.now.offset == .seconds(1), "the time is \(clock.now)")
    }
  }

  @Test func `A caller that is cancelled before the deadline is not told of one`() async throws {
    try await simulate(seeds: Seeds.many) { runtime in
      let clock = runtime.clock
      let task = runtime.spawn {
        try await withTimeout(.seconds(2), on: clock) {
          try? await clock.sleep(for: .seconds(60))
          // The operation takes time to end, and the deadline passes meanwhile.
          await Task { try? await clock.sleep(for: .seconds(5)) }.value
          throw CancellationError()
        }
      }
      try await clock.sleep(for: .seconds(1))
      task.cancel()
      await #expect(throws: CancellationError.self) { try await task.value }
      try expect(clock.now.offset == .seconds(6), "the time is \(clock.now)")
    }
  }
}
