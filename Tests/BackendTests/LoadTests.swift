import Runtime
import RuntimeTestSupport
import Testing

@Suite(.timeLimit(.minutes(10))) struct LoadTests {
  @Test(arguments: Backend.allCases)
  func `A million small tasks`(backend: Backend) async throws {
    // In a process of its own, since it would keep Swift's pool from all other tests.
    await #expect(processExitsWith: .success) { [backend] in
      try await backend.withRuntime { runtime in
        let sum = try await runtime.spawn {
          var sum = 0
          // A thousand at a time: a million at once would test the machine's memory.
          for _ in 0..<1000 {
            sum += await withTaskGroup(of: Int.self) { group in
              for _ in 0..<1000 { group.addTask { 1 } }
              return await group.reduce(0, +)
            }
          }
          return sum
        }.value
        #expect(sum == 1_000_000)
      }
    }
  }
}
