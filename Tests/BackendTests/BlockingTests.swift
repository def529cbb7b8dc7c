import Runtime
import Testing

/// The pool in which all three backends run blocking work.
@Suite(.timeLimit(.minutes(10))) struct BlockingTests {
  @Test func `Past its bound the pool queues, in order, and an idle thread goes`() async throws {
    let pool = BlockingPool(threadName: "test-block", limits: BlockingLimits(threads: 2), patience: .milliseconds(20))
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

  @Test func `Shutting the pool down drops what has not begun and waits for what has`() async throws {
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

  @Test func `A shutdown waits no longer than its deadline for work that goes on`() async throws {
    let pool = BlockingPool(threadName: "test-block", limits: BlockingLimits(threads: 1))
    let gate = Barrier(count: 2)
    let begun = Task {
      try await pool.run {
        gate.wait()
        return 1
      }
    }
    while pool.load.threads == 0 || pool.load.queued > 0 { await Task.yield() }
    pool.shutdown(deadline: monotonicNow())
    gate.open()
    #expect(try await begun.value == 1)
    while pool.load.threads > 0 { await Task.yield() }
  }
}

/// Threads that wait until so many have come, or somebody opens it.
final class Barrier: Sendable {
  private let missing: Monitor<Int>

  init(count: Int) { missing = Monitor(count) }

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
