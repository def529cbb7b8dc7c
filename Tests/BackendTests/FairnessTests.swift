import Runtime
import RuntimePrimitives
import RuntimeTestSupport
import Testing

/// The number of turns that other tasks get before a ready task gets one.
@Suite(.timeLimit(.minutes(10))) struct FairnessTests {
  // More than the capacity of a worker's own queue.
  private static let count = 1000

  /// The two ways to yield.
  enum Way: CaseIterable { case swifts, theRuntimes }

  @Test(arguments: Backend.allCases, Way.allCases)
  func `However many tasks yield, each gets its turn before another gets two`(backend: Backend, way: Way) async throws {
    // Without relief workers: one would run other tasks while the machine delays the worker's thread.
    try await backend.withRuntime(workers: 1, stalls: nil) { runtime in
      // The tasks in the order of their turns. With one worker no two turns overlap.
      let turns = Shared(Lock<[Int]>([]))
      let tasks = try await runtime.spawn {
        (0..<Self.count).map { number in
          runtime.spawn {
            for _ in 0..<20 {
              turns.value.withLock { $0.append(number) }
              switch way {
              case .swifts: await Task.yield()
              case .theRuntimes: await runtime.yield()
              }
            }
          }
        }
      }.value
      for task in tasks { try await task.value }
      var last = [Int](repeating: 0, count: Self.count)
      var longest = 0
      for (position, number) in turns.value.withLock({ $0 }).enumerated() {
        longest = max(longest, position - last[number])
        last[number] = position
      }
      #expect(longest < 2 * Self.count)
    }
  }

  @Test(arguments: Backend.allCases)
  func `A task that yields resumes after all tasks that were ready before it`(backend: Backend) async throws {
    try await backend.withRuntime(workers: 1, stalls: nil) { runtime in
      let order = Shared(Lock<[Int]>([]))
      try await runtime.spawn {
        for number in 0..<10 { runtime.execute { order.value.withLock { $0.append(number) } } }
        await runtime.yield()
        order.value.withLock { $0.append(10) }
      }.value
      #expect(order.value.withLock { $0 } == Array(0...10))
    }
  }

  @Test(arguments: Backend.allCases)
  func `A task yields in a job that blocks its thread and runs the jobs of another executor on it`(
    backend: Backend
  ) async throws {
    try await backend.withRuntime(workers: 1, stalls: nil) { runtime in
      let count = try await runtime.spawn {
        // A wait for the end of the outer job would never end.
        BlockedThread(mainQueue: nil).run {
          for _ in 0..<10 { await runtime.yield() }
          return 10
        }
      }.value
      #expect(count == 10)
    }
  }
}
