import Runtime
import RuntimePrimitives
import Synchronization

extension RuntimeConformance {
  static let executor: [Case] = [
    Case("The handle that spawn returns has the task's result or error", .executor) { runtime in
      let answer = runtime.spawn { 42 }
      try await expect("what the task's handle gives", toGive: 42) { try await answer.value }
      let failure = runtime.spawn { () throws -> Void in throw Failure() }
      try await expectFailure(of: "the handle of a task that throws") { try await failure.value }
      try await runtime.spawnAndWait("a task after one that threw") {}
    },

    Case("spawn and execute return at once, and the task runs by itself", .executor) { runtime in
      let (near, far) = MemoryStream.pair()
      // The input of the tasks arrives only after both calls have returned.
      let spawned = runtime.spawn { try await far.read(upTo: 1) }
      try await near.write("a")
      try await expect("what the spawned task reads", toGive: [UInt8(ascii: "a")]) { try await spawned.value }
      runtime.execute { try? await far.write(try await far.read(upTo: 1)) }
      try await near.write("b")
      try await expect("what the executed task sends back", toGive: [UInt8(ascii: "b")]) { try await near.read() }
    },

    Case("Each task runs exactly once, wherever it is started", .executor) { runtime in
      try await expectEachOnce(1000, on: runtime)
    },

    .makingRuntimes("Cancelling a task's handle cancels the task", .executor) { trial in
      let task = try await trial.makeRuntime().spawn { await isCancelled(within: trial.patience) }
      task.cancel()
      try await expect("whether the task is cancelled", toGive: true) { try await task.value }
    },

    Case("Dropping a task's handle neither cancels nor ends it", .executor) { runtime in
      let (near, far) = MemoryStream.pair()
      do {
        _ = runtime.spawn {
          for _ in 0..<10 { await Task.yield() }
          try await far.write(Task.isCancelled ? "cancelled" : "not cancelled")
        }
      }
      try await expect("what the task reports", toGive: Array("not cancelled".utf8)) { try await near.read() }
    },

    Case("Each child of a task group runs exactly once", .executor) { runtime in
      let numbers = try await runtime.spawnAndWait("a task with 1,000 children") {
        await withTaskGroup(of: Int.self) { group in
          for number in 0..<1000 {
            group.addTask {
              if number % 3 == 0 { await Task.yield() }
              return number
            }
          }
          return await group.reduce(into: []) { $0.append($1) }
        }
      }
      try expect("the children's results, in order", numbers.sorted(), is: Array(0..<1000))
    },

    Case("A chain of tasks, each started by the previous one, completes", .executor) { runtime in
      @Sendable func link(_ rest: Int) async throws -> Int {
        if rest == 0 { return 0 }
        let next = runtime.spawn { try await link(rest - 1) }
        return try await 1 + next.value
      }
      try await expect("the length of the chain", toGive: 1000) { try await link(1000) }
    },

    Case("Tasks that wake each other never miss a wake", .executor) { runtime in
      let (near, far) = MemoryStream.pair(capacity: 1)
      let back = runtime.spawn { for _ in 0..<1000 { try await far.write(try await far.read()) } }
      let there = runtime.spawn {
        for round in 0..<1000 {
          try await near.write([UInt8(truncatingIfNeeded: round)])
          guard try await near.read() == [UInt8(truncatingIfNeeded: round)] else { return round }
        }
        return 1000
      }
      try await expect("the number of completed round trips", toGive: 1000) { try await there.value }
      try await expectEnd(of: "the task that sends it back") { try await back.value }
    },

    Case("Work that arrives just as the workers fall asleep is run", .executor) { runtime in
      for _ in 0..<5000 { try await runtime.spawnAndWait("a task that is started when there is no other") {} }
    },

    Case("A task and its children are on the runtime's executor after every await", .executor) { runtime in
      guard let home = runtime.taskExecutor else { return }  // Swift's own pool, which needs no preference.
      let isHome: @Sendable () -> Bool = {
        withUnsafeCurrentTask { $0?.unownedTaskExecutor == home.asUnownedTaskExecutor() }
      }
      try await expect("whether a task's executor is the runtime's", toGive: true) {
        try await runtime.spawn { isHome() }.value
      }
      try await expect("whether it still is after yielding and sleeping", toGive: true) {
        try await runtime.spawn {
          await Task.yield()
          await runtime.yield()
          try await runtime.clock.sleep(for: .milliseconds(1))
          try await Task.sleep(for: .milliseconds(1))
          return isHome()
        }.value
      }
      try await expect("whether it is in a child of a group", toGive: [true]) {
        try await runtime.spawn {
          await withTaskGroup(of: Bool.self) { group in
            group.addTask {
              await Task.yield()
              return isHome()
            }
            return await group.reduce(into: []) { $0.append($1) }
          }
        }.value
      }
      try await expect("whether it is in an async let", toGive: true) {
        try await runtime.spawn {
          async let child = isHome()
          return await child
        }.value
      }
      let (near, far) = MemoryStream.pair()
      runtime.execute { try? await near.write(isHome() ? "home" : "elsewhere") }
      try await expect("where a task runs that execute has started", toGive: Array("home".utf8)) {
        try await far.read()
      }
    },

    Case("A task has the name and the priority that it was started with", .executor) { runtime in
      try await expect("the task's own name", toGive: "mine") {
        try await runtime.spawn(name: "mine") { Task.name }.value
      }
      try await expect("the name of a task without one", toGive: nil) { try await runtime.spawn { Task.name }.value }
      try await expect("the task's own priority", toGive: .high) {
        try await runtime.spawn(priority: .high) { Task.basePriority }.value
      }
      let (near, far) = MemoryStream.pair()
      runtime.execute(name: "mine") { try? await near.write(Task.name ?? "none") }
      try await expect("the name of a task that execute has started", toGive: Array("mine".utf8)) {
        try await far.read()
      }
    },

    Case("A task inherits task-local values only if its options say so", .executor) { runtime in
      let inheriting = TaskOptions(inheritsTaskLocals: true)
      try await Mark.$value.withValue(1) {
        try await expect("the value in a task that inherits", toGive: 1) {
          try await runtime.spawn(inheriting) { Mark.value }.value
        }
        try await expect("the value in one that does not", toGive: 0) { try await runtime.spawn { Mark.value }.value }
        try await expect("the value in a task that an inheriting task starts", toGive: 1) {
          try await runtime.spawn(inheriting) { try await runtime.spawn(inheriting) { Mark.value }.value }.value
        }
        guard let home = runtime.taskExecutor else { return }  // Swift's own pool, which needs no preference.
        try await expect("whether one that inherits is on the runtime's executor", toGive: true) {
          try await runtime.spawn(inheriting) {
            withUnsafeCurrentTask { $0?.unownedTaskExecutor == home.asUnownedTaskExecutor() }
          }.value
        }
      }
    },

    Case("The runtime's task executor works with ExecutorPreference", .executor) { runtime in
      let mine = ExecutorPreference(runtime.taskExecutor)
      try await expect("what a task on it returns", toGive: 42) { try await mine.spawn { 42 }.value }
      let (near, far) = MemoryStream.pair()
      mine.execute { try? await near.write("x") }
      try await expect("what a task that it executes writes", toGive: Array("x".utf8)) { try await far.read() }
    },

    Case("A runtime has a name and at least one worker", .executor) { runtime in
      try expect("its name", toBe: "a word", !runtime.name.isEmpty, saw: "nothing")
      try expect("its number of workers", toBe: "at least 1", runtime.workerCount >= 1, saw: "\(runtime.workerCount)")
    },

    Case("A runtime counts the tasks that have not ended", .executor) { runtime in
      try expect("the tasks of a new runtime", runtime.metrics.tasks, is: 0)
      let pairs = (0..<3).map { _ in MemoryStream.pair() }
      let waiting = pairs.map { (_, far) in runtime.spawn { try await far.waitUntilReadable() } }
      try expect("the number of tasks while 3 wait", runtime.metrics.tasks, is: 3)
      for (near, _) in pairs { near.close() }
      for task in waiting { try await expectEnd(of: "one of them") { try await task.value } }
      // The count decreases after the value is available, on the task's own thread.
      try await expectEventually("the count of tasks to come down to 0") { runtime.metrics.tasks == 0 }
      let metrics = runtime.metrics
      try expect(
        "the other metrics", toBe: "none below 0",
        metrics.queueDepths.allSatisfy { $0 >= 0 } && metrics.blockingThreads >= 0 && metrics.blockingQueueDepth >= 0
          && metrics.workers.allSatisfy { min($0.jobs, $0.stolenJobs, $0.parks, $0.wakes) >= 0 },
        saw: "\(metrics)")
    },

    Case("Counters of workers never decrease", .executor) { runtime in
      func figures() -> [[Int]] { runtime.metrics.workers.map { [$0.jobs, $0.stolenJobs, $0.parks, $0.wakes] } }
      var last = figures()
      for _ in 0..<10 {
        try await runtime.spawnAndWait("a task that yields") { for _ in 0..<10 { await Task.yield() } }
        let now = figures()
        let grows = now.count >= last.count && zip(last, now).allSatisfy { zip($0, $1).allSatisfy { $0 <= $1 } }
        try expect("jobs, steals, parks and wakes by worker", toBe: "no less than \(last)", grows, saw: "\(now)")
        last = now
      }
    },
  ]

