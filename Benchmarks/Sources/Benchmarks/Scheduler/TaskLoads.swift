import Dispatch
import Foundation
import Runtime
import Synchronization

/// The loads, as tasks. Each runs in a task of the executor it measures, and the sizes are those of tokio's `micro`.
enum TaskLoads {
  static let count = 500_000
  static let batch = 1000
  static let sleeps = 100_000
  static let nap = Duration.milliseconds(100)

  /// Millions of tasks a second that are started and awaited, `batch` at a time.
  static func spawnAndJoin(_ executor: some Executor) async throws -> Double {
    try await executor.spawn {
      let time = try await ContinuousClock().measure {
        var tasks: [Task<Void, any Error>] = []
        for _ in 0..<count / batch {
          for _ in 0..<batch { tasks.append(executor.spawn {}) }
          for task in tasks { try await task.value }
          tasks.removeAll(keepingCapacity: true)
        }
      }
      return Double(count) / time.seconds / 1e6
    }.value
  }

  /// Nanoseconds a task where each starts the next and ends.
  static func chain(_ executor: some Executor) async throws -> Double {
    try await executor.spawn {
      let time = await ContinuousClock().measure {
        await withUnsafeContinuation { end in Self.link(count, executor, end) }
      }
      return time.nanoseconds / Double(count)
    }.value
  }

  private static func link(_ rest: Int, _ executor: some Executor, _ end: UnsafeContinuation<Void, Never>) {
    if rest == 0 { return end.resume() }
    executor.spawn { link(rest - 1, executor, end) }
  }

  /// Nanoseconds a yield.
  static func yield(_ executor: some Executor) async throws -> Double {
    try await executor.spawn {
      let time = await ContinuousClock().measure {
        for _ in 0..<count { await Task.yield() }
      }
      return time.nanoseconds / Double(count)
    }.value
  }

  /// Nanoseconds a round trip between two tasks that wake each other.
  static func pingPong(_ executor: some Executor) async throws -> Double {
    let rounds = 200_000
    return try await executor.spawn {
      let time = try await ContinuousClock().measure { try await pingPong(executor, rounds) }
      return time.nanoseconds / Double(rounds)
    }.value
  }

  /// The same, where 1000 pairs are at it at once.
  static func pairs(_ executor: some Executor) async throws -> Double {
    let (pairs, rounds) = (1000, 200)
    return try await executor.spawn {
      let time = try await ContinuousClock().measure {
        let tasks = (0..<pairs).map { _ in executor.spawn { try await pingPong(executor, rounds) } }
        for task in tasks { try await task.value }
      }
      return time.nanoseconds / Double(pairs * rounds)
    }.value
  }

  private static func pingPong(_ executor: some Executor, _ rounds: Int) async throws {
    let (ping, pong) = (Handoff(), Handoff())
    let echo = executor.spawn {
      for _ in 0..<rounds {
        await ping.take()
        pong.give()
      }
    }
    for _ in 0..<rounds {
      ping.give()
      await pong.take()
    }
    try await echo.value
  }

  /// Milliseconds until 100,000 tasks have slept, on the runtime's clock.
  static func sleep(_ executor: some Clocked) async throws -> Double {
    let clock = executor.clock
    return try await sleep(executor) { try await clock.sleep(for: nap) }
  }

  /// The same by `Task.sleep`.
  static func taskSleep(_ executor: some Executor) async throws -> Double {
    try await sleep(executor) { try await Task.sleep(for: nap) }
  }

  private static func sleep(
    _ executor: some Executor, _ body: @escaping @Sendable () async throws -> Void
  ) async throws -> Double {
    try await executor.spawn {
      let time = try await ContinuousClock().measure {
        let tasks = (0..<sleeps).map { _ in executor.spawn(body) }
        for task in tasks { try await task.value }
      }
      return time.seconds * 1e3
    }.value
  }

  /// Millions of tasks a second that a thread of its own starts and waits for, `batch` at a time.
  static func inject(_ executor: some Executor) async throws -> Double {
    await onThread {
      let count = 200_000
      let time = ContinuousClock().measure {
        for _ in 0..<count / batch {
          let rest = Countdown(batch)
          for _ in 0..<batch { executor.spawn { rest.countDown() } }
          rest.wait()
        }
      }
      return Double(count) / time.seconds / 1e6
    }
  }

  /// Thousands of pieces of blocking work a second, each asked for by a task of its own.
  static func blocking(_ runtime: some AsyncRuntime) async throws -> Double {
    try await rate(runtime) { try await runtime.runBlocking {} }
  }

  /// Thousands of hops to a queue of Dispatch and back a second, each by a task of its own: what people do to block
  /// without a runtime.
  static func hops(_ executor: some Executor) async throws -> Double {
    let queue = DispatchQueue.global()
    return try await rate(executor) { await hop(queue) }
  }

