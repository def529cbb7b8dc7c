import Glibc
import Runtime
import RuntimeTestSupport
import RuntimeTesting
import Synchronization
import Testing

/// All operations at once, for `STRESS_SECONDS`. `scripts/stress` runs it for long.
@Suite(.timeLimit(.minutes(60))) struct StressTests {
  private static let duration = Duration.seconds(getenv("STRESS_SECONDS").flatMap { Int(String(cString: $0)) } ?? 1)

  /// An operation of a task.
  private enum Deed: CaseIterable {
    case nothing, yield, sleep, systemSleep, block, fan, ball, cancelled
  }

  @Test(arguments: Backend.allCases, [1, 3])
  func `Tasks that do everything, started from inside and outside, all end`(
    backend: Backend, workers: Int
  ) async throws {
    try await backend.withRuntime(workers: workers) { runtime in
      let end = ContinuousClock.now + Self.duration / 2
      let (begun, ended) = (Shared(Atomic<Int>(0)), Shared(Atomic<Int>(0)))
      @Sendable func work() async throws {
        begun.value.add(1, ordering: .relaxed)
        try await Self.act(Deed.allCases.randomElement() ?? .nothing, on: runtime)
        ended.value.add(1, ordering: .relaxed)
      }
      // The group's children are on Swift's pool, so that they start tasks from outside the runtime.
      try await withThrowingTaskGroup(of: Void.self) { group in
        for isInside in [true, true, false, false] {
          group.addTask {
            while ContinuousClock.now < end {
              if isInside {
                try await runtime.spawn {
                  let tasks = (0..<40).map { _ in runtime.spawn(work) }
                  for task in tasks { try await task.value }
                }.value
              } else {
                let tasks = (0..<10).map { _ in runtime.spawn(work) }
                for task in tasks { try await task.value }
              }
            }
          }
        }
        try await group.waitForAll()
      }
      #expect(begun.value.load(ordering: .relaxed) == ended.value.load(ordering: .relaxed))
    }
  }

  private static func act(_ deed: Deed, on runtime: some AsyncRuntime) async throws {
    switch deed {
    case .nothing: break
    case .yield: for _ in 0..<20 { await Task.yield() }
    case .sleep: try await runtime.clock.sleep(for: .microseconds(Int.random(in: 0...3000)))
    case .systemSleep: try await Task.sleep(for: .microseconds(Int.random(in: 0...3000)))
    case .block: try await runtime.runBlocking {}
    case .fan:
      await withTaskGroup(of: Void.self) { group in
        for _ in 0..<10 { group.addTask { await Task.yield() } }
      }
    case .ball:
      let (near, far) = MemoryStream.pair(capacity: 1)
      let echo = runtime.spawn { for _ in 0..<10 { try await far.write(try await far.read()) } }
      for _ in 0..<10 {
        try await near.write("x")
        _ = try await near.read()
      }
      try await echo.value
    case .cancelled:
      let sleeper = runtime.spawn { try await runtime.clock.sleep(for: .seconds(1000)) }
      await Task.yield()
      sleeper.cancel()
      _ = await sleeper.result
    }
  }
}
