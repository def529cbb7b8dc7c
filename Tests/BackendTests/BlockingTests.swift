import Runtime
import RuntimeKit
import RuntimePrimitives
import RuntimeTestSupport
import Testing

/// The pool that runs the blocking work of all three backends.
@Suite(.timeLimit(.minutes(10))) struct BlockingTests {
  @Test func `Beyond its limit of threads the pool queues work in order, and an idle thread ends`() async throws {
    let pool = BlockingPool(
      threadName: "test-block", limits: BlockingLimits(threads: 2), idleTimeout: .milliseconds(20))
    let gate = Barrier(count: 3)
    let order = Shared(Lock<[Int]>([]))
    let busy = (0..<2).map { _ in Task { try await pool.run { gate.wait() } } }
    while pool.load.threads < 2 || pool.load.queued > 0 { await Task.yield() }
    var queued: [Task<Void, any Error>] = []
    for number in 0..<5 {
      queued.append(Task { try await pool.run { order.value.withLock { $0.append(number) } } })
      while pool.load.queued <= number { await Task.yield() }
    }
    #expect(pool.load.threads == 2)
    queued[3].cancel()
    await #expect(throws: CancellationError.self) { try await queued[3].value }
    gate.open()
    for task in busy { try await task.value }
    for number in [0, 1, 2, 4] { try await queued[number].value }
    #expect(order.value.withLock { $0.sorted() } == [0, 1, 2, 4])
    while pool.load.threads > 0 { await Task.yield() }
    #expect(try await pool.run { 1 } == 1)
    pool.shutdown()
    await #expect(throws: CancellationError.self) { try await pool.run { 1 } }
    pool.shutdown()
  }

  @Test func `Shutting the pool down drops queued work and waits for running work`() async throws {
    let pool = BlockingPool(threadName: "test-block", limits: BlockingLimits(threads: 1))
    let gate = Barrier(count: 2)
    let begun = Task {
      try await pool.run {
        gate.wait(); return 1
      }
    }
    while pool.load.threads == 0 || pool.load.queued > 0 { await Task.yield() }
    let waiting = Task { try await pool.run { 2 } }
    while pool.load.queued == 0 { await Task.yield() }
    onForeignThread { pool.shutdown() }
    await #expect(throws: CancellationError.self) { try await waiting.value }
    gate.open()
    #expect(try await begun.value == 1)
  }

  @Test func `A shutdown waits for running work until its deadline at most`() async throws {
    let pool = BlockingPool(threadName: "test-block", limits: BlockingLimits(threads: 1))
    let gate = Barrier(count: 2)
    let begun = Task {
      try await pool.run {
        gate.wait()
        return 1
      }
    }
    while pool.load.threads == 0 || pool.load.queued > 0 { await Task.yield() }
    pool.shutdown(deadline: MonotonicTime.now)
    gate.open()
    #expect(try await begun.value == 1)
    while pool.load.threads > 0 { await Task.yield() }
  }
}

/// A runtime at its limits of blocking work.
@Suite(.timeLimit(.minutes(10))) struct BlockingLimitsTests {
  @Test(arguments: Backend.allCases)
  func `At its limits a runtime refuses work at once and names the limits`(backend: Backend) async throws {
    let limits = BlockingLimits(threads: 2, queued: 1)
    try await backend.withRuntime(blocking: limits) { runtime in
      let gate = Barrier(count: 3)
      let taken = (0..<3).map { _ in runtime.spawn { try await runtime.runBlocking { gate.wait() } } }
      // Two items run and the third waits: the thread for the second counts before it has taken its item.
      while gate.missingCount > 1 || runtime.metrics.blockingQueueDepth != 1 { await Task.yield() }
      let error = await #expect(throws: BlockingWorkRefused.self) { try await runtime.runBlocking {} }
      #expect(error?.limits == limits)
      #expect("\(error, default: "")".hasSuffix("the limits are 2 threads and 1 waiting calls"))
      #expect(runtime.metrics.refusedBlockingCalls == 1)
      gate.open()
      for task in taken { try await task.value }
      let more = try await runtime.runBlocking { 1 }
      #expect(more == 1)
      #expect(runtime.metrics.refusedBlockingCalls == 1)
    }
  }

  @Test(arguments: Backend.allCases)
  func `Successive calls are never refused, even without a queue`(backend: Backend) async throws {
    try await backend.withRuntime(blocking: BlockingLimits(threads: 1, queued: 0)) { runtime in
      try await runtime.spawn {
        for number in 0..<2000 {
          let result = try await runtime.runBlocking { number }
          #expect(result == number)
        }
      }.value
    }
  }

  @Test(arguments: Backend.allCases)
  func `Work that waits for other work gets an error without a queue`(backend: Backend) async throws {
    try await backend.withRuntime(blocking: BlockingLimits(threads: 1, queued: 0)) { runtime in
      await #expect(throws: BlockingWorkRefused.self) {
        try await runtime.runBlocking { try waitFor(runtime.spawn { try await runtime.runBlocking { 1 } }) }
      }
    }
  }

  @Test(arguments: Backend.allCases)
  func `Work that waits for queued work goes on once the queued work is cancelled`(
    backend: Backend
  ) async throws {
    try await backend.withRuntime(blocking: BlockingLimits(threads: 1, queued: 1)) { runtime in
      let inner = Shared(Lock<Task<Int, any Error>?>(nil))
      let outer = runtime.spawn {
        try await runtime.runBlocking {
          let task = runtime.spawn { try await runtime.runBlocking { 1 } }
          inner.value.withLock { $0 = task }
          return try waitFor(task)
        }
      }
      // The inner task may wait before the work that started it has recorded it.
      while runtime.metrics.blockingQueueDepth == 0 || inner.value.withLock({ $0 == nil }) { await Task.yield() }
      inner.value.withLock { $0 }?.cancel()
      await #expect(throws: CancellationError.self) { try await outer.value }
      let more = try await runtime.runBlocking { 2 }
      #expect(more == 2)
    }
  }

  @Test(arguments: Backend.allCases)
  func `Work that waits for queued work ends with the runtime`(backend: Backend) async throws {
    let runtime = try backend.makeRuntime(blocking: BlockingLimits(threads: 1, queued: 1))
    let outer = runtime.spawn {
      try await runtime.runBlocking { try waitFor(runtime.spawn { try await runtime.runBlocking { 1 } }) }
    }
    while runtime.metrics.blockingQueueDepth == 0 { await Task.yield() }
    // Without grace: the runtime drops queued work only after the grace period of the tasks, which wait for that work.
    await runtime.shutdown(grace: .zero)
    await #expect(throws: CancellationError.self) { try await outer.value }
  }
}

/// Blocks the calling thread until `task` has ended, as work does that waits for other work.
private func waitFor<Success: Sendable>(_ task: Task<Success, any Error>) throws -> Success {
  let result = Monitor<Result<Success, any Error>?>(nil)
  Task.detached {
    let outcome = await task.result
    result.withLock { $0 = outcome }
    result.notifyAll()
  }
  return try result.wait { result, _ in result }.get()
}

/// Blocks threads until a number of them have arrived, or until it is opened.
final class Barrier: Sendable {
  private let missing: Monitor<Int>

  init(count: Int) { missing = Monitor(count) }

  /// The number of threads that have not arrived yet.
  var missingCount: Int { missing.withLock { $0 } }

  func wait() {
    missing.withLock { $0 -= 1 }
    missing.notifyAll()
    missing.wait { missing, _ in missing <= 0 ? () : nil }
  }

  func open() {
    missing.withLock { $0 = 0 }
    missing.notifyAll()
  }
}
