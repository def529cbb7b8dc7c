import Runtime
import RuntimePrimitives
import Synchronization

extension RuntimeConformance {
  static let blockingWork: [Case] = [
    Case("Blocking work returns its result or throws its error", .blockingWork) { runtime in
      try await expect("what it gives", toGive: 42) { try await runtime.runBlocking { 42 } }
      try await expectFailure(of: "work that throws") {
        try await runtime.runBlocking { () throws -> Void in throw Failure() }
      }
      try await runtime.spawnAndWait("work that a task requests") { try await runtime.runBlocking {} }
    },

    Case("Each of many pieces of blocking work runs exactly once", .blockingWork) { runtime in
      let done = Box(Atomic(0))
      let tasks = (0..<500).map { number in
        runtime.spawn {
          try await runtime.runBlocking {
            done.value.add(1, ordering: .relaxed)
            return number
          }
        }
      }
      for (number, task) in tasks.enumerated() {
        try await expect("the result of work number \(number)", toGive: number) { try await task.value }
      }
      try expect("how often the work was done", done.value.load(ordering: .relaxed), is: 500)
    },

    Case("Blocking work that a cancelled task requests never begins", .blockingWork) { runtime in
      let begun = Box(Atomic(0))
      for _ in 0..<50 {
        try await expectCancellation(of: "the wait") {
          try await runtime.spawnCancelled {
            try await runtime.runBlocking { begun.value.add(1, ordering: .relaxed) }
          }.value
        }
      }
      // Work begins in order, or nearly so. If any of it were to begin, it would have begun by the time that this work
      // is done.
      for _ in 0..<10 { try await expectEnd(of: "work afterwards") { try await runtime.runBlocking {} } }
      try expect("how much of that work began", begun.value.load(ordering: .relaxed), is: 0)
    },

    .makingRuntimes("Blocking work does not delay tasks", .blockingWork, needs: .threads) { trial in
      let runtime = try await trial.makeRuntime()
      // Twice as many pieces as workers, all blocked until a task has run.
      let gate = Gate()
      let work = (0..<runtime.workerCount * 2).map { _ in
        runtime.spawn { try await runtime.runBlocking { gate.wait(for: trial.patience) } }
      }
      let opener = runtime.spawn {
        await Task.yield()
        try await runtime.clock.sleep(for: .milliseconds(2))
        gate.open()
      }
      for work in work {
        try await expect("whether a task and a sleep ended while work blocked", toGive: true) {
          try await work.value
        }
      }
      try await expectEnd(of: "the task") { try await opener.value }
    },

    .makingRuntimes("Fifty pieces of blocking work can wait for each other", .blockingWork, needs: .threads) {
      trial in
      let runtime = try await trial.makeRuntime()
      let gate = Gate(count: 50)
      let work = (0..<50).map { _ in
        runtime.spawn { try await runtime.runBlocking { gate.arriveAndWait(for: trial.patience) } }
      }
      for work in work {
        try await expect("whether all fifty ran at the same time", toGive: true) { try await work.value }
      }
    },

    .makingRuntimes("Cancelling ends the wait for blocking work that is still running", .blockingWork, needs: .threads)
    {
      trial in
      let runtime = try await trial.makeRuntime()
      for round in 0..<50 {
        let gate = Gate()
        let task = runtime.spawn { try await runtime.runBlocking { gate.wait(for: trial.patience) } }
        for _ in 0..<round % 5 { await Task.yield() }
        task.cancel()
        try await expectCancellation(of: "the wait, while the work still blocks") { try await task.value }
        gate.open()
      }
    },

    .makingRuntimes("A runtime counts the threads that block", .blockingWork, needs: .threads) { trial in
      let runtime = try await trial.makeRuntime()
      let gate = Gate(count: 4)
      let work = (0..<3).map { _ in
        runtime.spawn { try await runtime.runBlocking { gate.arriveAndWait(for: trial.patience) } }
      }
      try await expectEventually("the metrics to count 3 blocking threads") {
        runtime.metrics.blockingThreads >= 3
      }
      gate.open()
      for work in work { _ = try await work.value }
    },

    .makingRuntimes("Blocking work beyond a limit is refused at once", .blockingWork, needs: [.threads, .quietProcess])
    {
      trial in
      let overload = Overload(on: try await trial.makeRuntime(), patience: trial.patience)
      defer { overload.gate.open() }
      try await overload.fill()
      try await overload.drain()
    },

    .makingRuntimes(
      "Work that is refused never begins, and all other work is done", .blockingWork, needs: [.threads, .quietProcess]
    ) { trial in
      let overload = Overload(on: try await trial.makeRuntime(), patience: trial.patience)
      defer { overload.gate.open() }
      try await overload.fill()
      try await overload.drain()
      let (done, refused) = (overload.done, overload.refused)
      try expect("how much of \(overload.asked) pieces was done or refused", done + refused, is: overload.asked)
      try expect("how much of it began", overload.begun, is: done)
    },

    .makingRuntimes("A runtime counts the work that it refuses", .blockingWork, needs: [.threads, .quietProcess]) {
      trial in
      let runtime = try await trial.makeRuntime()
      try expect("the refused calls of a new runtime", runtime.metrics.refusedBlockingCalls, is: 0)
      let overload = Overload(on: runtime, patience: trial.patience)
      defer { overload.gate.open() }
      try await overload.fill()
      try await overload.drain()
      try expect("the refused calls", runtime.metrics.refusedBlockingCalls, is: overload.refused)
    },

    .makingRuntimes(
      "A runtime that has refused work accepts more once calls are cancelled or done", .blockingWork,
      needs: [.threads, .quietProcess]
    ) { trial in
      let runtime = try await trial.makeRuntime()
      let overload = Overload(on: runtime, patience: trial.patience)
      defer { overload.gate.open() }
      try await overload.fill()
      await overload.cancel()
      let isCalling = Box(Atomic(false))
      let more = runtime.spawn {
        isCalling.value.store(true, ordering: .relaxed)
        return try await runtime.runBlocking { 7 }
      }
      // It must be accepted while the work that has begun still blocks.
      try await expectEventually("the call to be made") { isCalling.value.load(ordering: .relaxed) }
      try await runtime.spawnAndWait("a task beside the call") {}
      overload.gate.open()
      try await expect("a call after those that waited were cancelled", toGive: 7) { try await more.value }
      try await overload.drain()
      try await expect("a call after all is done", toGive: 8) { try await runtime.runBlocking { 8 } }
    },
  ]
}

