import Glibc
import Runtime
import RuntimeSimulation
import RuntimeTestSupport
import Testing

struct SimulatedTimeTests {
  @Test func `A sleep takes its time in the simulation`() async throws {
    let report = try await simulate(seed: 1) { runtime in
      try await runtime.clock.sleep(for: .seconds(86_400))
      #expect(runtime.clock.now.offset == .seconds(86_400))
    }
    #expect(report.duration == .seconds(86_400))
  }

  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func `Swift's own clocks tell and wait for the simulation's time`(seed: UInt64) async throws {
    try await simulate(seed: seed) { runtime in
      let start = (ContinuousClock.now, SuspendingClock.now, runtime.clock.now, time(nil))
      try await Task.sleep(for: .seconds(5))
      try await ContinuousClock().sleep(until: .now + .seconds(3))
      try await SuspendingClock().sleep(for: .seconds(2))
      try await Task.sleep(nanoseconds: 1_000_000_000)
      try await Task { try await Task.sleep(for: .seconds(4)) }.value
      #expect(start.0.duration(to: .now) == .seconds(15))
      #expect(start.1.duration(to: .now) == .seconds(15))
      #expect(start.2.duration(to: runtime.clock.now) == .seconds(15))
      #expect(time(nil) - start.3 == 15)
    }
  }

  @Test func `Sleeps end in the order of their times, however they were begun`() async throws {
    try await simulate(seeds: 1...50) { runtime in
      let order = Recorder<Int>()
      await withDiscardingTaskGroup { group in
        for number in [3, 1, 4, 2, 5] {
          group.addTask {
            try? await runtime.clock.sleep(for: .seconds(number))
            order.record(number)
          }
        }
      }
      #expect(order.elements == [1, 2, 3, 4, 5])
    }
  }

  @Test func `A cancelled sleep ends at once, and the time does not go on for it`() async throws {
    let report = try await simulate(seed: 3) { runtime in
      let sleeper = runtime.spawn { try await runtime.clock.sleep(for: .seconds(3600)) }
      try await runtime.clock.sleep(for: .seconds(1))
      sleeper.cancel()
      await #expect(throws: CancellationError.self) { try await sleeper.value }
      #expect(runtime.clock.now.offset == .seconds(1))
      #expect(runtime.inventory.timers == 0)
    }
    #expect(report.duration == .seconds(1))
  }

  @Test func `A host's clock may be ahead, and run fast or slow`() async throws {
    try await simulate(seed: 1) { runtime in
      let fast = runtime.host(skew: ClockSkew(offset: .seconds(10), drift: 100_000))
      let start = runtime.clock.now
      #expect(fast.clock.now.offset == .seconds(10))
      try await fast.clock.sleep(for: .seconds(11))
      #expect(fast.clock.now.offset == .seconds(21))
      #expect(start.duration(to: runtime.clock.now) == .seconds(10))
    }
  }

  @Test func `Tasks that only yield to each other let the time pass`() async throws {
    try await simulate(seed: 1) { runtime in
      let isOver = Recorder<Bool>()
      runtime.spawn {
        try await runtime.clock.sleep(for: .seconds(1))
        isOver.record(true)
      }
      while isOver.elements.isEmpty { await Task.yield() }
      #expect(runtime.clock.now.offset == .seconds(1))
    }
  }
}
