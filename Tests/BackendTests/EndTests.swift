import Runtime
import RuntimeTestSupport
import Testing

/// What becomes of the tasks of a runtime that has ended.
@Suite(.timeLimit(.minutes(10))) struct EndTests {
  /// Not on Swift's own pool, whose threads the tasks that go on would keep.
  @Test(arguments: Backend.allCases.filter { $0 != .concurrency })
  func `Tasks run after the end though others keep all workers`(backend: Backend) async throws {
    await #expect(processExitsWith: .success) { [backend] in
      let runtime = try backend.makeRuntime()
      let (stuck, later) = (Recorder<Int>(), Recorder<Int>())
      let blockers = (0..<runtime.workerCount).map { number in
        runtime.spawn {
          stuck.record(number)
          // They give up in the end, so that a failure is one and not a hang.
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
