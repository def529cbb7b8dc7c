import Runtime
import RuntimePrimitives
import RuntimeTestSupport
import Testing

/// How many turns other tasks have before a task that is ready has one.
@Suite(.timeLimit(.minutes(10))) struct FairnessTests {
  // More than a worker's own queue holds.
  private static let count = 1000

  @Test(arguments: Backend.allCases)
  func `However many tasks yield, each has its turn before others have two`(backend: Backend) async throws {
    // Without relief workers: one would go on with the others while the machine keeps a thread from its task.
    try await backend.withRuntime(workers: 1, stalls: nil) { runtime in
      // The task whose turn it was, one after another. There is one worker: none has its turn beside another.
      let turns = Shared(Lock<[Int]>([]))
      let tasks = try await runtime.spawn {
        (0..<Self.count).map { number in
          runtime.spawn {
            for _ in 0..<20 {
              turns.value.withLock { $0.append(number) }
              await Task.yield()
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
}
