import Runtime
import RuntimeTestSupport
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(10))) struct TimerTests {
  @Test(arguments: Backend.allCases)
  func `A sleep is never early, whichever way it is asked for`(backend: Backend) async throws {
    try await backend.withRuntime { runtime in
      try await runtime.spawn {
        for microseconds in [1, 300, 999, 1000, 1001, 2500, 10_000] {
          let duration = Duration.microseconds(microseconds)
          let clock = ContinuousClock()
          let ours = try await clock.measure { try await runtime.clock.sleep(for: duration) }
          let swifts = try await clock.measure { try await Task.sleep(for: duration) }
          let deadline = try await clock.measure { try await clock.sleep(until: .now + duration) }
          #expect(ours >= duration && swifts >= duration && deadline >= duration)
        }
      }.value
    }
  }

  @Test(arguments: Backend.allCases)
  func `Ten thousand timers go off, none early and no thread more for them`(backend: Backend) async throws {
    // In a process of its own, whose threads can be counted.
    await #expect(processExitsWith: .success) { [backend] in
      try await backend.withRuntime { runtime in
        let early = Shared(Atomic<Int>(0))
        let tasks = (0..<10_000).map { number in
          runtime.spawn {
            let duration = Duration.milliseconds(number % 200)
            let start = ContinuousClock.now
            try await runtime.clock.sleep(for: duration)
            if start.duration(to: .now) < duration { early.value.add(1, ordering: .relaxed) }
          }
        }
        let threads = threadNames().count
        for task in tasks { try await task.value }
        #expect(early.value.load(ordering: .relaxed) == 0)
        #expect(threads < 20)
      }
    }
  }

  @Test(arguments: Backend.allCases)
  func `A timer that is set while another is far away is not forgotten`(backend: Backend) async throws {
    try await backend.withRuntime { runtime in
      let far = runtime.spawn { try await runtime.clock.sleep(for: .seconds(3600)) }
      for _ in 0..<20 {
        // From a foreign thread, so that whoever waits for the time has to be told that it is nearer now.
        try await runtime.clock.sleep(for: .milliseconds(2))
        try await runtime.spawn { try await runtime.clock.sleep(for: .milliseconds(2)) }.value
      }
      far.cancel()
      await #expect(throws: CancellationError.self) { try await far.value }
    }
  }

  @Test(arguments: Backend.allCases)
  func `Cancelling ends a sleep at once, whenever it comes`(backend: Backend) async throws {
    try await backend.withRuntime { runtime in
      for round in 0..<300 {
        let sleeper = runtime.spawn { try await runtime.clock.sleep(for: .seconds(3600)) }
        let swiftSleeper = runtime.spawn { try await Task.sleep(for: .seconds(3600)) }
        for _ in 0..<round % 4 { await Task.yield() }
        sleeper.cancel()
        swiftSleeper.cancel()
        await #expect(throws: CancellationError.self) { try await sleeper.value }
        await #expect(throws: CancellationError.self) { try await swiftSleeper.value }
      }
    }
  }

  @Test(arguments: Backend.allCases)
  func `Sleeping until a time that has passed does not wait, nor for longer than can be counted`(
    backend: Backend
  ) async throws {
    try await backend.withRuntime { runtime in
      try await runtime.clock.sleep(for: .zero)
      try await runtime.clock.sleep(for: .seconds(-5))
      let forEver = runtime.spawn { try await runtime.clock.sleep(for: .seconds(Int64.max / 4)) }
      try await runtime.clock.sleep(for: .milliseconds(1))
      forEver.cancel()
      await #expect(throws: CancellationError.self) { try await forEver.value }
    }
  }
}
