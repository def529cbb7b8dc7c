import Runtime
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
  ]
}

/// Where threads wait until so many have come, or somebody opens it.
final class Gate: Sendable {
  private let missing: Monitor<Int>

  /// - Parameter count: how many open it by coming.
  init(count: Int = .max) { missing = Monitor(count) }

  /// Whether it is open: for tasks, whose thread others may be waiting for.
  var isOpen: Bool { missing.withLock { $0 <= 0 } }

  /// Blocks the calling thread, which has to be one for blocking work, until the gate is open, but not for ever.
  ///
  /// - Returns: whether it is open.
  func wait(for patience: Duration) -> Bool {
    missing.wait(until: deadline(patience.nanoseconds)) { missing, isLate in
      missing <= 0 ? true : isLate ? false : nil
    }
  }

  /// Comes, and waits for the others.
  func arriveAndWait(for patience: Duration) -> Bool {
    missing.withLock { $0 -= 1 }
    missing.notifyAll()
    return wait(for: patience)
  }

  func open() {
    missing.withLock { $0 = 0 }
    missing.notifyAll()
  }
}
