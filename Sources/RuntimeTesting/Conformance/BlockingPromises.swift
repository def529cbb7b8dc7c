import Runtime
import RuntimePrimitives
import Synchronization

extension RuntimeConformance {
  static let blockingWork: [Case] = [
    Case("Blocking work gives what it returns or throws", .blockingWork) { runtime in
      try await expect("what it gives", toGive: 42) { try await runtime.runBlocking { 42 } }
      try await expectFailure(of: "work that throws") {
        try await runtime.runBlocking { () throws -> Void in throw Failure() }
      }
      try await runtime.spawnAndWait("work that a task asks for") { try await runtime.runBlocking {} }
    },

    Case("Much blocking work is all done, once each", .blockingWork) { runtime in
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
        try await expect("what work number \(number) gives", toGive: number) { try await task.value }
      }
      try expect("how often the work was done", done.value.load(ordering: .relaxed), is: 500)
    },

    Case("Work for which nobody waits any more before it is asked for never begins", .blockingWork) { runtime in
      let begun = Box(Atomic(0))
      for _ in 0..<50 {
        try await expectCancellation(of: "the wait") {
          try await runtime.spawnCancelled {
            try await runtime.runBlocking { begun.value.add(1, ordering: .relaxed) }
          }.value
        }
      }
      // Work is begun in order, or nearly: were any of it to begin, it would have by the time that this is done.
      for _ in 0..<10 { try await expectEnd(of: "work afterwards") { try await runtime.runBlocking {} } }
      try expect("how much of it was begun", begun.value.load(ordering: .relaxed), is: 0)
    },

    .makingRuntimes("Blocking work holds up no task", .blockingWork, needs: .threads) { trial in
      let runtime = try await trial.makeRuntime()
      // As much as would fill all workers twice over, all of it blocked until a task has run.
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
        try await expect("whether a task, and a sleep, came to their end beside work that blocked", toGive: true) {
          try await work.value
        }
      }
      try await expectEnd(of: "the task") { try await opener.value }
    },

    .makingRuntimes("Blocking work holds up no other: fifty wait for each other", .blockingWork, needs: .threads) {
      trial in
      let runtime = try await trial.makeRuntime()
      let gate = Gate(count: 50)
      let work = (0..<50).map { _ in
        runtime.spawn { try await runtime.runBlocking { gate.arriveAndWait(for: trial.patience) } }
      }
      for work in work {
        try await expect("whether all fifty were at it at once", toGive: true) { try await work.value }
      }
    },

    .makingRuntimes("Cancelling ends the wait for blocking work that goes on", .blockingWork, needs: .threads) {
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
      try await expectEventually("the metrics to tell of 3 threads that block") {
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
      try await overload.begin()
      try await overload.end()
    },

    .makingRuntimes(
      "Work that is refused never begins, and all other work is done", .blockingWork, needs: [.threads, .quietProcess]
    ) { trial in
      let overload = Overload(on: try await trial.makeRuntime(), patience: trial.patience)
      defer { overload.gate.open() }
      try await overload.begin()
      try await overload.end()
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
      try await overload.begin()
      try await overload.end()
      try expect("the refused calls", runtime.metrics.refusedBlockingCalls, is: overload.refused)
    },

    .makingRuntimes(
      "A runtime that has refused work takes more once calls are cancelled or done", .blockingWork,
      needs: [.threads, .quietProcess]
    ) { trial in
      let runtime = try await trial.makeRuntime()
      let overload = Overload(on: runtime, patience: trial.patience)
      defer { overload.gate.open() }
      try await overload.begin()
      await overload.cancel()
      let isCalling = Box(Atomic(false))
      let more = runtime.spawn {
        isCalling.value.store(true, ordering: .relaxed)
        return try await runtime.runBlocking { 7 }
      }
      // It has to be taken while the work that has begun still blocks.
      try await expectEventually("the call to be made") { isCalling.value.load(ordering: .relaxed) }
      try await runtime.spawnAndWait("a task beside the call") {}
      overload.gate.open()
      try await expect("a call after those that waited were cancelled", toGive: 7) { try await more.value }
      try await overload.end()
      try await expect("a call after all is done", toGive: 8) { try await runtime.runBlocking { 8 } }
    },
  ]
}

/// More blocking work than a runtime takes: all of it blocks until the gate is open.
private final class Overload: Sendable {
  let gate = Gate()
  private let runtime: any AsyncRuntime
  private let patience: Duration
  private let state = Lock(State())

  private struct State {
    var tasks: [Task<Void, any Error>] = []
    var (called, begun, done, refused) = (0, 0, 0, 0)
  }

  /// How many calls a runtime has to refuse one of. The suite cannot know a runtime's limits; those that take more at
  /// once than this have none to speak of.
  private static let most = 20_000

  init(on runtime: any AsyncRuntime, patience: Duration) {
    self.runtime = runtime
    self.patience = patience
  }

  var asked: Int { state.withLock { $0.tasks.count } }
  private var called: Int { state.withLock { $0.called } }
  var begun: Int { state.withLock { $0.begun } }
  var done: Int { state.withLock { $0.done } }
  var refused: Int { state.withLock { $0.refused } }

  /// Asks for work until some is refused.
  func begin() async throws {
    while refused == 0, asked < Self.most {
      let tasks = (0..<500).map { _ in runtime.spawn { [self] in try await ask() } }
      state.withLock { $0.tasks += tasks }
      // Those of this runtime that were started before are past their call then, or nearly.
      try await runtime.spawnAndWait("a task beside work that blocks") {}
    }
    try await expectEventually("\(asked) calls to be made") { refused > 0 || called == asked }
    // A runtime with a limit has most likely refused one by now. The time is for those that have none.
    let end = ContinuousClock.now + .seconds(2)
    try await expectEventually("a call to be refused") { refused > 0 || ContinuousClock.now > end }
    try expect("how many of \(asked) calls were refused", toBe: "one at least", refused > 0, saw: "\(refused)")
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

  /// Cancels all calls, and waits until none waits any more.
  func cancel() async {
    let tasks = state.withLock { $0.tasks }
    for task in tasks { task.cancel() }
    for task in tasks { _ = await task.result }
  }

  /// Lets the work end, and waits for it.
  func end() async throws {
    gate.open()
    for task in state.withLock({ $0.tasks }) {
      try await expectEnd(of: "a call that was taken or refused") {
        do { try await task.value } catch is CancellationError {}
      }
    }
  }
}
