import Runtime
import RuntimeTestSupport
import RuntimeTesting
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(10))) struct ExecutorTests {
  struct Failure: Error, Equatable {}

  @Test(arguments: Backend.allCases)
  func `spawn hands over what its task returns or throws, and cancels it`(backend: Backend) async throws {
    try await backend.withRuntime { runtime in
      let answer = runtime.spawn { 42 }
      let value = try await answer.value
      #expect(value == 42)
      let failure = runtime.spawn { () throws -> Void in throw Failure() }
      await #expect(throws: Failure()) { try await failure.value }
      let cancelled = runtime.spawn {
        while !Task.isCancelled { await Task.yield() }
        return true
      }
      cancelled.cancel()
      #expect(try await cancelled.value)
    }
  }

  @Test(arguments: Backend.allCases)
  func `execute starts what nobody waits for`(backend: Backend) async throws {
    try await backend.withRuntime { runtime in
      await withCheckedContinuation { continuation in runtime.execute { continuation.resume() } }
    }
  }

  @Test(arguments: Backend.allCases)
  func `A task that throws leaves the runtime as it was`(backend: Backend) async throws {
    try await backend.withRuntime(workers: 1) { runtime in
      for _ in 0..<100 { runtime.spawn { () throws -> Void in throw Failure() } }
      try await runtime.spawn {}.value
    }
  }

  @Test(arguments: Backend.allCases, [1, 2])
  func `Work that comes from outside just as the workers fall asleep is run`(
    backend: Backend, workers: Int
  ) async throws {
    try await backend.withRuntime(workers: workers) { runtime in
      for _ in 0..<20_000 { try await runtime.spawn {}.value }
    }
  }

  @Test(arguments: Backend.allCases, [1, 2, 5])
  func `A task group's children are all run, once each`(backend: Backend, workers: Int) async throws {
    try await backend.withRuntime(workers: workers) { runtime in
      let sum = try await runtime.spawn {
        await withTaskGroup(of: Int.self) { group in
          for number in 0..<1000 {
            group.addTask {
              if number % 3 == 0 { await Task.yield() }
              return number
            }
          }
          return await group.reduce(0, +)
        }
      }.value
      #expect(sum == 999 * 1000 / 2)
    }
  }

  @Test(arguments: Backend.allCases)
  func `A chain of tasks, each started by the one before, comes to its end`(backend: Backend) async throws {
    try await backend.withRuntime { runtime in
      @Sendable func link(_ rest: Int, _ runtime: some AsyncRuntime) async throws -> Int {
        if rest == 0 { return 0 }
        let next = runtime.spawn { try await link(rest - 1, runtime) }
        return try await 1 + next.value
      }
      let length = try await link(2000, runtime)
      #expect(length == 2000)
    }
  }

  @Test(arguments: Backend.allCases)
  func `Tasks that wake each other through continuations never miss a wake`(backend: Backend) async throws {
    try await backend.withRuntime { runtime in
      let (near, far) = MemoryStream.pair(capacity: 1)
      let there = runtime.spawn {
        for round in 0..<2000 {
          try await near.write([UInt8(truncatingIfNeeded: round)])
          #expect(try await near.read() == [UInt8(truncatingIfNeeded: round)])
        }
      }
      let back = runtime.spawn { for _ in 0..<2000 { try await far.write(try await far.read()) } }
      try await there.value
      try await back.value
    }
  }

  @Test(arguments: Backend.allCases)
  func `Jobs come in from many foreign threads and none is lost`(backend: Backend) async throws {
    try await backend.withRuntime { runtime in
      let done = Shared(Atomic<Int>(0))
      // The group's children are on Swift's pool, so that each spawn comes from outside.
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<8 {
          group.addTask {
            let tasks = (0..<2000).map { _ in runtime.spawn { done.value.add(1, ordering: .relaxed) } }
            for task in tasks { _ = try await task.value }
          }
        }
        try await group.waitForAll()
      }
      #expect(done.value.load(ordering: .relaxed) == 16_000)
    }
  }

  @Test(arguments: Backend.allCases)
  func `A runtime counts the tasks that are alive`(backend: Backend) async throws {
    try await backend.withRuntime { runtime in
      let (near, far) = MemoryStream.pair()
      let waiting = runtime.spawn { try await far.read() }
      #expect(runtime.metrics.tasks == 1)
      near.close()
      _ = try await waiting.value
      // The count goes down after the value is there, on the task's own thread.
      while runtime.metrics.tasks > 0 { await Task.yield() }
    }
  }

  @Test func `Any task executor is an executor in a line`() async throws {
    struct Mine: Executor { let taskExecutor: (any TaskExecutor)? }
    try await Backend.custom.withRuntime { runtime in
      let mine = Mine(taskExecutor: runtime.taskExecutor)
      let name = try await mine.spawn { threadName() }.value
      #expect(name.hasPrefix("gearbox-"))
      await withCheckedContinuation { continuation in mine.execute { continuation.resume() } }
    }
  }
}
