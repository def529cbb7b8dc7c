import Dispatch
import Foundation
import Runtime
import Synchronization

/// The number of tasks at a time.
let batchSize = 1000

/// Starts tasks that do nothing and waits for their end, `batchSize` at a time.
enum SpawnAndJoin: TaskLoad {
  static let name = "spawn"
  static let measure = Measure.millions("spawn and join, \(batchSize) at a time")
  static let count = 500_000

  static func run(_ count: Int, on executor: some SleepingExecutor) async throws -> Duration {
    try await executor.spawn {
      try await ContinuousClock().measure {
        var tasks: [Task<Void, any Error>] = []
        for _ in 0..<count / batchSize {
          for _ in 0..<batchSize { tasks.append(executor.spawn {}) }
          for task in tasks { try await task.value }
          tasks.removeAll(keepingCapacity: true)
        }
      }
    }.value
  }
}

/// Tasks each of which starts the next and ends.
enum Chain: TaskLoad {
  static let name = "chain"
  static let measure = Measure.nanoseconds("a chain of tasks, each starting the next")
  static let count = 500_000

  static func run(_ count: Int, on executor: some SleepingExecutor) async throws -> Duration {
    try await executor.spawn {
      await ContinuousClock().measure {
        await withUnsafeContinuation { end in link(count, executor, end) }
      }
    }.value
  }

  private static func link(_ rest: Int, _ executor: some SleepingExecutor, _ end: UnsafeContinuation<Void, Never>) {
    if rest == 0 { return end.resume() }
    executor.spawn { link(rest - 1, executor, end) }
  }
}

/// Yields with the runtime's own function, in the only task.
enum Yield: TaskLoad {
  static let name = "yield"
  static let measure = Measure.nanoseconds("yield")
  static let count = 500_000

  static func run(_ count: Int, on executor: some SleepingExecutor) async throws -> Duration {
    try await executor.spawn {
      await ContinuousClock().measure {
        for _ in 0..<count { await executor.yield() }
      }
    }.value
  }
}

/// Yields with `Task.yield`, in the only task.
enum TaskYield: TaskLoad {
  static let name = "taskyield"
  static let measure = Measure.nanoseconds("yield by Task.yield")
  static let count = 500_000

  static func run(_ count: Int, on executor: some SleepingExecutor) async throws -> Duration {
    try await executor.spawn {
      await ContinuousClock().measure {
        for _ in 0..<count { await Task.yield() }
      }
    }.value
  }
}

/// Makes round trips between two tasks that wake each other.
enum PingPong: TaskLoad {
  static let name = "pingpong"
  static let measure = Measure.nanoseconds("ping-pong between two tasks")
  static let count = 200_000

  static func run(_ count: Int, on executor: some SleepingExecutor) async throws -> Duration {
    try await executor.spawn {
      try await ContinuousClock().measure { try await play(count, on: executor) }
    }.value
  }

  fileprivate static func play(_ rounds: Int, on executor: some SleepingExecutor) async throws {
    let (ping, pong) = (Handoff(), Handoff())
    let echo = executor.spawn {
      for _ in 0..<rounds {
        await ping.receive()
        pong.send()
      }
    }
    for _ in 0..<rounds {
      ping.send()
      await pong.receive()
    }
    try await echo.value
  }
}

/// Makes round trips in 1000 pairs of tasks at once.
enum Pairs: TaskLoad {
  static let name = "pairs"
  static let measure = Measure.nanoseconds("the same, of \(pairs) pairs at once")
  static let count = 200_000
  private static let pairs = 1000

  static func run(_ count: Int, on executor: some SleepingExecutor) async throws -> Duration {
    try await executor.spawn {
      try await ContinuousClock().measure {
        let tasks = (0..<pairs).map { _ in
          executor.spawn { try await PingPong.play(count / pairs, on: executor) }
        }
        for task in tasks { try await task.value }
      }
    }.value
  }
}

/// Sleeps on the runtime's clock, in one task each, all at once.
enum Sleep: TaskLoad {
  static let name = "sleep"
  static let measure = Measure.milliseconds("100,000 sleeps of 100 ms on the runtime's clock")
  static let count = 100_000

  static func run(_ count: Int, on executor: some SleepingExecutor) async throws -> Duration {
    try await runConcurrently(count, on: executor) { try await executor.sleep(for: sleepDuration) }
  }
}

