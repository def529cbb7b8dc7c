import Runtime
import Synchronization

extension RuntimeConformance {
  static let yielding: [Case] = [
    Case("Yielding on the runtime in a loop lets other tasks run", .executor) { runtime in
      try await expectTurn(beside: "loops of yields", on: runtime) { await runtime.yield() }
    },

    Case("A cancelled task yields like any other", .executor) { runtime in
      try await expectTurn(beside: "loops of yields of cancelled tasks", on: runtime, areCancelled: true) {
        await runtime.yield()
      }
    },

    Case("A task that yields continues, whether or not another one is ready", .executor) { runtime in
      @Sendable func yields(_ count: Int = 1000) async -> Int {
        for _ in 0..<count { await runtime.yield() }
        return count
      }
      try await runtime.spawnAndWait("a task that yields when no other is ready") { await yields() }
      let both = (0..<2).map { _ in runtime.spawn { await yields() } }
      for task in both { try await expectEnd(of: "one of two tasks that yield to each other") { try await task.value } }
    },

    Case("A yield returns wherever it is called", .executor) { runtime in
      try await expectEnd(of: "a yield of a foreign task") { await runtime.yield() }
      try await expectEnd(of: "a yield of a detached task") { await Task.detached { await runtime.yield() }.value }
      try await runtime.spawnAndWait("yields of child tasks") {
        async let child: Void = runtime.yield()
        await withDiscardingTaskGroup { group in
          for _ in 0..<10 { group.addTask { for _ in 0..<10 { await runtime.yield() } } }
        }
        await child
      }
      try await runtime.spawnAndWait("yields of tasks of an actor") {
        let actor = YieldingActor(runtime)
        await withDiscardingTaskGroup { group in
          for _ in 0..<10 { group.addTask { for _ in 0..<10 { await actor.yield() } } }
        }
      }
    },
  ]

  /// Expects a task to run beside twice as many tasks as workers that only repeat `step`.
  static func expectTurn(
    beside loops: String, on runtime: any AsyncRuntime, areCancelled: Bool = false,
    _ step: @escaping @Sendable () async throws -> Void
  ) async throws {
    let (isOver, begun) = (Box(Atomic(false)), Box(Atomic(0)))
    let tasks = (0..<runtime.workerCount * 2).map { _ in
      runtime.spawn { () throws -> Bool in
        begun.value.add(1, ordering: .relaxed)
        // Bounded: if a step never suspends, the task that ends the loop never runs.
        for _ in 0..<1_000_000 where !isOver.value.load(ordering: .relaxed) { try await step() }
        return isOver.value.load(ordering: .relaxed)
      }
    }
    if areCancelled { for task in tasks { task.cancel() } }
    try await expectEventually("the first of the loops to begin") { begun.value.load(ordering: .relaxed) > 0 }
    runtime.spawn { isOver.value.store(true, ordering: .relaxed) }
    for task in tasks {
      try await expect("whether another task ran beside \(loops)", toGive: true) { try await task.value }
    }
  }
}

/// An actor whose method yields.
private actor YieldingActor {
  private let runtime: any AsyncRuntime

  init(_ runtime: any AsyncRuntime) { self.runtime = runtime }

  func yield() async { await runtime.yield() }
}
