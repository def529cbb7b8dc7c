import Runtime
import RuntimeTestSupport
import Testing

/// Tasks of a runtime that has ended.
@Suite(.timeLimit(.minutes(10))) struct EndTests {
  /// Not on Swift's own pool, since the blocked tasks would keep its threads.
  @Test(arguments: Backend.allCases.filter { $0 != .concurrency })
  func `Tasks run after the runtime's end though blocked tasks keep all workers`(backend: Backend) async throws {
    await #expect(processExitsWith: .success) { [backend] in
      let runtime = try backend.makeRuntime()
      let (stuck, later) = (Recorder<Int>(), Recorder<Int>())
      let blockers = (0..<runtime.workerCount).map { number in
        runtime.spawn {
          stuck.record(number)
          // The tasks give up after a time, so that the test fails and does not hang.
          return block(within: .seconds(30)) { later.elements.count == 2 }
        }
      }
      while stuck.elements.count < runtime.workerCount { await Task.yield() }
      runtime.execute { later.record(1) }
      await runtime.shutdown(grace: .zero)
      runtime.execute { later.record(2) }
      for blocker in blockers { #expect(try await blocker.value) }
    }
  }
}
