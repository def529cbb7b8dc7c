import Runtime
import RuntimeCustom
import RuntimeTestSupport
import Testing

/// How each backend handles jobs that keep a worker for long. The conformance suite tests what every runtime
/// guarantees.
@Suite(.timeLimit(.minutes(10))) struct StallTests {
  @Test(arguments: Backend.allCases, [1, 2])
  func `Relief workers run new tasks while every worker is stuck`(backend: Backend, workers: Int) async throws {
    try await backend.withRuntime(workers: workers) { runtime in
      let done = Recorder<Int>()
      // More than the workers: some block relief workers, which need relief too.
      let stuck = (0..<workers + 2).map { _ in runtime.spawn { block { !done.elements.isEmpty } } }
      try await runtime.spawn {
        try await runtime.clock.sleep(for: .milliseconds(1))
        done.record(1)
      }.value
      for task in stuck {
        let isDone = try await task.value
        #expect(isDone)
      }
      #expect(runtime.metrics.reliefs >= 2)
    }
  }

  @Test(arguments: Backend.allCases)
  func `Without relief, at most as many tasks run at once as there are workers`(backend: Backend) async throws {
    var stalls = StallOptions()
    stalls.maximumReliefWorkers = 0
    for stalls in [stalls, nil] {
      try await backend.withRuntime(workers: 1, stalls: stalls) { runtime in
        let done = Recorder<Int>()
        let stuck = runtime.spawn {
          // Made ready while the only worker runs this task.
          let waiting = runtime.spawn { done.record(1) }
          return (block(within: .milliseconds(50)) { !done.elements.isEmpty }, waiting)
        }
        let (isOvertaken, waiting) = try await stuck.value
        #expect(!isOvertaken)
        try await waiting.value
        #expect(done.elements == [1])
        #expect(runtime.metrics.reliefs == 0)
      }
    }
  }

  @Test(arguments: Backend.allCases)
  func `A stall is counted while it goes on, and reported once when it is over`(backend: Backend) async throws {
    let (reports, report) = AsyncStream<Stall>.makeStream()
    var stalls = StallOptions()
    stalls.threshold = .milliseconds(5)
    stalls.report = { report.yield($0) }
    try await backend.withRuntime(workers: 2, stalls: stalls) { runtime in
      let isSeen = try await runtime.spawn { block { runtime.metrics.stalls > 0 } }.value
      #expect(isSeen)
      var iterator = reports.makeAsyncIterator()
      let stall = try #require(await iterator.next())
      #expect(stall.runtime == runtime.name)
      #expect(stall.worker.contains("worker "))
      #expect(stall.duration >= .milliseconds(5))
      #expect(stall.activity == nil)
      #expect(stall.task == nil)
      #expect(runtime.metrics.longestStall >= .milliseconds(5))
    }
    report.finish()
    var others = 0
    // There may be more where the machine delays threads, but no stall is reported twice.
    for await _ in reports { others += 1 }
    #expect(others <= 20)
  }

  @Test(arguments: Backend.allCases)
  func `A stall that does not end is reported too`(backend: Backend) async throws {
    let reported = Recorder<Stall>()
    var stalls = StallOptions()
    stalls.report = { reported.record($0) }
    try await backend.withRuntime(workers: 2, stalls: stalls) { runtime in
      let isReported = try await runtime.spawn { block { reported.elements.contains { !$0.isOver } } }.value
      #expect(isReported)
    }
  }

  @Test(arguments: Backend.allCases)
  func `A report names the task, if it has a name`(backend: Backend) async throws {
    let reported = Recorder<String?>()
    var stalls = StallOptions()
    stalls.threshold = .milliseconds(5)
    stalls.report = { reported.record($0.task) }
    try await backend.withRuntime(workers: 1, stalls: stalls) { runtime in
      for round in 0..<2 {
        // Tasks with other names run before and after it, and may have the same address.
        try await runtime.spawn(name: "brief \(round)") { await Task.yield() }.value
        let isReported = try await runtime.spawn(name: "import \(round)") {
          await Task.yield()
          return block { reported.elements.contains("import \(round)") }
        }.value
        #expect(isReported)
      }
      let unnamed = reported.elements.count { $0 == nil }
      let isReportedWithoutName = try await runtime.spawn {
        block { reported.elements.count { $0 == nil } > unnamed }
      }.value
      #expect(isReportedWithoutName)
    }
    // A slow machine may stall in any task.
    let names = reported.elements
    #expect(Set(names).isSubset(of: [nil] + (0..<2).flatMap { ["import \($0)", "brief \($0)"] }))
  }

  @Test func `A report describes the stall in a line`() {
    func line(_ isOver: Bool, _ activity: String?, _ task: String?) -> String {
      Stall(
        runtime: "custom", worker: "worker 0", duration: .milliseconds(1003), isOver: isOver, activity: activity,
        task: task
      ).description
    }
    #expect(line(true, "GET /stall", nil) == "runtime custom, worker 0: a job took 1003 ms (GET /stall)")
    #expect(line(false, nil, nil) == "runtime custom, worker 0: a job has been running for 1003 ms")
    #expect(line(true, nil, "import") == "runtime custom, worker 0: a job took 1003 ms (task \"import\")")
    #expect(line(true, "GET /", "a") == "runtime custom, worker 0: a job took 1003 ms (task \"a\", GET /)")
  }
}
