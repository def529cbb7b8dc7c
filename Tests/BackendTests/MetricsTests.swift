import Runtime
import RuntimeConcurrency
import RuntimeCustom
import RuntimeTestSupport
import Testing

@Suite(.timeLimit(.minutes(10))) struct MetricsTests {
  @Test(arguments: Backend.allCases)
  func `A runtime counts the jobs that its workers run`(backend: Backend) async throws {
    // Without relief workers, whose jobs do not count for the workers.
    try await backend.withRuntime(stalls: nil) { runtime in
      let before = runtime.metrics.workers.map(\.jobs).reduce(0, +)
      try await runtime.spawn { for _ in 0..<100 { await Task.yield() } }.value
      #expect(runtime.metrics.workers.map(\.jobs).reduce(0, +) - before >= 100)
      #expect(runtime.metrics.workers.count == (backend == .custom ? runtime.workerCount : 1))
    }
  }

  @Test(arguments: Backend.allCases)
  func `Workers with nothing to do park, and are woken for work from outside`(backend: Backend) async throws {
    try await backend.withRuntime { runtime in
      func total(_ figure: (WorkerMetrics) -> Int) -> Int { runtime.metrics.workers.map(figure).reduce(0, +) }
      let (parks, wakes) = (total(\.parks), total(\.wakes))
      // Until a task arrives while all of them are asleep.
      while total(\.parks) == parks || total(\.wakes) == wakes { try await runtime.spawn {}.value }
    }
  }

  @Test(arguments: Backend.allCases)
  func `A worker reports how long its job has run, and how long it has been busy`(
    backend: Backend
  ) async throws {
    // Without relief workers, one of which may run the job if the worker's thread is late.
    var stalls = StallOptions()
    stalls.maximumReliefWorkers = 0
    try await backend.withRuntime(workers: 1, stalls: stalls) { runtime in
      let isSeen = try await runtime.spawn {
        block { runtime.workerActivities.first.map { $0.isBusy && $0.jobAge >= .milliseconds(20) } ?? false }
      }.value
      #expect(isSeen)
      #expect(runtime.workerActivities[0].busyTime >= .milliseconds(10))
    }
  }

  @Test func `Swift's own pool reports no workers`() async throws {
    let runtime = try ConcurrencyRuntime()
    #expect(runtime.metrics.workers == [])
    await runtime.shutdown()
  }

  @Test func `Work of a busy worker is stolen, and that is counted`() async throws {
    let runtime = try CustomRuntime(workers: 2)
    // The first task blocks its worker until the second has run.
    try await runtime.spawn {
      let barrier = Barrier(count: 2)
      let other = runtime.spawn { barrier.wait() }
      barrier.wait()
      try await other.value
    }.value
    #expect(runtime.metrics.workers.map(\.stolenJobs).reduce(0, +) >= 1)
    await runtime.shutdown()
  }

  @Test func `Without stealing a task stays where it was made ready`() async throws {
    let runtime = try CustomRuntime(workers: 2, stealsWork: false)
    let names = try await runtime.spawn {
      let home = threadName()
      let tasks = (0..<50).map { _ in runtime.spawn { threadName() } }
      var names: Set = [home]
      for task in tasks { names.insert(try await task.value) }
      return names
    }.value
    #expect(names.count == 1)
    #expect(runtime.metrics.workers.map(\.stolenJobs) == [0, 0])
    await runtime.shutdown()
  }
}