/// More blocking work than a runtime accepts. All of it blocks until the gate is open.
private final class Overload: Sendable {
  let gate = Gate()
  private let runtime: any AsyncRuntime
  private let patience: Duration
  private let state = Lock(State())

  private struct State {
    var tasks: [Task<Void, any Error>] = []
    var (called, begun, done, refused) = (0, 0, 0, 0)
  }

  /// The number of calls of which a runtime has to refuse at least one. The suite cannot know a runtime's limits; a
  /// runtime that accepts more than this at once has no effective limit.
  private static let maximumCalls = 20_000

  init(on runtime: any AsyncRuntime, patience: Duration) {
    self.runtime = runtime
    self.patience = patience
  }

  var asked: Int { state.withLock { $0.tasks.count } }
  private var called: Int { state.withLock { $0.called } }
  var begun: Int { state.withLock { $0.begun } }
  var done: Int { state.withLock { $0.done } }
  var refused: Int { state.withLock { $0.refused } }

  /// Requests work until some is refused.
  func fill() async throws {
    while refused == 0, asked < Self.maximumCalls {
      let tasks = (0..<500).map { _ in runtime.spawn { [self] in try await ask() } }
      state.withLock { $0.tasks += tasks }
      // When this task has run, earlier tasks of this runtime have made their call, or nearly.
      try await runtime.spawnAndWait("a task beside work that blocks") {}
    }
    try await expectEventually("\(asked) calls to be made") { refused > 0 || called == asked }
    // A runtime with a limit has most likely refused a call by now. The deadline is for runtimes without a limit.
    let end = ContinuousClock.now + .seconds(2)
    try await expectEventually("a call to be refused") { refused > 0 || ContinuousClock.now > end }
    try expect("how many of \(asked) calls were refused", toBe: "at least one", refused > 0, saw: "\(refused)")
  }

  private func ask() async throws {
    state.withLock { $0.called += 1 }
    do {
      try await runtime.runBlocking { [self] in
        state.withLock { $0.begun += 1 }
        _ = gate.wait(for: patience)
      }
      state.withLock { $0.done += 1 }
    } catch is BlockingWorkRefused {
      state.withLock { $0.refused += 1 }
    }
  }

  /// Cancels all calls and waits until they have ended.
  func cancel() async {
    let tasks = state.withLock { $0.tasks }
    for task in tasks { task.cancel() }
    for task in tasks { _ = await task.result }
  }

  /// Lets the work end, and waits for it.
  func drain() async throws {
    gate.open()
    for task in state.withLock({ $0.tasks }) {
      try await expectEnd(of: "a call that was accepted or refused") {
        do { try await task.value } catch is CancellationError {}
      }
    }
  }
}