  private static func rate(
    _ executor: some Executor, _ body: @escaping @Sendable () async throws -> Void
  ) async throws -> Double {
    let count = 100_000
    return try await executor.spawn {
      let time = try await ContinuousClock().measure {
        let tasks = (0..<count).map { _ in executor.spawn(body) }
        for task in tasks { try await task.value }
      }
      return Double(count) / time.seconds / 1e3
    }.value
  }

  /// Microseconds a piece of blocking work, of a task that asks for one after another.
  static func blockingInTurn(_ runtime: some AsyncRuntime) async throws -> Double {
    try await inTurn(runtime) { try await runtime.runBlocking {} }
  }

  /// Microseconds a hop to a queue of Dispatch and back, of a task that makes one after another.
  static func hopsInTurn(_ executor: some Executor) async throws -> Double {
    let queue = DispatchQueue.global()
    return try await inTurn(executor) { await hop(queue) }
  }

  private static func inTurn(
    _ executor: some Executor, _ body: @escaping @Sendable () async throws -> Void
  ) async throws -> Double {
    let count = 20_000
    return try await executor.spawn {
      let time = try await ContinuousClock().measure {
        for _ in 0..<count { try await body() }
      }
      return time.seconds * 1e6 / Double(count)
    }.value
  }

  private static func hop(_ queue: DispatchQueue) async {
    await withUnsafeContinuation { continuation in queue.async { continuation.resume() } }
  }
}

/// Short tasks, all started by one task and so on one worker.
enum SkewedLoad {
  private static let work = Duration.microseconds(10)

  /// Thousands of tasks a second, as fast as they come; and the 50th and 99th hundredth of the microseconds from a
  /// task's start to its end, where 40 of them come every millisecond or two, about a third of what one core can do.
  static func measure(_ executor: some Clocked) async throws -> [Double] {
    let rate = try await rate(executor)
    let latencies = try await latencies(executor).sorted()
    return [rate, latencies[latencies.count / 2], latencies[latencies.count * 99 / 100]]
  }

  private static func rate(_ executor: some Clocked) async throws -> Double {
    let (batches, batch) = (100, 200)
    return try await executor.spawn {
      let time = try await ContinuousClock().measure {
        for _ in 0..<batches {
          let tasks = (0..<batch).map { _ in executor.spawn { spin() } }
          for task in tasks { try await task.value }
        }
      }
      return Double(batches * batch) / time.seconds / 1e3
    }.value
  }

  private static func latencies(_ executor: some Clocked) async throws -> [Double] {
    let (bursts, burst) = (200, 40)
    return try await executor.spawn {
      var latencies: [Double] = []
      for _ in 0..<bursts {
        try await executor.clock.sleep(for: .milliseconds(1))
        let tasks = (0..<burst).map { _ in
          let start = ContinuousClock.now
          return executor.spawn {
            spin()
            return (ContinuousClock.now - start).seconds * 1e6
          }
        }
        for task in tasks { latencies.append(try await task.value) }
      }
      return latencies
    }.value
  }

  private static func spin() {
    let end = ContinuousClock.now + work
    while ContinuousClock.now < end {}
  }
}

/// A thing that one task gives and another takes, over and over: each finds it there, or waits until it is.
final class Handoff: Sendable {
  /// Nothing there, something there, or the continuation of the task that waits for it.
  private let state = Atomic<UInt>(0)

  func give() {
    let before = state.exchange(1, ordering: .acquiringAndReleasing)
    guard before > 1 else { return }
    state.store(0, ordering: .relaxed)  // Nobody else is there: the taker sleeps.
    unsafeBitCast(before, to: UnsafeContinuation<Void, Never>.self).resume()
  }

  func take() async {
    if state.compareExchange(expected: 1, desired: 0, ordering: .acquiringAndReleasing).exchanged { return }
    await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
      let waiting = unsafeBitCast(continuation, to: UInt.self)
      if state.compareExchange(expected: 0, desired: waiting, ordering: .acquiringAndReleasing).exchanged { return }
      state.store(0, ordering: .relaxed)  // It has been given meanwhile.
      continuation.resume()
    }
  }
}

/// So many times, and then the thread that waits goes on.
final class Countdown: Sendable {
  private let rest: Atomic<Int>
  private let isOver = DispatchSemaphore(value: 0)

  init(_ count: Int) { rest = Atomic(count) }

  func countDown() {
    if rest.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 { isOver.signal() }
  }

  func wait() { isOver.wait() }
}

/// Runs `body` on a thread that is nobody's.
func onThread<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
  await withCheckedContinuation { continuation in
    Thread.detachNewThread { continuation.resume(returning: body()) }
  }
}

extension Duration {
  var seconds: Double { self / .seconds(1) }
  var nanoseconds: Double { self / .nanoseconds(1) }
}
