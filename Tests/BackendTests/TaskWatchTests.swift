import Runtime
import RuntimeConcurrency
import RuntimeKit
import RuntimePrimitives
import RuntimeTestSupport
import Synchronization
import Testing

/// The snapshots of tasks that a watch returns.
@Suite(.timeLimit(.minutes(10))) struct TaskWatchTests {
  /// Blocks the calling thread until the task of that name satisfies `isSo` in a snapshot of `watch`, and returns the
  /// snapshot.
  private static func task(
    _ name: String, seenBy watch: TaskWatch, where isSo: (TaskSnapshot) -> Bool = { _ in true }
  ) -> TaskSnapshot? {
    var task: TaskSnapshot?
    _ = block {
      task = watch.tasks.first { $0.name == name && isSo($0) }
      return task != nil
    }
    return task
  }

  /// A unique name, since a watch sees the tasks of all runtimes.
  private static func name(_ what: String) -> String { "\(what) \(count.wrappingAdd(1, ordering: .relaxed).newValue)" }
  private static let count = Atomic(0)

  @Test(arguments: Backend.allCases)
  func `A snapshot shows what a task waits for`(backend: Backend) async throws {
    let watch = TaskWatch()
    try await backend.withRuntime(workers: 2, stalls: nil) { runtime in
      let listener = try await runtime.listen(on: .loopback(port: 0))
      let client = try await runtime.connect(to: listener.localAddress)
      let stream = try await listener.accept()
      let mayReturn = Barrier(count: 2)
      let names = ["sleeps", "reads", "accepts", "blocks"].map(Self.name)
      let tasks = [
        runtime.spawn(name: names[0]) { try await runtime.clock.sleep(for: .seconds(3600)) },
        runtime.spawn(name: names[1]) { try await stream.waitUntilReadable() },
        runtime.spawn(name: names[2]) { _ = try await listener.accept() },
        runtime.spawn(name: names[3]) { try await runtime.runBlocking { mayReturn.wait() } },
      ]
      let waits: [(TaskWait.Kind, String?)] = [
        (.sleep, nil), (.io(.read), "\(client.localAddress, default: "")"),
        (.io(.accept), "\(listener.localAddress)"), (.blockingWork, nil),
      ]
      for (name, (kind, subject)) in zip(names, waits) {
        let seen = try #require(
          await onThreadOfItsOwn {
            Self.task(name, seenBy: watch) { task in
              if case .waiting(let wait) = task.state { wait.kind == kind } else { false }
            }
          })
        guard case .waiting(let wait) = seen.state else { continue }
        if let subject { #expect(wait.subject == subject) }
        #expect(seen.jobs >= 1)
        #expect(seen.location?.hasPrefix("BackendTests/TaskWatchTests.swift:") == true)
      }
      mayReturn.wait()
      for task in tasks { task.cancel() }
      for task in tasks { _ = await task.result }
      #expect(!watch.tasks.contains { names.contains($0.name ?? "") })
    }
  }

  @Test(arguments: Backend.allCases)
  func `A snapshot shows a running task with its worker, and a task behind it as ready`(backend: Backend) async throws {
    let watch = TaskWatch()
    try await backend.withRuntime(workers: 1, stalls: nil) { runtime in
      let (running, ready) = (Self.name("runs"), Self.name("is ready"))
      let mayEnd = Recorder<Bool>()
      let first = runtime.spawn(name: running) {
        runtime.execute(name: ready) {}
        _ = block { !mayEnd.elements.isEmpty }
      }
      // On a thread of its own, since tasks like the first may block all threads of Swift's pool.
      let (seen, behind, later) = await onThreadOfItsOwn {
        defer { mayEnd.record(true) }
        let seen = Self.task(running, seenBy: watch) { $0.state == .running(worker: "worker 0") }
        // The task still runs, and its time grows.
        let later = Self.task(running, seenBy: watch) { $0.busyTime > seen?.busyTime ?? .zero }
        return (seen, Self.task(ready, seenBy: watch), later)
      }
      try await first.value
      #expect(behind?.state == .ready)
      let (before, after) = (try #require(seen), try #require(later))
      #expect(after.longestJob == after.busyTime && after.stateAge >= before.stateAge)
      #expect(after.id == before.id && after.jobs == 1)
    }
  }

  @Test(arguments: Backend.allCases)
  func `A task that waits for another is suspended, and each resumption counts`(backend: Backend) async throws {
    let watch = TaskWatch()
    try await backend.withRuntime(workers: 1, stalls: nil) { runtime in
      let name = Self.name("waits")
      let (stream, yields) = AsyncStream<Int>.makeStream()
      let task = runtime.spawn(name: name) { for await _ in stream {} }
      let (before, after) = await onThreadOfItsOwn {
        defer { yields.finish() }
        let before = Self.task(name, seenBy: watch) { $0.state == .suspended }
        yields.yield(1)
        let after = Self.task(name, seenBy: watch) { $0.state == .suspended && $0.jobs > before?.jobs ?? 0 }
        return (before, after)
      }
      #expect(try #require(after).wakes > #require(before).wakes)
      try await task.value
    }
  }

  @Test func `On Swift's pool snapshots show what tasks wait for, too`() async throws {
    let watch = TaskWatch()
    let runtime = try ConcurrencyRuntime()
    let name = Self.name("sleeps")
    let task = runtime.spawn(name: name) { try await runtime.clock.sleep(for: .seconds(3600)) }
    let seen = await onThreadOfItsOwn {
      Self.task(name, seenBy: watch) { task in
        if case .waiting(let wait) = task.state { wait.kind == .sleep } else { false }
      }
    }
    #expect(seen != nil)
    task.cancel()
    _ = await task.result
    #expect(!watch.tasks.contains { $0.name == name })
    await runtime.shutdown()
  }

  @Test(arguments: Backend.allCases)
  func `Workers report their activity, and sleeps are counted`(backend: Backend) async throws {
    try await backend.withRuntime(workers: 2) { runtime in
      let mayEnd = Recorder<Bool>()
      let task = runtime.spawn(name: "busy") { _ = block { !mayEnd.elements.isEmpty } }
      let isSeen = await onThreadOfItsOwn {
        defer { mayEnd.record(true) }
        return block { runtime.workerActivities.contains { $0.isBusy && $0.task == "busy" } }
      }
      #expect(isSeen)
      #expect(runtime.workerActivities.prefix(2).map(\.name) == ["worker 0", "worker 1"])
      try await task.value
      let sleep = runtime.spawn { try await runtime.clock.sleep(for: .seconds(3600)) }
      let isCounted = await onThreadOfItsOwn { block { runtime.metrics.sleepingTasks == 1 } }
      #expect(isCounted)
      sleep.cancel()
      _ = await sleep.result
    }
  }

  @Test(arguments: Backend.allCases)
  func `The busy time of workers is counted`(backend: Backend) async throws {
    var stalls = StallOptions()
    // The time of a relief worker does not count for the workers.
    stalls.maximumReliefWorkers = 0
    try await backend.withRuntime(workers: 2, stalls: stalls) { runtime in
      let isSeen = try await runtime.spawn {
        block { runtime.metrics.workers.contains { $0.busyTime >= .milliseconds(5) } }
      }.value
      #expect(isSeen)
    }
  }
}
