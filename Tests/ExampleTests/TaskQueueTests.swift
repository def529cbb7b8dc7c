import Glibc
import RuntimeTestSupport
import Testing

@testable import task_queue

/// The task queue of chapter 6, above all its sleep, which may be cancelled at any moment.
@Suite(.timeLimit(.minutes(10))) struct TaskQueueTests {
  @Test func `All jobs run on one thread`() async throws {
    let threads = Recorder<pthread_t>()
    let tasks = (1...20).map { _ in
      spawnTask {
        threads.record(pthread_self())
        try await TaskQueue.shared.sleep(for: .milliseconds(1))
        threads.record(pthread_self())
      }
    }
    for task in tasks { try await task.value }
    #expect(threads.elements.count == 40)
    #expect(Set(threads.elements).count == 1)
  }

  @Test func `A sleep is never early`() async throws {
    let clock = ContinuousClock()
    let elapsed = try await spawnTask {
      try await clock.measure { try await TaskQueue.shared.sleep(for: .milliseconds(20)) }
    }
    .value
    #expect(elapsed >= .milliseconds(20))
  }

  @Test func `A short sleep ends before a long one that began earlier`() async throws {
    let long = spawnTask { try await TaskQueue.shared.sleep(for: .seconds(3600)) }
    try await spawnTask { try await TaskQueue.shared.sleep(for: .milliseconds(1)) }.value
    long.cancel()
    _ = await long.result
  }

  @Test func `Cancelling ends a sleep, whether it has begun or not`() async throws {
    for _ in 1...1000 {
      let task = spawnTask { try await TaskQueue.shared.sleep(for: .seconds(3600)) }
      task.cancel()
      await #expect(throws: CancellationError.self) { try await task.value }
    }
  }

  @Test func `A sleep that is cancelled just when it ends either ends or is cancelled`() async throws {
    for _ in 1...1000 {
      let task = spawnTask { try await TaskQueue.shared.sleep(for: .microseconds(50)) }
      usleep(40)
      task.cancel()
      if case .failure(let error) = await task.result { #expect(error is CancellationError) }
    }
  }

  @Test func `An error of a task is its result, and the queue goes on`() async throws {
    struct Failure: Error {}
    let failing = spawnTask { throw Failure() }
    await #expect(throws: Failure.self) { try await failing.value }
    #expect(try await spawnTask { 7 }.value == 7)
  }

  @Test func `Blocking on a task returns its result or throws its error`() async throws {
    struct Failure: Error {}
    let value = try await onThreadOfItsOwn { () throws(any Error) in try blockOn { 7 } }
    #expect(value == 7)
    await #expect(throws: Failure.self) {
      try await onThreadOfItsOwn { () throws(any Error) in try blockOn { throw Failure() } }
    }
  }
}