  /// Starts `count` tasks, half from outside the runtime and half from inside, and expects each to run exactly once.
  static func expectEachOnce(_ count: Int, on runtime: any AsyncRuntime) async throws {
    let runs = Lock([Int](repeating: 0, count: count))
    let counter = Box(runs)
    @Sendable func start(_ numbers: Range<Int>) -> [Task<Void, any Error>] {
      numbers.map { number in
        runtime.spawn {
          counter.value.withLock { $0[number] += 1 }
          if number % 3 == 0 { await Task.yield() }
        }
      }
    }
    let outside = start(0..<count / 2)
    let inside = try await runtime.spawnAndWait("a task that starts others") { start(count / 2..<count) }
    for task in outside + inside { try await expectEnd(of: "one of \(count) tasks") { try await task.value } }
    let odd = counter.value.withLock { runs in runs.indices.filter { runs[$0] != 1 }.map { runs[$0] } }
    try expect("how often tasks ran, of those that did not run once", odd, is: [])
  }
}

/// Yields until the calling task is cancelled, for at most `patience`. Returns whether it is cancelled.
func isCancelled(within patience: Duration) async -> Bool {
  let end = ContinuousClock.now + patience
  while !Task.isCancelled && ContinuousClock.now < end { await Task.yield() }
  return Task.isCancelled
}

/// An error for the tasks of cases.
struct Failure: Error, Equatable {}

/// Expects `body` to fail with `Failure`.
func expectFailure<Value>(of subject: String, _ body: () async throws -> Value) async throws {
  try await expect(subject, toGive: true) {
    do {
      _ = try await body()
      return false
    } catch is Failure {
      return true
    }
  }
}

/// A shared reference to a noncopyable value, such as a lock or an atomic.
final class Box<Value: ~Copyable & Sendable>: Sendable {
  let value: Value
  init(_ value: consuming Value) { self.value = value }
}

private enum Mark {
  @TaskLocal static var value = 0
}