/// Sleeps with `Task.sleep`, in one task each, all at once.
enum TaskSleep: TaskLoad {
  static let name = "tasksleep"
  static let measure = Measure.milliseconds("100,000 sleeps of 100 ms by Task.sleep")
  static let count = 100_000

  static func run(_ count: Int, on executor: some SleepingExecutor) async throws -> Duration {
    try await runConcurrently(count, on: executor) { try await Task.sleep(for: sleepDuration) }
  }
}

private let sleepDuration = Duration.milliseconds(100)

/// Starts tasks from a thread outside the executor, which waits for their end, `batchSize` at a time.
enum Inject: TaskLoad {
  static let name = "inject"
  static let measure = Measure.millions("tasks from a foreign thread")
  static let count = 200_000

  static func run(_ count: Int, on executor: some SleepingExecutor) async throws -> Duration {
    await onThread {
      ContinuousClock().measure {
        for _ in 0..<count / batchSize {
          let rest = Countdown(batchSize)
          for _ in 0..<batchSize { executor.spawn { rest.countDown() } }
          rest.wait()
        }
      }
    }
  }
}

/// Blocking work, which only runtimes offer.
enum BlockingLoad {
  /// Thousands of pieces a second, each submitted by a task of its own.
  static func atOnce(_ runtime: some AsyncRuntime) async throws -> Double {
    let count = 100_000
    let time = try await runConcurrently(count, on: runtime) { try await runtime.runBlocking {} }
    return Double(count) / time.seconds / 1e3
  }

  /// Microseconds per piece, for a task that submits one after another.
  static func inTurn(_ runtime: some AsyncRuntime) async throws -> Double {
    let count = 20_000
    let time = try await runSequentially(count, on: runtime) { try await runtime.runBlocking {} }
    return time.seconds * 1e6 / Double(count)
  }
}

/// Hops to a queue of Dispatch and back, each in a task of its own: the usual way to block without a runtime.
enum Hops: TaskLoad {
  static let name = "hop"
  static let measure = Measure.thousands("hops to a queue of Dispatch, 100,000 at once")
  static let count = 100_000

  static func run(_ count: Int, on executor: some SleepingExecutor) async throws -> Duration {
    let queue = DispatchQueue.global()
    return try await runConcurrently(count, on: executor) { await hop(queue) }
  }
}

/// Hops to a queue of Dispatch and back in one task, one after another.
enum HopsInTurn: TaskLoad {
  static let name = "hopinturn"
  static let measure = Measure.microseconds("hops to a queue of Dispatch, one after another")
  static let count = 20_000

  static func run(_ count: Int, on executor: some SleepingExecutor) async throws -> Duration {
    let queue = DispatchQueue.global()
    return try await runSequentially(count, on: executor) { await hop(queue) }
  }
}

private func hop(_ queue: DispatchQueue) async {
  await withUnsafeContinuation { continuation in queue.async { continuation.resume() } }
}

/// Runs `body` in `count` tasks at once.
private func runConcurrently(
  _ count: Int, on executor: some Executor, _ body: @escaping @Sendable () async throws -> Void
) async throws -> Duration {
  try await executor.spawn {
    try await ContinuousClock().measure {
      let tasks = (0..<count).map { _ in executor.spawn(body) }
      for task in tasks { try await task.value }
    }
  }.value
}

/// Runs `body` repeatedly in one task.
private func runSequentially(
  _ count: Int, on executor: some Executor, _ body: @escaping @Sendable () async throws -> Void
) async throws -> Duration {
  try await executor.spawn {
    try await ContinuousClock().measure {
      for _ in 0..<count { try await body() }
    }
  }.value
}

/// Resumes a waiting thread after a number of calls.
final class Countdown: Sendable {
  private let rest: Atomic<Int>
  private let isOver = DispatchSemaphore(value: 0)

  init(_ count: Int) { rest = Atomic(count) }

  func countDown() {
    if rest.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 { isOver.signal() }
  }

  func wait() { isOver.wait() }
}

/// Runs `body` on a thread of its own, outside of any task.
private func onThread<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
  await withCheckedContinuation { continuation in
    Thread.detachNewThread { continuation.resume(returning: body()) }
  }
}
